"""From pixels to what networks are fed."""

from __future__ import annotations

import torch
from torch import Tensor


def as_numbers(images: Tensor) -> Tensor:
    """Bytes as numbers from 0 to 1; numbers as they are."""
    if images.dim() not in (3, 4) or images.shape[-3] != 3:
        raise ValueError(f"images of shape {tuple(images.shape)}: expected [n, 3, h, w] or [3, h, w]")
    if images.dtype == torch.uint8:
        return images.to(torch.get_default_dtype()) / 255
    if not images.is_floating_point():
        raise ValueError(f"images of {images.dtype}: expected uint8, or numbers from 0 to 1")
    return images


def standardised(images: Tensor, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """Each of three channels minus its mean, divided by its standard deviation."""
    return (images - images.new_tensor(mean).view(3, 1, 1)) / images.new_tensor(deviation).view(3, 1, 1)
