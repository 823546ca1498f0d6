"""Between ComfyUI's tensors and arrays, and between sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import pidinet


def arrays(image: Any) -> NDArray[Any]:
    """The pixels of a batch, `[batch, height, width, channels]`, from 0 to 1."""
    array = np.asarray(image.cpu())
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4) or 0 in array.shape[1:]:
        raise ValueError(f"images of shape {array.shape}: expected [batch, height, width, 1, 3 or 4]")
    return array


def tensor(array: NDArray[np.float32]) -> Any:
    """A tensor of the same memory."""
    import torch

    return torch.from_numpy(array)


def rounded(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image with 8 bits, as it was in its file; alpha on white."""
    levels = (image * np.float32(255) + np.float32(0.5)).clip(0, 255).astype(np.uint8)
    return on_white(levels)


def truncated(image: NDArray[Any]) -> NDArray[np.uint8]:
    """An image with 8 bits, as packs of preprocessors have it: rounded down; alpha on white."""
    return on_white((image * np.float32(255)).clip(0, 255).astype(np.uint8))


def on_white(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image without alpha, rounded down; grey ones as three channels."""
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 3:
        return image
    alpha = image[:, :, 3:].astype(np.float32) / np.float32(255)
    colour = image[:, :, :3].astype(np.float32) * alpha + np.float32(255) * (1 - alpha)
    return colour.clip(0, 255).astype(np.uint8)


def size(height: int, width: int, resolution: int) -> tuple[int, int]:
    """Height and width for a shorter side of `resolution`; 0 leaves them."""
    if resolution == 0:
        return height, width
    scale = float(resolution) / min(height, width)
    return max(1, int(np.round(height * scale))), max(1, int(np.round(width * scale)))


def resized(array: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """An image or a map at another size, larger by cubics, smaller by areas."""
    if array.shape[:2] == (height, width):
        return array
    larger = height * width > array.shape[0] * array.shape[1]
    return pidinet.resize(array, (height, width), "cubic" if larger else "area")
