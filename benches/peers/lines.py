"""Lines of edge maps compared with outline tracers: paths, points, bytes, distance to the crests, time.

    pip install numpy pillow scipy svgpathtools vtracer pyautotrace      # and the program potrace
    python benches/peers/lines.py target/release/pidinet photo.jpg ...

Every tracer gets the map of `pidinet detect --detail 0.5`. pidinet takes it unchanged; the others only take black and
white, so they get what hysteresis keeps of it (thresholds 0.15 and 0.35), once as it is and once thinned. Distances
are measured from points a quarter of a pixel apart on all paths to the nearest crest (non-maximum suppression, from
0.15). Times
are the least processor time of three whole processes (for vtracer and autotrace, of three calls).
"""

import pathlib
import resource
import subprocess
import sys
import tempfile

import autotrace
import numpy as np
import svgpathtools
import vtracer
from PIL import Image
from scipy.ndimage import distance_transform_edt


def used():
    """Seconds of all cores, in this process and those that it started and that ended."""
    whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, whose))


def shortest(work):
    times = []
    for _ in range(3):
        clock = used()
        work()
        times.append(used() - clock)
    return min(times)


def measure(svg, to_crest, seconds):
    """Paths, points, bytes, and distances of points on the paths to the nearest crest."""
    height, width = to_crest.shape
    paths, attributes, root = svgpathtools.svg2paths2(str(svg))
    # A viewBox other than the size in points scales what is inside; potrace flips and scales by a transform.
    points = sum(len(path) + sum(1 for _ in path.continuous_subpaths()) for path in paths if len(path))
    count = sum(sum(1 for _ in path.continuous_subpaths()) for path in paths if len(path))
    distances = []
    for path, attribute in zip(paths, attributes):
        place = transform(svg, attribute)
        for segment in path:
            steps = max(int(segment.length(error=1e-2) * place(1, True) * 4), 1)
            for step in range(steps):
                at = place(segment.point((step + 0.5) / steps))
                x, y = int(at.real), int(at.imag)
                if 0 <= x < width and 0 <= y < height:
                    distances.append(to_crest[y, x])
    return count, points, svg.stat().st_size, np.mean(distances), seconds


def transform(svg, attribute):
    """How coordinates of a path become pixels: potrace writes tenths of a point, with y upwards."""
    text = svg.read_text()
    if "potrace" in text:
        height = float(text.split('height="')[1].split("pt")[0])
        return lambda at, length=False: 0.1 if length else complex(at.real * 0.1, height - at.imag * 0.1)
    # autotrace means the left and lower sides of pixels.
    shift = complex(0.5, -0.5) if "<path style=" in text else complex(0, 0)
    if "translate(" in attribute.get("transform", ""):
        x, y = attribute["transform"].split("(")[1].split(")")[0].split(",")
        shift = complex(float(x), float(y))
    return lambda at, length=False: 1 if length else at + shift


def main():
    program, photos = pathlib.Path(sys.argv[1]).resolve(), [pathlib.Path(photo).resolve() for photo in sys.argv[2:]]
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run = lambda *command: subprocess.run([str(word) for word in command], check=True, cwd=folder)
        for photo in photos:
            run(program, "detect", photo, "-o", "map.npy", "--detail", "0.5")
            run(program, "detect", photo, "-o", "crests.npy", "--detail", "0.5", "--nms")
            to_crest = distance_transform_edt(np.load(folder / "crests.npy").squeeze() < 0.15)
            options = ("--detail", "0.5", "--hysteresis", "0.15,0.35")
            run(program, "detect", photo, "-o", "broad.png", *options)
            run(program, "detect", photo, "-o", "thin.png", *options, "--thin")
            out = folder / "out.svg"

            def row(name, work):
                seconds = shortest(work)
                rows.setdefault(name, []).append(measure(out, to_crest, seconds))

            row("pidinet lines", lambda: run(program, "lines", "--map", "map.npy", "-o", out))
            row("pidinet lines --polylines", lambda: run(program, "lines", "--map", "map.npy", "-o", out, "--polylines"))
            for kind in ("broad", "thin"):
                image = Image.open(folder / f"{kind}.png").convert("L")
                image.point(lambda value: 0 if value > 127 else 255).convert("1").save(folder / f"{kind}.pbm")
                row(f"potrace, {kind}", lambda: run("potrace", "-s", f"{kind}.pbm", "-o", out))
                Image.eval(image, lambda value: 255 - value).save(folder / "inverted.png")
                source, target = str(folder / "inverted.png"), str(out)
                row(
                    f"vtracer, {kind}",
                    lambda: vtracer.convert_image_to_svg_py(source, target, colormode="binary"),
                )
                lines = autotrace.Bitmap(np.asarray(image.point(lambda value: 0 if value > 127 else 255).convert("RGB")))
                row(
                    f"autotrace -centerline, {kind}",
                    lambda: lines.trace(centerline=True, background_color=(255, 255, 255)).save(str(out)),
                )
    print("| | paths | points | kB | distance to crests, pixels | ms |\n|---|---|---|---|---|---|")
    for name, all_rows in rows.items():
        paths, points, size, distance, seconds = np.mean(all_rows, axis=0)
        print(f"| {name} | {paths:.0f} | {points:.0f} | {size / 1000:.1f} | {distance:.2f} | {seconds * 1000:.0f} |")


main()
