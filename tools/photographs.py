"""Photographs without truth to learn from a teacher (`[distil]`), and what masks know about them.

    python tools/photographs.py collect OUT --voc IMAGES MASKS --facades DIR --clothes DIR --plain IMAGES
    pidinet detect OUT/images -m TEACHER --scales 0.75,1,1.25 --format png16 -o OUT/taught/
    python tools/photographs.py correct OUT/taught OUT/masks -o OUT/maps

`collect` writes to OUT/images photographs of at most 512 pixels a side, and to OUT/masks what is known of their
regions, in grey: 0 background; 1 to 99 classes; 100 to 199 classes with many edges inside them; 255 unknown.
  --voc      photographs and class masks of PASCAL VOC by name; 255, a band around objects, becomes the nearest class
  --facades  cvjena/labelmefacade
  --clothes  bearpaw/clothing-co-parsing
  --plain    a folder of photographs without masks

`correct` changes a teacher's maps where masks know more: the logit rises by 1.5 within 3 pixels of a boundary between
classes, falling to 0 at 6, and sinks by 0.7 inside classes 1 to 99, from 6 pixels to full at 9. A mask cannot draw a
line where the teacher sees none. Maps without a mask are copied.

Needs numpy, scipy and Pillow (pip install numpy scipy pillow).
"""

import argparse
import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy.io import loadmat
from scipy.ndimage import distance_transform_edt

SIDE = 512
DETAILED, UNKNOWN = 100, 255
RAISED, LOWERED = 1.5, 0.7

FACADES = {
    (128, 0, 0): DETAILED,  # building
    (128, 0, 128): DETAILED + 1,  # car
    (128, 128, 0): DETAILED + 2,  # door
    (0, 0, 128): DETAILED + 3,  # window
    (128, 128, 128): 1,  # pavement
    (128, 64, 0): 2,  # road
    (0, 128, 128): 3,  # sky
    (0, 128, 0): 4,  # vegetation
}


def filled(mask: np.ndarray) -> np.ndarray:
    """A mask whose unknown pixels have the class of the nearest known one."""
    unknown = mask == UNKNOWN
    if unknown.all() or not unknown.any():
        return mask
    return mask[tuple(distance_transform_edt(unknown, return_distances=False, return_indices=True))]


def facade(file: Path) -> np.ndarray:
    """The mask in a file of LabelMeFacade, whose classes are colours; black is unknown."""
    colours = np.asarray(Image.open(file).convert("RGB"))
    mask = np.full(colours.shape[:2], UNKNOWN, np.uint8)
    for colour, value in FACADES.items():
        mask[(colours == colour).all(-1)] = value
    return mask


def voc(file: Path) -> np.ndarray:
    """The mask in a file of PASCAL VOC."""
    return filled(np.asarray(Image.open(file)).astype(np.uint8))


def clothes(file: Path) -> np.ndarray:
    """The mask in a file of Clothing Co-Parsing."""
    return loadmat(file)["groundtruth"].astype(np.uint8)


def put(photograph: Path, mask: np.ndarray | None, name: str, out: Path) -> None:
    """Writes a photograph, shrunk if it is large, and its mask."""
    try:
        image = ImageOps.exif_transpose(Image.open(photograph)).convert("RGB")
    except OSError as error:
        raise SystemExit(f"{photograph}: {error}; remove it") from error
    if mask is not None and mask.shape != image.size[::-1]:
        raise SystemExit(f"{photograph}: the mask has another size, {mask.shape[1]}x{mask.shape[0]}")
    scale = min(1, SIDE / max(image.size))
    size = (round(image.width * scale), round(image.height * scale))
    if scale < 1:
        image = image.resize(size, Image.Resampling.LANCZOS)
    image.save(out / "images" / f"{name}.jpg", quality=95, subsampling=0)
    if mask is not None:
        Image.fromarray(mask).resize(size, Image.Resampling.NEAREST).save(out / "masks" / f"{name}.png")


def collect(arguments: argparse.Namespace) -> None:
    """`collect`."""
    sources = []
    if arguments.voc:
        sources.append(("voc", arguments.voc[0], arguments.voc[1], ".png", voc))
    if arguments.facades:
        sources.append(("facade", arguments.facades / "images", arguments.facades / "labels", ".png", facade))
    if arguments.clothes:
        pixels = arguments.clothes / "annotations" / "pixel-level"
        sources.append(("clothes", arguments.clothes / "photos", pixels, ".mat", clothes))
    sources += [("plain", folder, None, "", None) for folder in arguments.plain]
    for folder in ("images", "masks"):
        (arguments.out / folder).mkdir(parents=True, exist_ok=True)
    names: set[str] = set()
    for kind, photographs, masks, ending, read in sources:
        files = sorted(file for file in photographs.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
        known = 0
        for file in files:
            mask = masks / f"{file.stem}{ending}" if masks else None
            mask = read(mask) if mask and mask.exists() else None
            known += mask is not None
            name = f"{kind}-{file.stem}"
            if name in names:
                raise SystemExit(f"{file}: there is a {name} already; rename it")
            names.add(name)
            put(file, mask, name, arguments.out)
        print(f"{kind}: {len(files)} photographs, {known} masks")


def correction(mask: np.ndarray) -> np.ndarray:
    """What a mask [h, w] adds to the logits of a teacher's map."""
    boundary = np.zeros(mask.shape, bool)
    for axis in (0, 1):
        after, before = np.moveaxis(mask, axis, 0)[1:], np.moveaxis(mask, axis, 0)[:-1]
        np.moveaxis(boundary, axis, 0)[1:] |= (after != before) & (after != UNKNOWN) & (before != UNKNOWN)
    if not boundary.any():
        return np.zeros(mask.shape)
    distance = distance_transform_edt(~boundary)
    inside = (mask > 0) & (mask < DETAILED)
    return RAISED * np.clip((6 - distance) / 3, 0, 1) - LOWERED * np.clip((distance - 6) / 3, 0, 1) * inside


def corrected(taught: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A teacher's map [h, w] of probabilities, corrected by a mask of the same size."""
    taught = np.clip(taught, 1e-4, 1 - 1e-4)
    return 1 / (1 + np.exp(-np.log(taught / (1 - taught)) - correction(mask)))


def correct(arguments: argparse.Namespace) -> None:
    """`correct`."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    files = sorted(arguments.maps.glob("*.png"))
    changed = 0
    for file in files:
        target = arguments.out / file.name
        if not (arguments.masks / file.name).exists():
            shutil.copyfile(file, target)
            continue
        taught = np.asarray(Image.open(file))
        if taught.dtype == np.uint8:
            raise SystemExit(f"{file}: 8 bits; make it with `--format png16`")
        mask = np.asarray(Image.open(arguments.masks / file.name))
        if mask.shape != taught.shape:
            raise SystemExit(f"{file}: {taught.shape[::-1]} pixels, but its mask has {mask.shape[::-1]}")
        made = corrected(taught.astype(np.float32) / 65535, mask)
        part = target.with_suffix(".part")
        Image.fromarray(np.round(made * 65535).astype(np.uint16)).save(part, "PNG", compress_level=1)
        os.replace(part, target)
        changed += 1
    print(f"{len(files)} maps, {changed} corrected")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("collect", help="photographs and masks of different kinds into one folder")
    command.add_argument("out", type=Path)
    command.add_argument("--voc", type=Path, nargs=2, metavar=("IMAGES", "MASKS"))
    command.add_argument("--facades", type=Path, metavar="DIR")
    command.add_argument("--clothes", type=Path, metavar="DIR")
    command.add_argument("--plain", type=Path, action="append", default=[], metavar="IMAGES")
    command.set_defaults(run=collect)
    command = commands.add_parser("correct", help="a teacher's maps where masks know more")
    command.add_argument("maps", type=Path)
    command.add_argument("masks", type=Path)
    command.add_argument("-o", "--out", type=Path, required=True)
    command.set_defaults(run=correct)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
