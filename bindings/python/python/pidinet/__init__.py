"""Edges in images: pixel difference networks, fast, on any CPU.

>>> import numpy as np, pidinet
>>> detector = pidinet.EdgeDetector()
>>> image = np.zeros((48, 64, 3), np.uint8)
>>> image[:, 32:] = 200
>>> edges = detector(image)
>>> edges.shape, edges.dtype, bool(edges[24, 32] > 0.5)
((48, 64), dtype('float32'), True)

`pidinet.eval` is the edge benchmark, `pidinet.controlnet` a drop-in for the annotator of ControlNet, and `pidinet.torch` has the
networks as modules of PyTorch, to train.
"""

from . import _pidinet
from ._classifier import Classification, Classifier, embed
from ._detector import EdgeDetector
from ._images import ImageLike, read
from ._lines import Line, Lines, lines
from ._maps import hysteresis, nms, overlay, resize, save, style, thin, threshold
from ._models import Model, ModelInfo, build_info, models
from ._pidinet import ModelError

__version__: str = _pidinet.build_info()["version"]

__all__ = [
    "Classification",
    "Classifier",
    "EdgeDetector",
    "ImageLike",
    "Line",
    "Lines",
    "Model",
    "ModelError",
    "ModelInfo",
    "__version__",
    "build_info",
    "embed",
    "hysteresis",
    "lines",
    "models",
    "nms",
    "overlay",
    "read",
    "resize",
    "save",
    "style",
    "thin",
    "threshold",
]
