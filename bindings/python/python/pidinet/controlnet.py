"""`PidiNetDetector` for users of `controlnet_aux`: only an import line changes.

It takes the same arguments and does the same in the same order, without torch, OpenCV or a download:

>>> import numpy as np
>>> from pidinet.controlnet import PidiNetDetector
>>> detector = PidiNetDetector.from_pretrained()
>>> detector(np.zeros((80, 100, 3), np.uint8), detect_resolution=64, image_resolution=128, output_type="np").shape
(128, 128, 3)
"""

from __future__ import annotations

import os
import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _pidinet
from ._detector import EdgeDetector
from ._images import is_pillow, pillow_array, read
from ._models import Model, ModelLike, downloaded

__all__ = ["PidiNetDetector", "PidinetDetector"]

# The file that is meant in a repository or folder where none is named.
_PUBLISHED = "table5_pidinet.pth"


class PidiNetDetector:
    """Soft edges and scribbles for ControlNet.

    Args:
        netNetwork: A `pidinet.EdgeDetector`, or a model for one.
    """

    def __init__(self, netNetwork: EdgeDetector | ModelLike) -> None:
        is_detector = isinstance(netNetwork, EdgeDetector)
        self.netNetwork: EdgeDetector = netNetwork if is_detector else EdgeDetector(netNetwork)  # type: ignore

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_or_path: str | os.PathLike[str] | None = None,
        filename: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        *,
        detail: float | None = None,
        config: str | None = None,
        threads: int | None = None,
    ) -> PidiNetDetector:
        """A detector with a model: without a path the one that is built in, which needs no download.

        Args:
            pretrained_model_or_path: A name of `pidinet.models()`, a model file, a folder with the file `filename`, or a
                repository of huggingface.co, such as `lllyasviel/Annotators`, whose weights are for research only; it is
                downloaded by `huggingface_hub`.
            filename: The file in the folder or repository, by default `table5_pidinet.pth`.
            cache_dir: Where downloads are kept.
            local_files_only: Takes what was downloaded before.
            detail: For the model that is built in: from 0, the boundaries of objects, to 1, every edge.
            config: Of a checkpoint that is not `carv4`.
            threads: All cores by default.
        """
        source = pretrained_model_or_path
        if source is None or (isinstance(source, str) and source in _names() and not os.path.isdir(source)):
            return cls(EdgeDetector(source, detail=detail, threads=threads))
        if detail is not None:
            raise ValueError("detail is for the model that is built in")
        if os.path.isdir(source):
            path = os.path.join(source, filename or _PUBLISHED)
        elif os.path.isfile(source):
            path = os.fspath(source)
        elif str(source).endswith((".pth", ".safetensors")):
            raise FileNotFoundError(f"there is no model file {source}")
        else:
            path = downloaded(
                str(source), filename or _PUBLISHED, cache_dir=cache_dir, local_files_only=local_files_only
            )
        with open(path, "rb") as file:
            is_checkpoint = file.read(2) == b"PK"
        # Checkpoints do not say how they want their input. The annotator feeds them colours as they are, blue first; our own
        # files say it.
        preset: Literal["controlnet"] | None = "controlnet" if is_checkpoint else None
        return cls(EdgeDetector(Model.open(os.fspath(path), config=config), preset=preset, threads=threads))

    def to(self, device: Any) -> PidiNetDetector:
        """Itself: it computes on the CPU, wherever `device` is."""
        if str(device) != "cpu":
            warnings.warn(f"pidinet computes on the CPU, not on {device}", stacklevel=2)
        return self

    def __call__(
        self,
        input_image: Any,
        detect_resolution: int = 512,
        image_resolution: int = 512,
        safe: bool = False,
        output_type: Any = "pil",
        scribble: bool = False,
        apply_filter: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The edges of an image, as a picture of Pillow (`output_type="pil"`) or an array uint8 `[height, width, 3]`.

        Args:
            input_image: A picture of Pillow or an array uint8; also the path or the bytes of a file.
            detect_resolution: The shorter side of the image in which edges are sought, rounded to 64.
            image_resolution: The shorter side of the result, rounded to 64.
            safe: Leaves three grey levels.
            output_type: `"pil"` or `"np"`.
            scribble: Broad white lines.
            apply_filter: Leaves black and white, by a threshold of one half.
        """
        if "return_pil" in kwargs:
            warnings.warn("return_pil is deprecated: use output_type instead", DeprecationWarning, stacklevel=2)
            output_type = "pil" if kwargs["return_pil"] else "np"
        if isinstance(output_type, bool):
            warnings.warn(
                "a bool as output_type is deprecated: use 'pil' or 'np' instead", DeprecationWarning, stacklevel=2
            )
            output_type = "pil" if output_type else "np"

        image = _resized(_coloured(_array(input_image)), detect_resolution)
        edges = self.netNetwork.detect(image)
        if apply_filter:
            edges = (edges > 0.5).astype(np.float32)
        if safe:
            edges = np.floor(edges * np.float32(3)) / np.float32(2)
        grey = (edges * np.float32(255)).clip(0, 255).astype(np.uint8)
        height, width = _sides(image, image_resolution)
        grey = _resize(grey[:, :, None], height, width, "linear")[:, :, 0]
        if scribble:
            lines = _pidinet.style(grey.astype(np.float32) / np.float32(255), "scribble")
            grey = lines.astype(np.uint8) * np.uint8(255)
        result = np.repeat(grey[:, :, None], 3, axis=2)
        return _pillow(result) if output_type == "pil" else result


PidinetDetector = PidiNetDetector


def _names() -> list[str]:
    return [name for name, recognises, _ in _pidinet.embedded() if not recognises]


def _array(image: Any) -> NDArray[np.uint8]:
    if isinstance(image, (str, os.PathLike, bytes)):
        image = read(image)
    if isinstance(image, np.ndarray):
        return np.asarray(image)
    if is_pillow(image) and image.mode not in ("L", "RGB", "RGBA"):
        image = pillow_array(image)
    return np.array(image, dtype=np.uint8)


def _coloured(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image as red, green, blue; alpha on white, rounded down."""
    if image.dtype != np.uint8:
        raise ValueError(f"an image of {image.dtype}: expected uint8")
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape:
        raise ValueError(f"an image of shape {image.shape}: expected [height, width] or [height, width, 1, 3 or 4]")
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 3:
        return image
    colour = image[:, :, :3].astype(np.float32)
    alpha = image[:, :, 3:].astype(np.float32) / 255.0
    on_white: NDArray[np.float32] = (colour * alpha + 255.0 * (1.0 - alpha)).clip(0, 255)
    return on_white.astype(np.uint8)


def _sides(image: NDArray[np.uint8], resolution: int) -> tuple[int, int]:
    """Height and width for a shorter side of about `resolution`: multiples of 64, so the ratio is kept about."""
    height, width = image.shape[:2]
    scale = float(resolution) / min(height, width)
    height, width = (int(np.round(side * scale / 64.0)) * 64 for side in (float(height), float(width)))
    if height < 1 or width < 1 or height * width > 1 << 28:
        raise ValueError(f"a resolution of {resolution} makes an image of {width}x{height}")
    return height, width


def _resized(image: NDArray[np.uint8], resolution: int) -> NDArray[np.uint8]:
    larger = float(resolution) / min(image.shape[:2]) > 1
    return _resize(image, *_sides(image, resolution), "lanczos4" if larger else "area")


def _resize(image: NDArray[np.uint8], height: int, width: int, interpolation: str) -> NDArray[np.uint8]:
    source = np.require(image, np.uint8, ["C"])
    resized = np.empty((height, width, source.shape[2]), np.uint8)
    _pidinet.resize((source, resized), interpolation)
    return resized


def _pillow(array: NDArray[np.uint8]) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("output_type='pil' needs Pillow: pip install pillow, or say output_type='np'") from error
    return Image.fromarray(array)
