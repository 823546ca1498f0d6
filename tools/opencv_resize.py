"""Writes crates/pidinet/tests/images/opencv-resize.bin: small images resized by OpenCV.

    python tools/opencv_resize.py        # numpy, opencv-python-headless

A file of cases, one after another, all numbers little-endian: name of the interpolation (8 bytes, filled with zeros);
columns and rows of the image, columns and rows of the result, channels (u16 each); the result in 8 bits; and, for one channel,
the result of the same values as floats, rounded to sixteenths (i16). The image itself is not stored: sample i is `(i * i * 31 +
i * 17) % 256`, or 255 if that is over 127 and else 0 where the image has three channels.
"""

from pathlib import Path

import cv2
import numpy as np

INTERPOLATIONS = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}
# Columns and rows before and after: whole and broken factors, larger, one side each way, lines and points.
SIZES = [
    ((12, 8), (6, 4)),
    ((12, 9), (4, 3)),
    ((13, 10), (5, 4)),
    ((7, 9), (7, 3)),
    ((5, 4), (11, 9)),
    ((4, 3), (8, 6)),
    ((9, 5), (4, 12)),
    ((6, 11), (9, 10)),
    ((1, 9), (4, 3)),
    ((1, 1), (3, 2)),
    ((23, 3), (2, 2)),
]


def image(columns, rows, channels):
    index = np.arange(columns * rows * channels, dtype=np.int64)
    values = (index * index * 31 + index * 17) % 256
    if channels == 3:
        values = np.where(values > 127, 255, 0)
    return values.reshape(rows, columns, channels)


def main():
    folder = Path(__file__).parent.parent / "crates/pidinet/tests/images"
    with open(folder / "opencv-resize.bin", "wb") as file:
        for name, interpolation in INTERPOLATIONS.items():
            for before, after in SIZES:
                for channels in (1, 3):
                    values = image(*before, channels)
                    eight, floats = (
                        cv2.resize(values.astype(kind), after, interpolation=interpolation)
                        for kind in (np.uint8, np.float32)
                    )
                    file.write(name.encode().ljust(8, b"\0"))
                    file.write(np.array([*before, *after, channels], "<u2").tobytes())
                    file.write(eight.tobytes())
                    if channels == 1:
                        file.write(np.rint(floats * 16).astype("<i2").tobytes())


main()
