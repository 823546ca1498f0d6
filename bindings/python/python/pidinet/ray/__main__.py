"""`python -m pidinet.ray SRC DST`: the edges of a folder on a Ray cluster, from the shell."""

from __future__ import annotations

import argparse
import sys
from typing import Sequence

from . import detect_folder
from ._folder import FORMATS
from ._manifest import NAME


def parser() -> argparse.ArgumentParser:
    """What is understood."""
    options = argparse.ArgumentParser(
        prog="python -m pidinet.ray",
        description=f"Find the edges of all images in a folder on the machines of a Ray cluster; {NAME} says what became of each.",
    )
    options.add_argument("src", metavar="SRC", help="a folder that all machines have, or a URL such as s3://bucket/photos")
    options.add_argument("dst", metavar="DST", help="the folder for the edges")
    options.add_argument("--address", help="of the cluster, or auto [default: this machine alone]")
    options.add_argument("--concurrency", type=int, metavar="N", help="actors [default: as many as there is room for]")
    options.add_argument(
        "--num-cpus", type=float, default=1, metavar="N", help="of an actor, which has as many threads [default: 1]"
    )
    options.add_argument("--format", choices=FORMATS, default="png")
    options.add_argument("--resume", action="store_true", help="leave images out whose edges are there")
    options.add_argument("-m", "--model", metavar="NAME|FILE", help="the model [default: tiny]")
    options.add_argument(
        "--detail", type=float, metavar="0..1", help="from the boundaries of objects, 0, to every edge, 1"
    )
    options.add_argument("--style", choices=("soft", "safe", "scribble"), default="soft")
    options.add_argument("--max-side", type=int, metavar="PIXELS", help="make larger images smaller first")
    options.add_argument(
        "--accept-damaged", action="store_true", help="read what there is of JPEG and PNG files that are cut short"
    )
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0 if each image was tried, 2 if the command makes no sense or Ray cannot be had."""
    options = vars(parser().parse_args(arguments))
    try:
        report = detect_folder(**options, progress=_progress if sys.stderr.isatty() else None)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for row in report.rows:
        if not row.ok:
            print(f"error: {row.path}: {row.error}", file=sys.stderr)
    print(f"{report}; {options['dst'].rstrip('/')}/{NAME}")
    return 0


def _progress(done: int, all_of_them: int) -> None:
    end = "\n" if done == all_of_them else ""
    print(f"\r{done} of {all_of_them}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
