"""The class for Ray Data's `map_batches`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._detector import EdgeDetector
from .._maps import Style
from .._models import ModelLike


class DetectEdges:
    """Adds a column of edges to batches of images, for `map_batches` of a dataset of Ray, which makes one for each actor.

    Args:
        model: As of `pidinet.EdgeDetector`. Give a name, or a path that all machines have, rather than bytes.
        column: The column of the images: arrays, or the bytes of files as `read_binary_files` has them.
        output: The column for the edges, `[height, width]`, each of its image's size.
        dtype: `uint8` or `float32`.
        threads: The `num_cpus` of the actors.
        style: `soft`, `safe` or `scribble`.
        detail: Of `tiny`: from 0, the boundaries of objects, to 1, every edge.
        max_side: Makes larger images smaller first.
        accept_damaged: Takes what there is of JPEG and PNG files that are cut short.
        drop_input: Leaves out the column of the images.
        errors: A column for what is wrong with an image, else empty; the image gets a map of no pixels. Without it, an image
            that is none stops the job.

    >>> import numpy as np, pidinet.ray
    >>> batch = {"image": [np.zeros((20, 30, 3), np.uint8), b"no image"], "name": np.array(["a", "b"])}
    >>> found = pidinet.ray.DetectEdges(errors="error")(batch)
    >>> sorted(found), [edges.shape for edges in found["edges"]], bool(found["error"][1])
    (['edges', 'error', 'name'], [(20, 30), (0, 0)], True)
    """

    def __init__(
        self,
        model: ModelLike | None = None,
        *,
        column: str = "image",
        output: str = "edges",
        dtype: Any = "uint8",
        threads: int = 1,
        style: Style = "soft",
        detail: float | None = None,
        max_side: int | None = None,
        accept_damaged: bool = False,
        drop_input: bool = True,
        errors: str | None = None,
    ) -> None:
        self._detector = EdgeDetector(model, detail=detail, threads=threads)
        self._options: dict[str, Any] = {
            "dtype": np.dtype(dtype),
            "style": style,
            "max_side": max_side,
            "accept_damaged": accept_damaged,
        }
        self._column, self._output, self._errors = column, output, errors
        self._drop_input = drop_input

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch with the edges of its images."""
        if self._column not in batch:
            raise KeyError(f"there is no column {self._column!r}; there are {', '.join(map(repr, batch))}")
        images = batch[self._column]
        # Images of one batch may differ in size, so that there is no one array of their maps.
        maps = np.empty(len(images), object)
        errors = np.full(len(images), "", object)
        for at, image in enumerate(images):
            try:
                maps[at] = self._detector.detect(image, **self._options)
            except (ValueError, TypeError, OSError) as error:
                if self._errors is None:
                    raise
                maps[at], errors[at] = np.empty((0, 0), self._options["dtype"]), str(error)
        found = {name: values for name, values in batch.items() if name != self._column or not self._drop_input}
        found[self._output] = maps
        if self._errors is not None:
            found[self._errors] = errors
        return found
