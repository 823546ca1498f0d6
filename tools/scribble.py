"""Prints the scribble style of a small map as OpenCV computes it, for a test of `post::scribble`.

The second blur is in floats: for bytes OpenCV uses 8-bit fixed point, which is off by up to 1.4.

pip install numpy opencv-python-headless; python tools/scribble.py
"""

import cv2
import numpy as np

H, W = 34, 60

y, x = np.mgrid[0:H, 0:W].astype(np.float64)
ring = np.exp(-((np.hypot(x - 20, y - 15) - 10) ** 2) / 18)
line = np.exp(-((x - 0.5 * y - 36) ** 2) / 12.5)
grey = np.floor(255 * np.maximum(ring, 0.9 * line)).astype(np.uint8)

blurred = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 3.0)
eye = np.eye(3, dtype=np.uint8)
kernels = [np.uint8([[0, 0, 0], [1, 1, 1], [0, 0, 0]]), np.uint8([[0, 1, 0]] * 3), eye, np.fliplr(eye).copy()]
crest = np.zeros_like(blurred)
for kernel in kernels:
    np.putmask(crest, cv2.dilate(blurred, kernel=kernel) == blurred, blurred)
lines = cv2.GaussianBlur(np.where(crest > 127, 255, 0).astype(np.float32), (19, 19), 3.0)

for row in lines:
    print("".join("#" if value > 4.5 else "." for value in row))
print("closest to a threshold:", np.abs(lines - 4.5).min(), np.abs(crest[crest > 0] - 127).min())
