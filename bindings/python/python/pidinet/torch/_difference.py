"""Pixel difference convolution.

Its weights multiply differences of pixels, `y = sum of w_i (x_i - x_i')`. Sorted by pixel instead of by pair the same
sum is an ordinary convolution with other, folded weights, so that is how it is computed: training differentiates
through the folding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._kinds import KINDS

BEFORE = (3, 0, 1, 6, 4, 2, 7, 8, 5)
"""The tap before each tap of a 3×3 window, clockwise; the centre is before itself."""

OUTER = (0, 2, 4, 10, 14, 20, 22, 24)
"""Where the 3×3 weights 1 to 8 of a radial difference lie in its 5×5 window: the outer ring, added."""

INNER = (6, 7, 8, 11, 13, 16, 17, 18)
"""Where they lie a second time: the inner ring, subtracted, in the same directions."""


def fold(weight: Tensor, kind: str, theta: float = 1.0) -> Tensor:
    """The ordinary kernel that gives what `weight` gives on pixel differences; gradients pass.

    Args:
        weight: `[out, in / groups, 3, 3]`.
        kind: `cv`, which changes nothing, `cd`, `ad` or `rd`.
        theta: The share of each second pixel that is subtracted, more than 0 and at most 1.

    Returns:
        `[out, in / groups, 3, 3]`, for `rd` `[out, in / groups, 5, 5]`. The first weight of `rd` counts only as the centre
        of what `theta` leaves of an ordinary convolution.

    >>> import torch, pidinet.torch
    >>> pidinet.torch.fold(torch.ones(1, 1, 3, 3), "cd")[0, 0]
    tensor([[ 1.,  1.,  1.],
            [ 1., -8.,  1.],
            [ 1.,  1.,  1.]])
    """
    if kind == "cv":
        return weight
    taps = weight.flatten(2)
    if kind == "cd":
        total = taps.sum(2, keepdim=True)
        return (taps - theta * F.pad(total, (4, 4))).view(weight.shape)
    each = taps.unbind(2)
    if kind == "ad":
        return (taps - theta * torch.stack([each[tap] for tap in BEFORE], 2)).view(weight.shape)
    if kind == "rd":
        subtracted = (-theta * taps).unbind(2)
        wide = [torch.zeros_like(each[0])] * 25
        for tap, (outer, inner) in enumerate(zip(OUTER, INNER), start=1):
            wide[outer], wide[inner] = each[tap], subtracted[tap]
        wide[12] = (1 - theta) * each[0]
        return torch.stack(wide, 2).view(*weight.shape[:2], 5, 5)
    raise ValueError(f"there is no kind `{kind}` of pixel difference: expected one of {', '.join(KINDS)}")


class PixelDifferenceConv2d(nn.Module):
    """A convolution of pixel differences: images `[n, in_channels, h, w]` to `[n, out_channels, h', w']`.

    Zeros surround the image, `dilation` wide and for `rd` twice that, so that a stride of 1 keeps the size.

    Args:
        in_channels: Channels of what it is given.
        out_channels: Channels of what it gives.
        kind: `cv` for an ordinary convolution; `cd`, each pixel of a 3×3 window minus its centre; `ad`, each minus the
            next one clockwise; `rd`, eight pixels of the outer ring of a 5×5 window minus the inner ones.
        stride, dilation, groups, bias: As of `torch.nn.Conv2d`.
        theta: The share of each second pixel that is subtracted: 1 is the pure difference, less mixes in an ordinary
            convolution.

    >>> import torch, pidinet.torch
    >>> conv = pidinet.torch.PixelDifferenceConv2d(3, 8, "cd")
    >>> flat = conv(torch.ones(1, 3, 7, 7))[:, :, 1:-1, 1:-1]
    >>> bool(flat.abs().max() < 1e-5)                              # no differences, whatever the weights
    True
    >>> conv.fold()
    Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kind: str = "cd",
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
        theta: float = 1.0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"there is no kind `{kind}` of pixel difference: expected one of {', '.join(KINDS)}")
        if min(in_channels, out_channels, stride, dilation, groups) < 1:
            raise ValueError("channels, stride, dilation and groups: expected 1 or more of each")
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{in_channels} and {out_channels} channels are not divisible into {groups} groups")
        self.in_channels, self.out_channels, self.kind = in_channels, out_channels, kind
        self.stride, self.dilation, self.groups, self.theta = stride, dilation, groups, share(theta)
        shape = (out_channels, in_channels // groups, 3, 3)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Random numbers as those of `torch.nn.Conv2d`."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight[0].numel())
            nn.init.uniform_(self.bias, -bound, bound)

    @property
    def padding(self) -> int:
        """Zeros on each side of the image."""
        return self.dilation * (2 if self.kind == "rd" else 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = fold(self.weight, self.kind, self.theta)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def fold(self) -> nn.Conv2d:
        """The ordinary convolution that gives the same, folded in 64 bits and rounded once."""
        wide = fold(self.weight.detach().cpu().double(), self.kind, self.theta)
        conv = nn.Conv2d(
            self.in_channels, self.out_channels, wide.shape[-1], self.stride, self.padding, self.dilation, self.groups,
            self.bias is not None, device=self.weight.device, dtype=self.weight.dtype,
        )  # fmt: skip
        with torch.no_grad():
            conv.weight.copy_(wide)
            if conv.bias is not None and self.bias is not None:
                conv.bias.copy_(self.bias)
        return conv.train(self.training)

    def extra_repr(self) -> str:
        has_bias = self.bias is not None
        return (
            f"{self.in_channels}, {self.out_channels}, {self.kind!r}, stride={self.stride}, dilation={self.dilation}, "
            f"groups={self.groups}, bias={has_bias}, theta={self.theta:g}"
        )


def share(theta: float) -> float:
    """θ, if it can be one."""
    if not 0 < theta <= 1:
        raise ValueError(f"theta {theta}: expected a number greater than 0 and at most 1")
    return float(theta)
