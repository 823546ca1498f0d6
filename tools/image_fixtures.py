"""Writes the small image files in crates/pidinet/tests/images that only another program can make.

All show the same picture: six flat blocks of 8x8 pixels, red green blue / white black grey.

pip install pillow; python tools/image_fixtures.py
"""

from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent.parent / "crates/pidinet/tests/images"
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
ORIENTATION = 0x0112


def picture():
    blocks = Image.new("RGB", (3, 2))
    blocks.putdata(COLOURS)
    return blocks.resize((24, 16), Image.NEAREST)


def exif(orientation):
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def main():
    rgb = picture()
    lossless = {"quality": 100, "subsampling": 0}
    rgb.save(FOLDER / "rgb.jpg", **lossless)
    rgb.save(FOLDER / "progressive.jpg", progressive=True, **lossless)
    rgb.convert("CMYK").save(FOLDER / "cmyk.jpg", **lossless)
    rgb.convert("L").save(FOLDER / "grey.jpg", quality=100)
    rgb.save(FOLDER / "restarts.jpg", restart_marker_blocks=1, **lossless)
    rgb.save(FOLDER / "orientation.jpg", exif=exif(1), **lossless)  # the test changes the number
    rgb.save(FOLDER / "orientation-6.png", exif=exif(6))
    rgb.save(FOLDER / "orientation-6.webp", lossless=True, exif=exif(6))
    rgb.save(FOLDER / "orientation-6.tif", tiffinfo={ORIENTATION: 6})
    rgb.save(FOLDER / "lossy.webp", quality=100)
    palette = rgb.quantize(6, dither=Image.NONE)
    palette.save(FOLDER / "palette.png")
    black = [i for i in range(6) if palette.getpalette()[3 * i : 3 * i + 3] == [0, 0, 0]][0]
    palette.save(FOLDER / "palette-black-transparent.png", transparency=black)
    rgb.convert("1", dither=Image.NONE).save(FOLDER / "bit.png")
    rgb.convert("1", dither=Image.NONE).save(FOLDER / "bit.pbm")
    rgb.convert("CMYK").save(FOLDER / "cmyk.tif", compression="tiff_lzw")
    rgb.save(FOLDER / "deflate.tif", compression="tiff_adobe_deflate")
    palette.save(FOLDER / "palette.bmp")
    rgb.save(FOLDER / "rgb.gif")  # not read, and said so


if __name__ == "__main__":
    main()
