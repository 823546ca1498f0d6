"""What both networks have: what is known about a model, and model files.

The format is that of docs/model-format.md. Files are read, checked and written by the compiled part of the package, so
that nothing is written that could not be opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, ClassVar, Mapping, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from .._models import Model, ModelLike
from .._pidinet import ModelError
from . import _safetensors

PREFIX = "pidinet."
ABOUT = ("name", "provenance", "training_data", "licence", "scores")
OF_THE_WEIGHTS = ("scores", "calibration", "mixed_from")
"""What is not true any more once weights have changed."""

N = TypeVar("N", bound="Network")


class Network(nn.Module):
    """A network that has a model file."""

    architecture: ClassVar[str]
    """Its name in files."""

    metadata: dict[str, str]
    """What its file says of it beside what it consists of, such as `pidinet.licence`; it is saved with it."""

    def __init__(self) -> None:
        super().__init__()
        self.metadata = {}
        self._weights = ""  # of which the metadata are true

    def description(self) -> dict[str, object]:
        """What a file says about the network, except its numbers."""
        raise NotImplementedError

    @classmethod
    def described(cls: type[N], header: Mapping[str, str]) -> N:
        """The network that a file describes."""
        raise NotImplementedError

    @classmethod
    def from_pretrained(
        cls: type[N],
        source: ModelLike,
        *,
        config: str | None = None,
        theta: float | None = None,
        detail: float | None = None,
    ) -> N:
        """The network of a model that is built in, of a model file, or of a published checkpoint (`.pth`), on the CPU, for use.

        Arguments are those of `pidinet.Model.open`. `.train()` makes it ready for training.

        >>> import pidinet.torch
        >>> net = pidinet.torch.PiDiNet.from_pretrained("tiny")
        >>> net.size, net.config, net.metadata["pidinet.licence"]
        (Size(width=20, cdcm=8, csam=True), 'carv4', 'MIT OR Apache-2.0')
        """
        header, numbers = read(source, config=config, theta=theta, detail=detail)
        if (found := header[f"{PREFIX}architecture"]) != cls.architecture:
            raise ModelError(
                f"{_called(source)} is a model of the architecture {found}, and pidinet.torch.{cls.__name__} is "
                f"{cls.architecture}: pidinet.torch.from_pretrained takes both"
            )
        return cls.filled(header, numbers)

    @classmethod
    def filled(cls: type[N], header: Mapping[str, str], numbers: Mapping[str, _safetensors.Array]) -> N:
        """The network of what a file holds."""
        net = cls.described(header)
        net.load_state_dict({name: torch.from_numpy(array) for name, array in numbers.items()})
        consists = {f"{PREFIX}{key}" for key in (*net.description(), "architecture", "format")}
        net.metadata = {key: text for key, text in header.items() if key not in consists}
        net._weights = net._fingerprint()
        return net.eval()

    def save(self, path: str | os.PathLike[str], **about: Any) -> None:
        """Writes a model file that the program and `pidinet.EdgeDetector` or `pidinet.Classifier` open, whole or not at all.

        Args:
            path: Where to.
            about: What is known about the model beside `metadata`: `name` (by default that of the file), `provenance`,
                `training_data`, `licence`, and `scores`, a dictionary of numbers. Scores and calibration of a file that
                was opened are left out once weights have changed.

        Raises:
            pidinet.ModelError: Numbers are not finite.
            OSError: The file cannot be written.
        """
        if unknown := sorted(set(about) - set(ABOUT)):
            raise TypeError(f"save() knows no `{unknown[0]}`: expected {', '.join(ABOUT)}")
        header = dict(self.metadata)
        if self._weights != self._fingerprint():
            for key in OF_THE_WEIGHTS:
                header.pop(PREFIX + key, None)
        for key, value in about.items():
            header[PREFIX + key] = json.dumps(value) if key == "scores" else str(value)
        name = f"{PREFIX}name"
        header[name] = header.get(name) or Path(path).stem
        consists = {"format": 1, "architecture": self.architecture, **self.description()}
        header |= {PREFIX + key: str(value) for key, value in consists.items()}
        try:
            model = Model.open(_safetensors.encode(header, self._numbers()))
        except ModelError as error:
            raise ModelError(f"{os.fspath(path)} was not written: {error}") from None
        model.save(path)

    def _keeps_metadata_of(self, other: Network) -> None:
        """What is true of the other is true of this one, which gives the same."""
        if other._weights == other._fingerprint():
            self._weights = self._fingerprint()

    def _numbers(self) -> dict[str, _safetensors.Array]:
        """What a file holds: all numbers but the counters of batch norms."""
        state: Mapping[str, Tensor] = self.state_dict()
        return {
            name: tensor.detach().to("cpu", torch.float32).numpy()
            for name, tensor in state.items()
            if not name.endswith("num_batches_tracked")
        }

    def _fingerprint(self) -> str:
        found = hashlib.sha256()
        for array in self._numbers().values():
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()


def read(
    source: ModelLike, *, config: str | None, theta: float | None, detail: float | None
) -> tuple[dict[str, str], dict[str, _safetensors.Array]]:
    """Header and numbers of a model of either kind."""
    return _safetensors.decode(Model.open(source, config=config, theta=theta, detail=detail).to_bytes())


def _called(source: ModelLike) -> str:
    return str(source) if isinstance(source, (str, os.PathLike)) else "this"
