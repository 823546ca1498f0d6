"""Writes the small TIFF files in crates/pidinet/tests/images/tiff, as tifffile and Pillow (libtiff) write them.

All show the same picture of 20x13 pixels: red 12 x, green 19 y, blue 7 x + 11 y, opacity 255 - 18 y; grey is the
green one. In 16 bits each number is 257 times that, in floats 1/255 of it.

pip install numpy pillow tifffile imagecodecs; python tools/tiff_fixtures.py
"""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

FOLDER = Path(__file__).parent.parent / "crates/pidinet/tests/images/tiff"
Y, X = np.mgrid[:13, :20]
RGB = np.stack([12 * X, 19 * Y, 7 * X + 11 * Y], 2).astype(np.uint8)
ALPHA = (255 - 18 * Y).astype(np.uint8)[..., None]
GREY = RGB[..., 1]


def write(name, array, **options):
    options.setdefault("photometric", "rgb" if array.ndim == 3 and array.shape[2] >= 3 else "minisblack")
    tifffile.imwrite(FOLDER / f"{name}.tif", array, metadata=None, software=False, **options)


def main():
    FOLDER.mkdir(exist_ok=True)
    wide = RGB.astype(np.uint16) * 257
    unit = RGB / 255
    write("big", RGB, bigtiff=True)
    write("big-16-swapped", wide, bigtiff=True, byteorder=">")
    write("tiles", RGB, tile=(16, 16), compression="zlib")
    write("planes", np.moveaxis(RGB, 2, 0), planarconfig="separate", photometric="rgb")
    write("lzw-predictor", RGB, compression="lzw", predictor=2)
    write("lzw-16-predictor-swapped", wide, compression="lzw", predictor=2, byteorder=">")
    write("deflate-strips", RGB, compression="zlib", rowsperstrip=4)
    write("zstd", RGB, compression="zstd")
    write("packbits", RGB, compression="packbits")
    write("jpeg-rgb", RGB, compression="jpeg", subsampling=(1, 1), compressionargs={"level": 100, "outcolorspace": 2})
    write("jpeg-grey", GREY, compression="jpeg", compressionargs={"level": 100})
    write("jpeg-ycbcr-tiles", RGB, compression="jpeg", tile=(16, 16),
          compressionargs={"level": 100}, subsampling=(1, 1))
    write("jpeg-ycbcr-2x2", RGB, compression="jpeg", subsampling=(2, 2),
          compressionargs={"level": 100})
    write("grey-f16", (GREY / 255).astype(np.float16))
    write("grey-f32", (GREY / 255).astype(np.float32))
    write("grey-f64", GREY / 255)
    write("f32-predictor", unit.astype(np.float32), predictor=3, compression="zlib")
    write("f64-predictor-swapped", unit, predictor=3, compression="lzw", byteorder=">")
    write("f32-255", RGB.astype(np.float32))
    write("int16", GREY.astype(np.int16))
    write("complex", GREY.astype(np.complex64))
    write("bands", np.repeat(GREY[..., None], 5, 2), photometric="minisblack", planarconfig="contig")
    premultiplied = np.round(RGB * (ALPHA / 255.0)).astype(np.uint8)
    for name, array, alpha in [
        ("8", premultiplied, ALPHA),
        ("16", np.round(wide * (ALPHA / 255.0)).astype(np.uint16), ALPHA.astype(np.uint16) * 257),
        ("f32", (unit * (ALPHA / 255)).astype(np.float32), (ALPHA / 255).astype(np.float32)),
    ]:
        write(f"associated-{name}", np.concatenate([array, alpha], 2), extrasamples=["assocalpha"])
    write("straight-8", np.concatenate([RGB, ALPHA], 2), extrasamples=["unassalpha"])
    write("unspecified-8", np.concatenate([RGB, ALPHA], 2), extrasamples=["unspecified"])
    write("grey-alpha", np.stack([GREY, ALPHA[..., 0]], 2), photometric="minisblack", planarconfig="contig",
          extrasamples=["unassalpha"])
    # Each column has a colour of its own.
    colours = np.stack([np.arange(256) * 16 % 256, 255 - np.arange(256), np.arange(256)]).astype(np.uint16)
    write("palette", X.astype(np.uint8), photometric="palette", colormap=colours * 257)
    pages = tifffile.TiffWriter(FOLDER / "thumbnail-first.tif")
    pages.write(GREY[::4, ::4], subfiletype=1, metadata=None, software=False)
    pages.write(RGB, photometric="rgb", metadata=None, software=False)
    pages.close()

    bits = Image.fromarray(((X + Y) % 3 == 0).astype(np.uint8) * 255).convert("1", dither=Image.NONE)
    bits.save(FOLDER / "group4.tif", compression="group4")
    bits.save(FOLDER / "bits.tif")
    image = Image.fromarray(RGB)
    image.convert("YCbCr").save(FOLDER / "ycbcr.tif")
    image.convert("YCbCr").save(FOLDER / "pillow-jpeg.tif", compression="jpeg", quality=100)
    Image.fromarray(X.astype(np.uint8)).convert("P").save(FOLDER / "pillow-palette.tif")


if __name__ == "__main__":
    main()
