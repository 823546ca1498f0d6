"""`python -m pidinet`, also installed as `pidinet-detect`: the edges of images, from the shell."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Sequence

import pidinet

FORMATS = ("png", "jpg", "webp", "tiff", "npy", "npz", "svg", "dxf", "geojson")
# Of these, the edges as lines.
LINES = (".svg", ".dxf", ".geojson")
# What is looked for in folders; a file that is named is read whatever it is called.
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pnm", ".pbm", ".pgm", ".ppm")


def parser() -> argparse.ArgumentParser:
    """What is understood."""
    options = argparse.ArgumentParser(
        prog="pidinet-detect", description="Find the edges in images; writes one file for each."
    )
    options.add_argument("images", nargs="*", metavar="IMAGE", help="image files, or folders of them")
    options.add_argument(
        "-o", "--output", metavar="PATH", help="a file for one image, else a folder [default: edges]"
    )
    options.add_argument("-m", "--model", metavar="NAME|FILE", help="the model [default: tiny]")
    options.add_argument(
        "--detail", type=float, metavar="0..1", help="from the boundaries of objects, 0, to every edge, 1"
    )
    options.add_argument("--style", choices=("soft", "safe", "scribble"), default="soft")
    options.add_argument("--nms", action="store_true", help="thin edges to their crests")
    options.add_argument("--threshold", type=float, metavar="P", help="make edges of at least P white, others black")
    options.add_argument("--max-side", type=int, metavar="PIXELS", help="make larger images smaller first")
    options.add_argument(
        "--accept-damaged", action="store_true", help="read what there is of JPEG and PNG files that are cut short"
    )
    options.add_argument("--format", choices=FORMATS, help="of files in a folder [default: png]")
    options.add_argument("-j", "--threads", type=int, metavar="N")
    options.add_argument("--models", action="store_true", help="list the models that are built in")
    options.add_argument("--version", action="version", version=f"pidinet {pidinet.__version__}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0 if all went well, 1 if an image failed, 2 if the command makes no sense."""
    options = parser().parse_args(arguments)
    if options.models:
        for model in pidinet.models():
            print(f"{model.name:14} {model.task:12} {model.parameters:9,} parameters, {model.licence}")
        return 0
    if not options.images:
        parser().error("name an image")
    try:
        detector = pidinet.EdgeDetector(options.model, detail=options.detail, threads=options.threads)
        places = _places(options)
    except (ValueError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = 0
    for image, place in places:
        try:
            edges = detector.detect(image, max_side=options.max_side, accept_damaged=options.accept_damaged)
            if options.nms:
                edges = pidinet.nms(edges)
            if options.threshold is not None:
                edges = pidinet.threshold(edges, options.threshold)
            if place.lower().endswith(LINES):
                pidinet.lines(edges).save(place)
            else:
                pidinet.save(place, pidinet.style(edges, options.style))
            print(place)
        except (ValueError, OSError) as error:
            told = str(error)
            print(f"error: {told if image in told else f'{image}: {told}'}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _places(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Each image and where its edges go."""
    images = []
    for name in options.images:
        if os.path.isdir(name):
            files = sorted(file for file in os.listdir(name) if file.lower().endswith(IMAGES))
            images += [os.path.join(name, file) for file in files]
        else:
            images.append(name)
    if not images:
        raise ValueError("there is no image in what was named")
    output = options.output or "edges"
    is_file = os.path.splitext(output)[1].lower().lstrip(".") in (*FORMATS, "jpeg", "tif")
    if is_file and not os.path.isdir(output):
        if len(images) > 1:
            raise ValueError(f"{len(images)} images do not fit into one file, {output}: name a folder")
        return [(images[0], output)]
    os.makedirs(output, exist_ok=True)
    extension = options.format or "png"
    places = [
        os.path.join(output, f"{os.path.splitext(os.path.basename(image))[0]}.{extension}") for image in images
    ]
    seen: set[str] = set()
    for place in places:
        if place in seen:
            raise ValueError(f"several images would become {place}: rename some, or give them folders of their own")
        seen.add(place)
    return list(zip(images, places))


if __name__ == "__main__":
    sys.exit(main())
