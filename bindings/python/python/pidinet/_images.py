"""Whatever a user has for an image, as the picture that the library takes."""

from __future__ import annotations

import os
from typing import Any, Literal, Protocol, Union

import numpy as np
from numpy.typing import NDArray

from ._pidinet import Picture

Channels = Literal["rgb", "bgr"]
Layout = Literal["hwc", "chw"]


class _Array(Protocol):
    """What numpy makes an array of, such as tensors of torch on the CPU."""

    def __array__(self) -> NDArray[Any]: ...


class _ArrayInterface(Protocol):
    """What numpy makes an array of, such as images of Pillow."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


class _DLPack(Protocol):
    """What shares its memory by DLPack."""

    def __dlpack__(self, *, stream: None = ...) -> Any: ...


ImageLike = Union[
    NDArray[Any], str, "os.PathLike[str]", bytes, bytearray, memoryview, _Array, _ArrayInterface, _DLPack
]
"""An array, an image of Pillow, the path or the bytes of an image file, or anything that numpy can make an array of."""

# Beyond these, an array is no image but a mistake; the same limit holds for files.
MOST_PIXELS = 256_000_000
# The network keeps some rows of all its channels: about 50 kB for each column.
MOST_COLUMNS = 65_535


def picture(
    image: ImageLike, channels: str = "rgb", layout: str = "hwc", accept_damaged: bool = False
) -> Picture:
    """The picture of an image; `channels` and `layout` are those of arrays, `accept_damaged` is for files."""
    if channels not in ("rgb", "bgr"):
        raise ValueError(f"channels {channels!r}: expected 'rgb' or 'bgr'")
    if layout not in ("hwc", "chw"):
        raise ValueError(f"layout {layout!r}: expected 'hwc' or 'chw'")
    if isinstance(image, np.ndarray):
        return _of_array(image, channels, layout)
    if isinstance(image, (str, os.PathLike)):
        opened = Picture.open(os.fspath(image), accept_damaged)
    elif isinstance(image, (bytes, bytearray, memoryview)):
        opened = Picture.decode(bytes(image), accept_damaged)
    elif is_pillow(image):
        return _of_array(pillow_array(image), "rgb", "hwc")
    elif isinstance(image, (list, tuple)):
        raise TypeError(f"a {type(image).__name__} is no image; several images go to detect_batch or imap")
    elif hasattr(image, "__array__") or hasattr(image, "__array_interface__"):
        return _of_array(np.asarray(image), channels, layout)
    elif hasattr(image, "__dlpack__"):
        return _of_array(np.from_dlpack(image), channels, layout)  # type: ignore[arg-type, unused-ignore]
    else:
        raise TypeError(
            f"{type(image).__name__} is no image: expected an array, an image of Pillow, a path, or the bytes of a file"
        )
    if opened.width > MOST_COLUMNS:
        raise ValueError(f"the image has {opened.width} columns, and the limit is {MOST_COLUMNS}: cut it")
    return opened


def read(
    image: str | os.PathLike[str] | bytes | bytearray | memoryview, *, accept_damaged: bool = False
) -> NDArray[Any]:
    """The pixels of an image file, by its path or its bytes: red, green, blue, `[height, width, 3]`, uint8, uint16 or
    float32 as the file has them, turned upright, alpha on white. PNG, JPEG, WebP, GIF, BMP, TIFF and PNM are read.
    `accept_damaged` reads what there is of a JPEG or PNG file that is cut short, with a warning to the logger `pidinet`.

    >>> import numpy as np, pidinet, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "image.png")
    >>> pidinet.save(path, np.full((3, 4, 3), 7, np.uint8))
    >>> pidinet.read(path).shape, pidinet.read(path).max().item()
    ((3, 4, 3), 7)
    """
    return picture(image, accept_damaged=accept_damaged).to_array()


def is_pillow(image: Any) -> bool:
    """Whether it is an image of Pillow, which need not be installed."""
    return all(hasattr(image, name) for name in ("mode", "getbands", "convert", "size"))


def pillow_array(image: Any) -> NDArray[Any]:
    """The pixels of an image of Pillow, as they are: its EXIF orientation is not applied."""
    mode = image.mode
    if mode in ("L", "RGB", "RGBA", "LA", "F") or mode.startswith("I;16"):
        return np.asarray(image)
    if mode == "I":
        values = np.asarray(image)
        if values.size and not (values.min() >= 0 and values.max() <= 65535):
            raise ValueError(f"values from {values.min()} to {values.max()} in mode I, expected 0 to 65535")
        return values.astype(np.uint16)
    if mode == "1":
        return np.asarray(image.convert("L"))
    has_alpha = mode in ("PA", "La", "RGBa") or "transparency" in getattr(image, "info", {})
    if mode == "La":
        image = image.convert("LA")
    return np.asarray(image.convert("RGBA" if has_alpha else "RGB"))


def _of_array(array: NDArray[Any], channels: str, layout: str) -> Picture:
    if layout == "chw" and array.ndim == 3:
        array = array.transpose(1, 2, 0)
    shape = array.shape
    if not (array.ndim == 2 or (array.ndim == 3 and 1 <= shape[2] <= 4)):
        raise ValueError(_wrong_shape(array.shape, layout))
    height, width = shape[:2]
    if height == 0 or width == 0:
        raise ValueError(f"an image of shape {shape} has no pixel")
    if height * width > MOST_PIXELS or width > MOST_COLUMNS:
        raise ValueError(
            f"an image of shape {shape} is too large: the limit is {MOST_PIXELS} pixels and {MOST_COLUMNS} columns"
        )
    return Picture.from_array(_aligned(array), channels == "bgr")


def _aligned(array: NDArray[Any]) -> NDArray[Any]:
    """The array without gaps, in a type that the library takes."""
    kind = array.dtype.kind
    if kind == "u" and array.dtype.itemsize <= 2:
        return np.require(np.asarray(array), array.dtype.newbyteorder("="), ["C", "A"])
    if kind == "f":
        with np.errstate(all="ignore"):  # what is too large for 32 bits is refused as infinite
            floats = np.require(np.asarray(array), np.float32, ["C", "A"])
        most = floats.max()
        if most > 1.001 and np.isfinite(most):
            raise ValueError(
                f"an image of {array.dtype} has values up to {most:g}, expected 0 (black) to 1 (white): divide by 255, "
                "or convert it to uint8"
            )
        return floats
    way = "multiply it by 255 as uint8" if kind == "b" else "convert it, for example by astype(numpy.uint8)"
    raise ValueError(f"an image of {array.dtype}: expected uint8, uint16 or floats; {way}")


def _wrong_shape(shape: tuple[int, ...], layout: str) -> str:
    expected = "expected [height, width] or [height, width, 1 to 4]"
    if layout == "chw":
        expected = "expected [height, width] or [1 to 4, height, width]"
    elif len(shape) == 3 and 1 <= shape[0] <= 4:
        expected += "; if the channels come first, say layout='chw', or transpose it"
    elif len(shape) == 4:
        expected += "; several images go to detect_batch or imap"
    return f"an image of shape {shape}: {expected}"
