"""The detector."""

from __future__ import annotations

import os
from collections import deque
from typing import Any, Iterable, Iterator, Literal, Sequence, overload

import numpy as np
from numpy.typing import NDArray

from . import _pidinet
from ._images import Channels, ImageLike, Layout, is_pillow, picture
from ._maps import Style
from ._models import Model, ModelLike

Map = NDArray[Any]


class EdgeDetector:
    """Finds edges with one model; make it once, use it as often as you like and from any number of threads.

    It can be pickled and copied, and works in forked and spawned processes. While it computes, other threads of Python
    run: `await asyncio.to_thread(detector.detect, image)` works, too.

    Args:
        model: A name of `pidinet.models()`, the path or the bytes of a model file, `"org/repository:file@revision"` of
            huggingface.co, or a `Model`. By default what the environment variable `PIDINET_MODEL` says, else `tiny`.
        detail: For `tiny`, `small` and `full`: what counts as an edge, from 0, the boundaries of objects, to 1, every edge.
        threads: All cores by default. The answer does not depend on it.
        precision: `f32`, `bf16` or `int8`: faster on CPUs that have such arithmetic, else `f32`.
        scales: The image is scaled by each, and the maps are averaged.
        preset: How pixels are fed, `imagenet` or `controlnet`; by default as the model says.
        isa: The instruction set by name; by default the environment variable `PIDINET_ISA`, else the best.
        strip: Rows that go through the network at a time, `"auto"` or `"whole"`. The answer does not depend on it.
        sides: Whether `detect(..., sides=True)` will be asked for.

    >>> import numpy as np, pidinet
    >>> detector = pidinet.EdgeDetector("tiny", detail=0.5, threads=1)
    >>> detector(np.zeros((30, 40), np.uint8)).shape
    (30, 40)
    """

    def __init__(
        self,
        model: ModelLike | None = None,
        *,
        detail: float | None = None,
        threads: int | None = None,
        precision: Literal["f32", "bf16", "int8"] = "f32",
        scales: Sequence[float] = (1.0,),
        preset: Literal["imagenet", "controlnet"] | None = None,
        isa: str | None = None,
        strip: Literal["auto", "whole"] | int = "auto",
        sides: bool = False,
    ) -> None:
        self.model = Model.open(model, detail=detail)
        self._options: dict[str, Any] = {
            "threads": count("threads", threads),
            "precision": str(precision),
            "scales": [float(scale) for scale in scales],
            "preset": preset,
            "isa": isa,
            "strip": _rows(strip),
            "sides": bool(sides),
        }
        self._core = _pidinet.Detector(self.model.for_edges(), **self._options)
        self._single: EdgeDetector | None = None

    @overload
    def detect(
        self,
        image: ImageLike,
        *,
        channels: Channels = "rgb",
        layout: Layout = "hwc",
        accept_damaged: bool = False,
        max_side: int | None = None,
        style: Style = "soft",
        dtype: Any = None,
        sides: Literal[False] = False,
        out: Map | None = None,
    ) -> Map: ...

    @overload
    def detect(
        self,
        image: ImageLike,
        *,
        channels: Channels = "rgb",
        layout: Layout = "hwc",
        accept_damaged: bool = False,
        max_side: int | None = None,
        style: Style = "soft",
        dtype: Any = None,
        sides: Literal[True],
        out: Map | None = None,
    ) -> tuple[Map, Map]: ...

    def detect(
        self,
        image: ImageLike,
        *,
        channels: Channels = "rgb",
        layout: Layout = "hwc",
        accept_damaged: bool = False,
        max_side: int | None = None,
        style: Style = "soft",
        dtype: Any = None,
        sides: bool = False,
        out: Map | None = None,
    ) -> Map | tuple[Map, Map]:
        """The edges of an image: probabilities in [0, 1], `[height, width]`, of the image's size.

        Args:
            image: An array of uint8, uint16 or floats from 0 to 1, `[height, width]` or `[height, width, 1 to 4]`, with any
                strides; an image of Pillow, whose EXIF orientation is not applied; the path or the bytes of an image
                file, whose orientation is; or what numpy makes an array of, such as a tensor of torch on the CPU.
                Alpha is composited on white.
            channels: Order of the colours of an array: `rgb`, or `bgr` as OpenCV has them.
            layout: `chw` for arrays whose channels come first.
            accept_damaged: Takes what there is of a JPEG or PNG file that is cut short, with a warning to the logger
                `pidinet`, rather than refuse it.
            max_side: Makes the image smaller first, so that its longer side is at most this; so is the map.
            style: `soft`, `safe` or `scribble`, see `pidinet.style`.
            dtype: `float32`, or `uint8` for `floor(255 p)`.
            sides: Gives what the four stages see, fine to coarse, as well: `(edges, sides)`, sides float32
                `[4, height, width]`.
            out: An array of float32 or uint8 to write the map into; it is also returned.

        Raises:
            TypeError: What is given is no image.
            ValueError: Its shape, type or values are not those of an image; the message says what was expected.
            OSError: A file cannot be read.
        """
        found = picture(image, channels, layout, accept_damaged)
        if max_side is not None:
            found = found.fitted(_positive("max_side", max_side))
        target = _target(out, (found.height, found.width), dtype)
        if not sides and style == "soft":
            self._core.detect_into(found, target)
        else:
            if sides and not self._options["sides"]:
                raise ValueError("side maps: make the detector with EdgeDetector(..., sides=True)")
            maps = self._core.detect_all(found)
            edges = maps[0] if style == "soft" else _pidinet.style(maps[0], str(style))
            target[...] = edges * np.float32(255) if target.dtype == np.uint8 else edges
        if out is not None and target is not out:
            out[...] = target
            target = out
        return (target, maps[1:]) if sides else target

    __call__ = detect

    def imap(self, images: Iterable[ImageLike], *, threads: int | None = None, **options: Any) -> Iterator[Map]:
        """The edges of images that come one after the other, in their order; images of any sizes.

        Each image has a thread of its own, `threads` of them at a time, by default as many as the detector has. Only a few
        images are taken before they are needed. Options are those of `detect`, but `out`.

        >>> import numpy as np, pidinet
        >>> detector = pidinet.EdgeDetector()
        >>> sizes = (8 * side for side in range(1, 5))
        >>> [edges.shape for edges in detector.imap(np.zeros((20, side), np.uint8) for side in sizes)]
        [(20, 8), (20, 16), (20, 24), (20, 32)]
        """
        if isinstance(images, (str, bytes, bytearray, memoryview, os.PathLike)) or is_pillow(images):
            raise TypeError("one image: give a list of them, or use detect")
        if isinstance(images, np.ndarray) and (images.ndim < 3 or (images.ndim == 3 and images.shape[2] <= 4)):
            raise ValueError(f"an array of shape {images.shape} is one image: give a list of them, or use detect")
        if "out" in options:
            raise TypeError("several maps cannot have one place: `out` is for detect")
        workers = count("threads", threads) or self.threads
        return self._alone()._each(iter(images), workers, options)

    def detect_batch(
        self, images: Iterable[ImageLike], *, threads: int | None = None, **options: Any
    ) -> list[Map]:
        """The edges of each image, in order: the list of what `imap` gives.

        >>> import numpy as np, pidinet
        >>> len(pidinet.EdgeDetector().detect_batch(np.zeros((3, 20, 16, 3), np.uint8), dtype="uint8"))
        3
        """
        return list(self.imap(images, threads=threads, **options))

    def _each(self, images: Iterator[ImageLike], workers: int, options: dict[str, Any]) -> Iterator[Map]:
        if workers == 1:
            for image in images:
                yield self.detect(image, **options)
            return
        from concurrent.futures import Future, ThreadPoolExecutor

        waiting: deque[Future[Map]] = deque()
        with ThreadPoolExecutor(workers, "pidinet") as pool:
            try:
                for image in images:
                    waiting.append(pool.submit(lambda image: self.detect(image, **options), image))
                    if len(waiting) > workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _alone(self) -> EdgeDetector:
        """The same with one thread, for those who have an image each."""
        if self.threads == 1:
            return self
        if self._single is None:
            self._single = _restored(self.model, {**self._options, "threads": 1})
        return self._single

    @property
    def threads(self) -> int:
        """Threads in use."""
        return self._core.threads

    @property
    def precision(self) -> str:
        """The precision in use: that which was asked for, or `f32`."""
        return self._core.precision

    @property
    def isa(self) -> str:
        """The instruction set in use."""
        return self._core.isa

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.model, self._options)

    def __repr__(self) -> str:
        return f"<pidinet.EdgeDetector of {self.model!r}: {self.threads} threads, {self.precision}, {self.isa}>"


def _restored(model: Model, options: dict[str, Any]) -> EdgeDetector:
    strip = {None: "auto", 0: "whole"}.get(options["strip"], options["strip"])
    return EdgeDetector(model, **{**options, "strip": strip})


def _target(out: Map | None, shape: tuple[int, int], dtype: Any) -> Map:
    """An array that the library can write: `out` itself where it is one."""
    if out is None:
        wanted = np.dtype(np.float32 if dtype is None else dtype)
    elif not isinstance(out, np.ndarray):
        raise TypeError(f"out is a {type(out).__name__}, expected an array")
    elif out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, the map {shape}")
    elif not out.flags.writeable:
        raise ValueError("out is read-only")
    else:
        wanted = out.dtype
        if dtype is not None and np.dtype(dtype) != wanted:
            raise ValueError(f"out is of {wanted}, and dtype says {np.dtype(dtype)}: give one of them")
    if wanted.newbyteorder("=") not in (np.float32, np.uint8):
        raise ValueError(f"a map of {wanted}: expected float32 or uint8")
    if type(out) is np.ndarray and out.flags.c_contiguous and out.flags.aligned and wanted.isnative:
        return out
    return np.empty(shape, wanted.newbyteorder("="))


def count(name: str, value: int | None) -> int | None:
    """A number of threads."""
    return None if value is None else _positive(name, value)


def _positive(name: str, value: int) -> int:
    try:
        number = value.__index__()
    except AttributeError:
        raise TypeError(f"{name} {value!r}: expected a whole number") from None
    if not 1 <= number <= 1 << 31:
        raise ValueError(f"{name} {value!r}: expected 1 or more")
    return number


def _rows(strip: str | int) -> int | None:
    """Rows of a strip: 0 for all of them, None for as many as are good."""
    if isinstance(strip, str):
        if strip not in ("auto", "whole"):
            raise ValueError(f"strip {strip!r}: expected 'auto', 'whole' or a number of rows")
        return None if strip == "auto" else 0
    return _positive("strip", strip)
