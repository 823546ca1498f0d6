"""Edges of images: soft, in steps, as scribbles, or black and white."""

from __future__ import annotations

from typing import Any

import numpy as np

import pidinet

from . import batch, pictures
from .detectors import DEFAULT, detector

STYLES = ["soft", "safe", "scribble"]
SIZES = ["as resolution", "as image"]


def edges(
    image: Any,
    detail: float = 0.0,
    model: str = DEFAULT,
    style: str = "soft",
    resolution: int = 512,
    size: str = SIZES[0],
    threshold: float = 0.0,
    invert: bool = False,
) -> tuple[Any, Any]:
    """The edges as pictures `[batch, height, width, 3]`, and as masks `[batch, height, width]`, which `invert` leaves as
    they are."""
    images = pictures.arrays(image)
    count, *own = images.shape[:3]
    sought = pictures.size(*own, resolution)
    height, width = own if size == "as image" else sought
    drawn = np.empty((count, height, width, 3), np.float32)
    masks = np.empty((count, height, width), np.float32)
    finder = detector(model, detail, batch.threads(count))

    def work(at: int) -> None:
        found = finder.detect(pictures.resized(pictures.rounded(images[at]), *sought))
        if found.shape != (height, width):
            larger = height * width > found.size
            found = pidinet.resize(found, (height, width), "linear" if larger else "area")
        found = pidinet.style(found, style)
        masks[at] = found >= np.float32(threshold) if threshold > 0 else found
        drawn[at] = (1 - masks[at] if invert else masks[at])[:, :, None]

    batch.run(count, work)
    return pictures.tensor(drawn), pictures.tensor(masks)
