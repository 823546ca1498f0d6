"""The loss of networks that find edges."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def edge_loss(logits: Tensor, truth: Tensor, *, eta: float = 0.3, negatives: float = 1.1) -> Tensor:
    """The class-balanced cross-entropy of PiDiNet: summed over maps and pixels, mean over images.

    A pixel is positive where the truth is at least `eta` and more than 0, negative where it is exactly 0, and is ignored
    elsewhere. Each class weighs what the other has of the image's pixels that count, negatives `negatives` times that.

    Args:
        logits: What a `PiDiNet` gives, `[n, maps, h, w]`.
        truth: The share of annotators who marked each pixel, from 0 to 1, `[n, h, w]` or `[n, 1, h, w]`; below 0 to
            ignore.
        eta: The share from which on a pixel is positive.
        negatives: 1.1 for BSDS500 and Multicue, 1.3 for NYUD.

    >>> import torch, pidinet.torch
    >>> truth = torch.tensor([[[1.0, 0.0, 0.0, 0.1]]])                # a third positive, two thirds negative, one ignored
    >>> round(float(pidinet.torch.edge_loss(torch.zeros(1, 5, 1, 4), truth, negatives=1.0)), 4)
    4.621
    """
    if truth.dim() == logits.dim() - 1:
        truth = truth.unsqueeze(1)
    if truth.shape != (logits.shape[0], 1, *logits.shape[2:]):
        raise ValueError(f"truth of shape {tuple(truth.shape)} for maps of shape {tuple(logits.shape)}: expected [n, h, w]")
    positive = ((truth >= eta) & (truth > 0)).to(logits.dtype)
    negative = (truth == 0).to(logits.dtype)
    ons, offs = (mask.sum((1, 2, 3), keepdim=True) for mask in (positive, negative))
    counted = (ons + offs).clamp(min=1)
    weight = positive * (offs / counted) + negative * (negatives * ons / counted)
    each = F.binary_cross_entropy_with_logits(logits, positive.expand_as(logits), reduction="none")
    return (weight * each).sum() / logits.shape[0]
