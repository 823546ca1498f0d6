"""What an image shows: networks of one bit."""

from __future__ import annotations

import functools
from typing import Any, Iterable, NamedTuple, Sequence

import numpy as np
from numpy.typing import NDArray

from . import _pidinet
from ._detector import count
from ._images import Channels, ImageLike, Layout, picture
from ._models import Model, ModelLike

DEFAULT = "bi-pidinet-s"


class Classification(NamedTuple):
    """What a network makes of an image."""

    label: str
    """The most probable class."""
    probability: float
    """Of this class."""
    probabilities: dict[str, float]
    """Of every class, the most probable first."""
    logits: NDArray[np.float32]
    """A number for each class, in the order of `Classifier.labels`."""
    features: NDArray[np.float32]
    """The feature vector, not normalised."""


class Classifier:
    """Recognises images with one model; make it once, use it as often as you like and from any number of threads.

    Args:
        model: As for `EdgeDetector`; by default `bi-pidinet-s`, which knows the ten classes of CIFAR-10.
        threads: All cores by default.
        isa: The instruction set by name.

    >>> import numpy as np, pidinet
    >>> classifier = pidinet.Classifier(threads=1)
    >>> classifier(np.zeros((40, 30, 3), np.uint8)).label in classifier.labels
    True
    """

    def __init__(
        self, model: ModelLike = DEFAULT, *, threads: int | None = None, isa: str | None = None
    ) -> None:
        self.model = Model.open(model)
        self._options: dict[str, Any] = {"threads": count("threads", threads), "isa": isa}
        self._core = _pidinet.Classifier(self.model.for_recognition(), **self._options)
        self.labels: list[str] = self._core.labels

    def classify(
        self,
        image: ImageLike,
        *,
        channels: Channels = "rgb",
        layout: Layout = "hwc",
        accept_damaged: bool = False,
    ) -> Classification:
        """What an image of any size shows. Images are those that `EdgeDetector.detect` takes."""
        return self.classify_batch(
            [image], channels=channels, layout=layout, accept_damaged=accept_damaged
        )[0]

    __call__ = classify

    def classify_batch(
        self,
        images: Iterable[ImageLike],
        *,
        channels: Channels = "rgb",
        layout: Layout = "hwc",
        accept_damaged: bool = False,
    ) -> list[Classification]:
        """What each image shows, in order."""
        pictures = [picture(image, channels, layout, accept_damaged) for image in images]
        return [self._named(*found) for found in self._core.classify(pictures)]

    def embed(
        self,
        image: ImageLike,
        *,
        channels: Channels = "rgb",
        layout: Layout = "hwc",
        accept_damaged: bool = False,
    ) -> NDArray[np.float32]:
        """The feature vector of an image, of length 1: the scalar product of two is their cosine.

        >>> import numpy as np, pidinet
        >>> vector = pidinet.Classifier(threads=1).embed(np.arange(1024, dtype=np.uint8).reshape(32, 32))
        >>> round(float(vector @ vector), 4)
        1.0
        """
        vector: NDArray[np.float32] = self.embed_batch(
            [image], channels=channels, layout=layout, accept_damaged=accept_damaged
        )[0]
        return vector

    def embed_batch(
        self,
        images: Iterable[ImageLike],
        *,
        channels: Channels = "rgb",
        layout: Layout = "hwc",
        accept_damaged: bool = False,
    ) -> NDArray[np.float32]:
        """The feature vectors of images, of length 1 each: `[images, features]`."""
        found = self.classify_batch(
            images, channels=channels, layout=layout, accept_damaged=accept_damaged
        )
        if not found:
            raise ValueError("no image")
        features = np.stack([one.features for one in found])
        length = np.linalg.norm(features, axis=1, keepdims=True)
        vectors: NDArray[np.float32] = (features / np.where(length > 0, length, 1)).astype(np.float32)
        return vectors

    def _named(self, logits: NDArray[np.float32], features: NDArray[np.float32]) -> Classification:
        weights = np.exp(logits.astype(np.float64) - logits.max())
        shares = weights / weights.sum()
        order = np.argsort(-logits, kind="stable")
        probabilities = {self.labels[at]: float(shares[at]) for at in order}
        return Classification(
            self.labels[order[0]], float(shares[order[0]]), probabilities, logits, features
        )

    @property
    def threads(self) -> int:
        """Threads in use."""
        return self._core.threads

    @property
    def isa(self) -> str:
        """The instruction set in use."""
        return self._core.isa

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.model, self._options)

    def __repr__(self) -> str:
        return f"<pidinet.Classifier of {self.model!r}: {len(self.labels)} classes, {self.threads} threads>"


def _restored(model: Model, options: dict[str, Any]) -> Classifier:
    return Classifier(model, **options)


def embed(
    images: ImageLike | Sequence[ImageLike],
    model: ModelLike = DEFAULT,
    *,
    channels: Channels = "rgb",
    layout: Layout = "hwc",
    accept_damaged: bool = False,
) -> NDArray[np.float32]:
    """The feature vector of an image, of length 1, or those of a list of images, `[images, features]`: the scalar product
    of two is their cosine. `Classifier.embed` does the same with a model that is made once.

    >>> import numpy as np, pidinet
    >>> image = np.arange(1024, dtype=np.uint8).reshape(32, 32)
    >>> pidinet.embed(image).shape == pidinet.embed([image, image])[1].shape
    True
    """
    classifier = _default() if model == DEFAULT else Classifier(model)
    options: dict[str, Any] = {"channels": channels, "layout": layout, "accept_damaged": accept_damaged}
    if isinstance(images, (list, tuple)):
        return classifier.embed_batch(images, **options)
    return classifier.embed(images, **options)  # type: ignore[arg-type, unused-ignore]


@functools.lru_cache(maxsize=1)
def _default() -> Classifier:
    """Made at the first call, and kept: a model takes longer to read than an image to see."""
    return Classifier(DEFAULT)
