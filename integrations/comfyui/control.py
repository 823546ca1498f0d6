"""What the `PiDiNetPreprocessor` of comfyui_controlnet_aux does, for workflows that have it: the same sizes, borders,
steps and rounding, with any model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import batch, pictures
from .detectors import DEFAULT, detector

# Sizes of images are filled up to a multiple of this with the pixels of their border.
_GRID = 64


def control(image: Any, safe: str = "enable", resolution: int = 512, model: str = DEFAULT) -> tuple[Any]:
    """The edges as pictures `[batch, height, width, 3]`, the shorter side `resolution`."""
    images = pictures.arrays(image)
    count, *own = images.shape[:3]
    height, width = pictures.size(*own, resolution if resolution >= 64 else 512)
    drawn = np.empty((count, height, width, 3), np.float32)
    finder = detector(model, 0.0, batch.threads(count))

    def work(at: int) -> None:
        given = pictures.resized(pictures.truncated(images[at]), height, width)
        edges = finder.detect(_filled(given))[:height, :width]
        if safe == "enable":
            edges = np.floor(edges * np.float32(3)) / np.float32(2)
        levels = (edges * np.float32(255)).clip(0, 255).astype(np.uint8)
        drawn[at] = (levels.astype(np.float32) / np.float32(255))[:, :, None]

    batch.run(count, work)
    return (pictures.tensor(drawn),)


def _filled(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    missing = [(0, -side % _GRID) for side in image.shape[:2]]
    return np.pad(image, [*missing, (0, 0)], mode="edge")
