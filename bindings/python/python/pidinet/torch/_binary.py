"""Convolutions of one bit: the signs of weights times the signs of pixels, or of differences of pixels.

Weights are latent numbers of which the signs count. The sign of 0 is +1 everywhere. A sign has no useful gradient, so what is
learnt from is that of another function, see `sign`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRADIENTS = ("clamp", "polynomial")
PRECISIONS = ("binary", "activations", "real")
CLAMP = 1.2
"""Beyond this a straight-through gradient is 0."""

NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""The eight neighbours of a pixel, as rows down and columns right."""

NEXT = (1, 2, 4, 0, 7, 3, 5, 6)
"""Of each neighbour, the number of the next one clockwise."""


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, is_polynomial: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.is_polynomial = is_polynomial
        return torch.where(x < 0, -1.0, 1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override, unused-ignore]
        (x,) = ctx.saved_tensors
        slope = (2 - 2 * x.abs()).clamp(min=0) if ctx.is_polynomial else (x.abs() <= CLAMP).to(gradient.dtype)
        return gradient * slope, None


def sign(x: Tensor, gradient: str = "clamp") -> Tensor:
    """-1 where `x` is less than 0, +1 elsewhere.

    Args:
        x: Any tensor of floats.
        gradient: `clamp` passes gradients where `|x|` is at most 1.2; `polynomial` multiplies them with `2 - 2|x|` where
            that is not negative (Bi-Real Net).

    >>> import torch, pidinet.torch
    >>> x = torch.tensor([-2.0, -0.5, 0.0, 3.0], requires_grad=True)
    >>> y = pidinet.torch.sign(x); y.sum().backward()
    >>> y.tolist(), x.grad.tolist()
    ([-1.0, -1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0])
    """
    y: Tensor = _Sign.apply(x, chosen("gradient", gradient, GRADIENTS) == "polynomial")  # type: ignore[no-untyped-call, unused-ignore]
    return y


class _OfSigns(nn.Module):
    """What both convolutions have."""

    weight: nn.Parameter

    def __init__(self, shape: tuple[int, ...], stride: int, gradient: str, precision: str) -> None:
        super().__init__()
        self.out_channels, self.in_channels, self.stride = shape[0], shape[1], stride
        self.gradient = chosen("gradient", gradient, GRADIENTS)
        self.precision = chosen("precision", precision, PRECISIONS)
        if min(self.out_channels, self.in_channels, stride) < 1:
            raise ValueError("channels and stride: expected 1 or more of each")
        self.weight = nn.Parameter(torch.empty(shape))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Latent weights as those of `torch.nn.Conv2d`."""
        bound = 1 / math.sqrt(self.weight[0].numel())
        nn.init.uniform_(self.weight, -bound, bound)

    def of_activations(self, x: Tensor) -> Tensor:
        """What stands for activations, by the precision."""
        return x if self.precision == "real" else sign(x, self.gradient)

    def of_weights(self) -> Tensor:
        """What stands for weights, by the precision."""
        return sign(self.weight) if self.precision == "binary" else self.weight

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, stride={self.stride}, precision={self.precision!r}"


class BinaryConv2d(_OfSigns):
    """A 3×3 convolution of signs: `[n, in_channels, h, w]` to `[n, out_channels, ⌈h / stride⌉, ⌈w / stride⌉]`.

    Outside of the map the sign is 0. There is no scale, as batch norm follows.

    Args:
        in_channels: Channels of what it is given.
        out_channels: Channels of what it gives.
        stride: Distance of neighbouring outputs in pixels of the input.
        gradient: That of the signs of activations, see `sign`.
        precision: `binary`; for training in two steps `activations`, with real weights; `real` for neither.

    >>> import torch, pidinet.torch
    >>> conv = pidinet.torch.BinaryConv2d(4, 2)
    >>> y = conv(torch.randn(1, 4, 6, 6))[..., 2, 2]
    >>> bool((y == y.round()).all() and y.abs().max() <= 36)
    True
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, gradient: str = "clamp", precision: str = "binary"
    ) -> None:
        super().__init__((out_channels, in_channels, 3, 3), stride, gradient, precision)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(self.of_activations(x), self.of_weights(), stride=self.stride, padding=1)


class BiPDC(_OfSigns):
    """Binary pixel difference convolution: differences of pixels are taken first, then their signs.

    `y = sum over channels and eight pairs of pixels of sign(weight) · sign(first - second)`, from `[n, in_channels, h, w]` to
    `[n, out_channels, ⌈h / stride⌉, ⌈w / stride⌉]`. Zeros surround the map before differences are taken.

    This is the second half of the TPAMI paper, whose code was never published: a working definition (docs/numerics.md).

    Args:
        in_channels: Channels of what it is given.
        out_channels: Channels of what it gives.
        kind: `cd`, each neighbour minus the centre; `ad`, each minus the next one clockwise; `rd`, the pixel two steps away
            minus the one a step away.
        stride: Distance of neighbouring outputs in pixels of the input.
        gradient: That of the signs of differences, see `sign`.
        precision: As of `BinaryConv2d`.

    >>> import torch, pidinet.torch
    >>> conv = pidinet.torch.BiPDC(4, 2, "cd")
    >>> conv.weight.shape
    torch.Size([2, 4, 8])
    >>> bool((conv(torch.full((1, 4, 5, 5), 7.0)) == conv(torch.full((1, 4, 5, 5), 3.0))).all())
    True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kind: str = "cd",
        *,
        stride: int = 1,
        gradient: str = "clamp",
        precision: str = "binary",
    ) -> None:
        super().__init__((out_channels, in_channels, 8), stride, gradient, precision)
        self.kind = chosen("kind", kind, ("cd", "ad", "rd"))

    def forward(self, x: Tensor) -> Tensor:
        signs = self.of_activations(self.differences(x))  # [n, in, 8, h', w']
        return F.conv2d(signs.flatten(1, 2), self.of_weights().flatten(1)[:, :, None, None])

    def differences(self, x: Tensor) -> Tensor:
        """`first - second` of the eight pairs around each output: `[n, in_channels, 8, ⌈h / stride⌉, ⌈w / stride⌉]`."""
        height, width = x.shape[2:]
        wide = F.pad(x, (2, 2, 2, 2))

        def moved(down: int, right: int) -> Tensor:
            rows = slice(2 + down, 2 + down + height, self.stride)
            return wide[:, :, rows, 2 + right : 2 + right + width : self.stride]

        pairs = zip(*(pixels(self.kind, neighbour) for neighbour in range(8)))
        firsts, seconds = (torch.stack([moved(*offset) for offset in offsets], 2) for offsets in pairs)
        return firsts - seconds

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, kind={self.kind!r}"


def pixels(kind: str, neighbour: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The pixels of a difference, the second of which is subtracted."""
    down, right = NEIGHBOURS[neighbour]
    if kind == "cd":
        return (down, right), (0, 0)
    if kind == "ad":
        return (down, right), NEIGHBOURS[NEXT[neighbour]]
    return (2 * down, 2 * right), (down, right)


def chosen(what: str, value: str, choices: tuple[str, ...]) -> str:
    """One of a few names."""
    if value not in choices:
        raise ValueError(f"there is no {what} `{value}`: expected {', '.join(choices)}")
    return value
