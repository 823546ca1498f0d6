"""Lines along edges: one pixel wide, and as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

import pidinet

from . import batch, pictures
from .detectors import DEFAULT, detector

SOURCES = ["image", "edges"]


def lines(
    image: Any,
    source: str = SOURCES[0],
    detail: float = 0.0,
    model: str = DEFAULT,
    resolution: int = 0,
    low: float = 0.15,
    high: float = 0.35,
    min_length: int = 10,
    curves: bool = True,
) -> tuple[Any, Any, list[str]]:
    """The lines as pictures `[batch, height, width, 3]`, as masks `[batch, height, width]`, and as SVG documents."""
    images = pictures.arrays(image)
    count, *own = images.shape[:3]
    height, width = pictures.size(*own, resolution)
    drawn = np.empty((count, height, width, 3), np.float32)
    masks = np.empty((count, height, width), np.float32)
    documents = [""] * count
    finder = detector(model, detail, batch.threads(count)) if source == "image" else None

    def work(at: int) -> None:
        if finder is None:
            edges = pictures.resized(images[at].max(axis=2).astype(np.float32).clip(0, 1), height, width)
        else:
            edges = finder.detect(pictures.resized(pictures.rounded(images[at]), height, width))
        found = pidinet.lines(edges.clip(0, 1), low=low, high=max(low, high), min_length=min_length)
        masks[at] = found.drawn() > 0
        drawn[at] = masks[at][:, :, None]
        documents[at] = found.to_svg(curves=curves)

    batch.run(count, work)
    return pictures.tensor(drawn), pictures.tensor(masks), documents
