"""Networks of model files, whichever they are."""

from __future__ import annotations

from .._models import ModelLike
from ._edges import PiDiNet
from ._network import PREFIX, read
from ._recognition import BiPiDiNet


def from_pretrained(
    source: ModelLike, *, config: str | None = None, theta: float | None = None, detail: float | None = None
) -> PiDiNet | BiPiDiNet:
    """The network of a model that is built in, of a model file, or of a published checkpoint (`.pth`), on the CPU, for use.

    Arguments are those of `pidinet.Model.open`: `config` and `theta` are for checkpoints, which do not say them, `detail` is for
    `tiny`. `.train()` makes the network ready for training.

    >>> import pidinet.torch
    >>> type(pidinet.torch.from_pretrained("tiny")).__name__
    'PiDiNet'
    >>> pidinet.torch.from_pretrained("bi-pidinet-s").labels[0]
    'airplane'
    """
    header, numbers = read(source, config=config, theta=theta, detail=detail)
    if header[f"{PREFIX}architecture"] == BiPiDiNet.architecture:
        return BiPiDiNet.filled(header, numbers)
    return PiDiNet.filled(header, numbers)
