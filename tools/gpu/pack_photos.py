"""Packs photographs without truth, and what masks know about them, into a file that training reads beside pack.py's.

    python pack_photos.py FOLDER OUT [--megabytes 50] [--skip 0]

FOLDER is one that `tools/photographs.py collect` made: `images/NAME.jpg`, and `masks/NAME.png` for some. Photographs are cut
to the shape of BSDS500's, 3:2 or 2:3, and shrunk to 480 pixels, so that all have one of two sizes. They are taken in a
shuffled order, after the first `--skip`, as many as fit; the number to skip for a second file is printed.

OUT is an npz like that of pack.py; `corrections` `[photographs, pixels]` are what a mask adds to the logits of a teacher's
map, in steps of 1/8 (see `tools/photographs.py`), 0 where there is no mask.
"""

import argparse
import io
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

sys.path.append(str(Path(__file__).parent.parent))
from photographs import correction

LONG, SHORT = 480, 320
STEPS = 8  # of a logit


def cut(image, resample):
    """The middle of a picture in one of the two sizes."""
    return ImageOps.fit(image, (LONG, SHORT) if image.width >= image.height else (SHORT, LONG), resample)


def one(paths):
    """The file of a photograph and its correction; None if it cannot be read."""
    photograph, mask = paths
    try:
        image = Image.open(photograph).convert("RGB")
        known = Image.open(mask) if mask.exists() else None
        if known and known.size != image.size:
            raise OSError(f"its mask has another size, {known.size}")
    except OSError as error:
        print(f"skipped {photograph}: {error}")
        return None
    file = io.BytesIO()
    cut(image, Image.Resampling.LANCZOS).save(file, "WEBP", quality=75, method=4)
    found = np.zeros(LONG * SHORT, np.int8)
    if known:
        found = np.rint(correction(np.asarray(cut(known, Image.Resampling.NEAREST))) * STEPS).astype(np.int8).ravel()
    return photograph.stem, file.getvalue(), found


def main():
    parser = argparse.ArgumentParser(description="Pack photographs without truth into one file.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--megabytes", type=float, default=50, help="of the file, at most [default: 50]")
    parser.add_argument("--skip", type=int, default=0, help="photographs that are in another file [default: 0]")
    options = parser.parse_args()

    paths = sorted(path for path in (options.folder / "images").iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    order = np.random.default_rng(1).permutation(len(paths))[options.skip :]
    jobs = [(paths[i], options.folder / "masks" / f"{paths[i].stem}.png") for i in order]
    names, files, corrections, tried = [], [], [], 0
    room = options.megabytes * 1e6 - 10_000
    with ProcessPoolExecutor() as pool:
        for found in pool.map(one, jobs, chunksize=16):
            if found:
                name, file, change = found
                room -= len(file) + len(zlib.compress(change.tobytes()))
                if room < 0:
                    break
                names.append(name)
                files.append(file)
                corrections.append(change)
            tried += 1
        pool.shutdown(cancel_futures=True)
    if not names:
        raise SystemExit(f"no photographs in {options.folder}/images after the first {options.skip}")
    temporary = options.out.with_suffix(".tmp.npz")
    np.savez_compressed(
        temporary, names=names, splits=["photo"] * len(names), starts=np.cumsum([0, *map(len, files)]),
        files=np.frombuffer(b"".join(files), np.uint8), corrections=np.stack(corrections),
    )  # fmt: skip
    temporary.rename(options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB, {len(names)} photographs; --skip {options.skip + tried} for those after")


if __name__ == "__main__":
    main()
