"""Whether other programs read our files of lines: ezdxf the DXF, vpype the SVG, shapely the GeoJSON.

    pip install ezdxf vpype shapely
    python benches/peers/lines_readers.py target/release/pidinet photo.jpg ...

For each photograph: errors that ezdxf's audit finds, and whether unit and extents are those of the page; how far vpype's pen
travels in the air, of what it does where lines are not sorted; whether every feature is a valid LineString, rings are closed,
and a world file places points where it says, to a millionth of a pixel.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

import ezdxf
import shapely
import vpype
from shapely.geometry import shape

WORLD = (0.25, 0.01, 0.02, -0.25, 350000.125, 5800000.875)


def pen_up(path):
    """Pixels that the pen travels in the air: vpype takes 96 pixels for an inch, as we do."""
    lines, _, _ = vpype.read_svg(str(path), quantization=0.1)
    return lines.pen_up_length()[0]


def dxf(path, width_mm):
    """Findings of the audit, and whether the drawing is as large as it says."""
    document = ezdxf.readfile(path)
    audit = document.audit()
    width, height = document.header["$EXTMAX"][:2]
    inside = all(
        -1 <= x <= width + 1 and -1 <= y <= height + 1
        for entity in document.modelspace()
        for x, y, *_ in entity.get_points()
    )
    fits = document.units == ezdxf.units.MM and math.isclose(width, width_mm, rel_tol=1e-9) and inside
    return len(audit.errors) + len(audit.fixes), fits


def geojson(placed, pixels):
    """Whether features are what RFC 7946 says, and the farthest that one is from where the world file places it."""
    a, d, b, e, c, f = WORLD
    collection, plain = (json.loads(path.read_text()) for path in (placed, pixels))
    valid = collection["type"] == "FeatureCollection" and len(collection["features"]) > 0
    farthest = 0.0
    for feature, other in zip(collection["features"], plain["features"], strict=True):
        line = shape(feature["geometry"])
        ends = feature["geometry"]["coordinates"][0], feature["geometry"]["coordinates"][-1]
        valid &= feature["type"] == "Feature" and line.geom_type == "LineString" and shapely.is_valid(line)
        valid &= len(feature["geometry"]["coordinates"]) > 1
        valid &= not feature["properties"]["closed"] or ends[0] == ends[1]
        for (x, y), (column, row) in zip(
            feature["geometry"]["coordinates"], other["geometry"]["coordinates"], strict=True
        ):
            # Back to pixels, by the inverse of the world file.
            u, v, area = x - c, y - f, a * e - b * d
            back = (e * u - b * v) / area + 0.5, (a * v - d * u) / area + 0.5
            farthest = max(farthest, abs(back[0] - column), abs(back[1] - row))
    return valid, farthest


def main():
    program, photos = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    print("| photograph | DXF findings | unit and extents | pen-up, px | unsorted, px | share | GeoJSON | off, px |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        world = folder / "world.wld"
        world.write_text("\n".join(map(str, WORLD)))
        for photo in photos:
            map_file = folder / "map.npy"
            subprocess.run([program, "detect", photo, "-o", map_file, "--detail", "0.5"], check=True)

            def lines(name, *options):
                out = folder / name
                subprocess.run([program, "lines", "--map", map_file, "-o", out, *options], check=True)
                return out

            findings, fits = dxf(lines("a.dxf", "--width-mm", "200"), 200)
            sorted_, unsorted = pen_up(lines("a.svg")), pen_up(lines("b.svg", "--no-sort"))
            digits = "--decimals", "10"
            placed = lines("a.geojson", *digits, "--world", str(world))
            valid, off = geojson(placed, lines("b.geojson", *digits, "--no-world"))
            share = sorted_ / max(unsorted, 1)
            name = pathlib.Path(photo).stem
            good = "valid" if valid else "INVALID"
            fit = "right" if fits else "WRONG"
            print(f"| {name} | {findings} | {fit} | {sorted_:.0f} | {unsorted:.0f} | {share:.3f} | {good} | {off:.0e} |")


main()
