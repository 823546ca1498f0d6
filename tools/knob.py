"""Looks at the knob between two models: edge pixels at each detail, and the maps beside each picture.

    python tools/knob.py tiny tiny-edges pictures/ -o out/
    python tools/knob.py boundaries.safetensors edges.safetensors pictures/ -o out/ --thin

Writes to the folder OUT
  table.md       edge pixels above 0.5 at details 0 to 1 in steps of 1/8, after `--nms` and, thinned to one pixel, as
                 lines: for each picture, and how often the number falls from one step to the next
  sheets/ID.png  each picture and its maps at detail 0, 0.25, 0.5, 0.75 and 1
  overview.png   all of them, small, one row for each picture

Needs the program `pidinet`, numpy and Pillow (pip install numpy pillow).
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

STEPS = [k / 8 for k in range(9)]
SHOWN = STEPS[::2]
LINES = ["--threshold", "0.5", "--thin"]


def detect(arguments: argparse.Namespace, detail: float, folder: Path, *options: str) -> list[Path]:
    """Files of the maps of all pictures at a detail, by name."""
    command = [arguments.program, "detect", str(arguments.pictures), "-m", arguments.boundaries]
    command += ["--detail-model", arguments.edges, "--detail", str(detail), "-o", f"{folder}/", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.iterdir())


def table(title: str, names: list[str], counts: np.ndarray) -> str:
    """Markdown: `counts` of edge pixels, [pictures, steps], with means and falls."""
    steps = np.diff(counts, axis=1)
    mean = counts.mean(axis=0)
    rows = [[name, *map(str, line), str((step < 0).sum())] for name, line, step in zip(names, counts, steps)]
    rows.append(["mean", *(f"{value:.0f}" for value in mean), str((np.diff(mean) < 0).sum())])
    head = ["picture", *(f"{step:g}" for step in STEPS), "falls"]
    lines = [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]
    grow = (counts[:, -1] > counts[:, 0]).sum()
    summary = f"Grow from 0 to 1: {grow} of {len(names)}. Fall: {(steps < 0).sum()} of {steps.size} steps."
    return "\n".join([title, "", *lines, "", summary, ""])


def counted(maps: dict[float, list[Path]]) -> np.ndarray:
    """How many pixels of each map are above 0.5, [pictures, steps]."""
    pictures = zip(*(maps[detail] for detail in STEPS))
    return np.array([[(np.load(path) > 0.5).sum() for path in picture] for picture in pictures])


def sheet(pictures: list[Image.Image], labels: list[str], columns: int, width: int) -> Image.Image:
    """Pictures of one shape, `columns` in a row, in a sheet `width` pixels wide."""
    w = width // columns
    h = max(1, round(pictures[0].height * w / pictures[0].width))
    made = Image.new("RGB", (columns * w, -(-len(pictures) // columns) * h))
    draw = ImageDraw.Draw(made)
    for k, (picture, label) in enumerate(zip(pictures, labels)):
        at = (k % columns * w, k // columns * h)
        made.paste(picture.convert("RGB").resize((w, h), Image.Resampling.LANCZOS), at)
        draw.text((at[0] + 3, at[1] + 2), label, fill="yellow", stroke_width=1, stroke_fill="black")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boundaries", help="model at detail 0: a file or a built-in name")
    parser.add_argument("edges", help="model at detail 1, fine-tuned from the other")
    parser.add_argument("pictures", type=Path, help="folder of pictures that Pillow reads, too")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder to write to")
    parser.add_argument("--program", default="pidinet", help="the program [default: pidinet, as found by the shell]")
    parser.add_argument("--thin", action="store_true", help="show the maps after --nms")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        suppressed, thinned, shown = {}, {}, {}
        for detail in STEPS:
            suppressed[detail] = detect(arguments, detail, folder / f"nms-{detail}", "--nms", "--format", "npy")
            thinned[detail] = detect(arguments, detail, folder / f"thin-{detail}", "--nms", *LINES, "--format", "npy")
        for detail in SHOWN:
            options = ["--nms"] if arguments.thin else []
            shown[detail] = detect(arguments, detail, folder / f"shown-{detail}", *options)
        names = [path.stem for path in shown[0]]
        tables = [
            table("Edge pixels after `--nms`:", names, counted(suppressed)),
            table("Pixels of lines (`--thin`):", names, counted(thinned)),
        ]

        (arguments.output / "sheets").mkdir(parents=True, exist_ok=True)
        (arguments.output / "table.md").write_text("\n".join(tables))
        print("\n".join(tables), end="")

        readable = Image.registered_extensions()
        files = {path.stem: path for path in arguments.pictures.iterdir() if path.suffix.lower() in readable}
        labels = ["", *(f"{detail:g}" for detail in SHOWN)]
        rows = []
        for k, name in enumerate(names):
            pictures = [ImageOps.exif_transpose(Image.open(files[name])), *(Image.open(shown[d][k]) for d in SHOWN)]
            sheet(pictures, labels, 3, 1600).save(arguments.output / "sheets" / f"{name}.png")
            rows.append(sheet(pictures, labels, len(labels), 1600))
        overview = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)))
        top = 0
        for row in rows:
            overview.paste(row, (0, top))
            top += row.height
        overview.save(arguments.output / "overview.png")


if __name__ == "__main__":
    main()
