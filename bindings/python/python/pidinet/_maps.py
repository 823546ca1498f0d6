"""What comes after the network: thinner, binary or stylised edges, pictures of them, and files."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _pidinet
from ._images import MOST_PIXELS, ImageLike, picture

Style = Literal["soft", "safe", "scribble"]
Interpolation = Literal["linear", "cubic", "area", "lanczos4"]


def edge_map(edges: ArrayLike, name: str = "edges") -> NDArray[np.float32]:
    """A map of edges as floats: 8 bits are from 0 to 255, truth values 0 and 1."""
    array = np.asarray(edges)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name} of shape {array.shape}: expected [height, width], and at least one pixel")
    if array.size > MOST_PIXELS:
        raise ValueError(f"{name} of shape {array.shape}: the limit is {MOST_PIXELS} pixels")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if array.dtype.kind not in "bf":
        raise ValueError(f"{name} of {array.dtype}: expected floats from 0 to 1, uint8 or bool")
    with np.errstate(all="ignore"):
        return np.require(array, np.float32, ["C", "A"])


def mask(edges: ArrayLike, name: str = "mask") -> NDArray[np.bool_]:
    """A mask: what is not 0."""
    array = np.asarray(edges)
    if array.ndim != 2 or 0 in array.shape or array.size > MOST_PIXELS:
        raise ValueError(f"{name} of shape {array.shape}: expected [height, width], and at least one pixel")
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} of {array.dtype}: expected bool")
    return np.require(array != 0, np.bool_, ["C", "A"])


def nms(edges: ArrayLike, suppression: str = "hed") -> NDArray[np.float32]:
    """The edges with everything but their crests set to 0 (non-maximum suppression).

    `suppression`: `hed`, `dollar`, `rcf`, `nyud`, `dexined`, or radius, border and margin as in `"2,5,1.01"`.

    >>> import numpy as np, pidinet
    >>> edges = np.zeros((21, 21), np.float32)
    >>> edges[:, 9:12] = .4, .8, .4
    >>> np.flatnonzero(pidinet.nms(edges, "dollar")[10]).tolist()
    [10]
    """
    return _pidinet.nms(edge_map(edges), str(suppression))


def thin(edges: ArrayLike) -> NDArray[np.bool_]:
    """A mask thinned to lines of one pixel that are connected as before, as MATLAB's `bwmorph(mask, 'thin', Inf)` does.

    >>> import numpy as np, pidinet
    >>> bar = np.zeros((5, 9), bool)
    >>> bar[1:4, 1:8] = True
    >>> np.argwhere(pidinet.thin(bar)).tolist()
    [[2, 2], [2, 3], [2, 4], [2, 5], [2, 6]]
    """
    return _pidinet.thin(mask(edges))


def hysteresis(edges: ArrayLike, low: float, high: float) -> NDArray[np.bool_]:
    """Where edges are at least `low` and connected to a pixel of at least `high`, over eight neighbours.

    >>> pidinet.hysteresis([[.3, .9, .3, .1, .3]], low=.25, high=.8).tolist()
    [[True, True, True, False, False]]
    """
    return _pidinet.hysteresis(edge_map(edges), _number("low", low), _number("high", high))


def threshold(edges: ArrayLike, at: float = 0.5) -> NDArray[np.bool_]:
    """Where edges are at least `at`.

    >>> pidinet.threshold([[.2, .5, .9]]).tolist()
    [[False, True, True]]
    """
    return edge_map(edges) >= np.float32(_number("at", at))


def style(edges: ArrayLike, style: Style) -> NDArray[np.float32]:
    """The edges in a style that ControlNet users know: `soft` changes nothing, `safe` leaves three grey levels,
    `scribble` draws broad white lines.

    >>> pidinet.style([[.2, .5, .9]], "safe").tolist()
    [[0.0, 0.5, 1.0]]
    """
    return _pidinet.style(edge_map(edges), str(style))


def overlay(
    image: ImageLike,
    edges: ArrayLike,
    colour: tuple[int, int, int] = (255, 0, 0),
    *,
    channels: Literal["rgb", "bgr"] = "rgb",
) -> NDArray[np.uint8]:
    """The image with edges of its size painted over it, uint8 `[height, width, 3]`; `channels` are those of the image, of
    the colour and of the result.

    >>> import numpy as np, pidinet
    >>> pidinet.overlay(np.zeros((1, 2), np.uint8), [[0, 1.]]).tolist()
    [[[0, 0, 0], [255, 0, 0]]]
    """
    if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
        raise ValueError(f"colour {colour!r}: expected three numbers from 0 to 255")
    red, green, blue = (int(value) for value in (colour if channels == "rgb" else colour[::-1]))
    painted = _pidinet.overlay(picture(image, channels), edge_map(edges), (red, green, blue))
    return painted if channels == "rgb" else painted[:, :, ::-1]


def resize(
    array: ArrayLike, size: tuple[int, int], interpolation: Interpolation = "area"
) -> NDArray[Any]:
    """An image or a map at another size, `(height, width)`, as OpenCV's `resize` makes it: uint8 or float32,
    `[height, width]` or `[height, width, channels]`.

    `area` is for smaller images, `lanczos4` and `cubic` for larger ones, `linear` is between the two nearest pixels.

    >>> import numpy as np, pidinet
    >>> pidinet.resize(np.array([[0, 10, 20, 30], [40, 50, 60, 70]], np.uint8), (1, 2)).tolist()
    [[25, 45]]
    """
    given = np.asarray(array)
    if given.ndim not in (2, 3) or 0 in given.shape:
        raise ValueError(f"an array of shape {given.shape}: expected [height, width] or [height, width, channels]")
    height, width = (int(side) for side in size)
    if height < 1 or width < 1 or height * width > MOST_PIXELS or given.size > 4 * MOST_PIXELS:
        raise ValueError(f"size {size!r}: expected (height, width), and at most {MOST_PIXELS} pixels")
    if given.dtype != np.uint8 and given.dtype.kind != "f":
        raise ValueError(f"an array of {given.dtype}: expected uint8 or floats")
    kind = np.uint8 if given.dtype == np.uint8 else np.float32
    with np.errstate(all="ignore"):
        source = np.require(given.reshape(*given.shape[:2], -1), kind, ["C", "A"])
    resized = np.empty((height, width, source.shape[2]), kind)
    _pidinet.resize((source, resized), str(interpolation))
    return resized.reshape(height, width, *given.shape[2:])


def save(path: str | os.PathLike[str], array: ArrayLike) -> None:
    """Writes edges `[height, width]` or an image `[height, width, 3]` to a file, whole or not at all, in the format that
    its extension says: `.png`, `.jpg`, `.webp`, `.tiff` (16 bits), `.npy` or `.npz` (floats).

    >>> import pidinet, tempfile, os
    >>> pidinet.save(os.path.join(tempfile.mkdtemp(), "edges.png"), [[0., .5, 1.]])
    """
    values = np.asarray(array)
    saved = edge_map(values) if values.ndim == 2 else picture(values)
    _pidinet.save(os.fspath(path), saved)


def _number(name: str, value: float) -> float:
    number = float(value)
    if number != number:
        raise ValueError(f"{name} is not a number")
    return number
