"""A network for recognition as it is deployed, to the last bit (docs/numerics.md).

The sign of a number near 0 depends on its last bit, so this rounds where the program rounds: sums of real products in float64,
rounded once; a batch norm as one product and one sum; everything else in the order that is written down.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._recognition import BiPiDiNet, Block

Line = tuple[Tensor, Tensor]
"""A factor and a term for each channel, in float64."""


def fold_in_place(net: BiPiDiNet) -> None:
    """Replaces the modules of a network."""
    for name, module in list(net.named_children()):
        if isinstance(module, Block):
            setattr(net, name, FoldedBlock(module))
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in REPLACEMENTS:
                setattr(parent, name, REPLACEMENTS[type(child)](child))


class FoldedBlock(nn.Module):
    """A block whose branches have one factor each, and all of them one term."""

    offset: Tensor

    def __init__(self, block: Block) -> None:
        super().__init__()
        whole = line(block.norm)
        norms = [line(norm) for norm in (block.difference_norm, block.vanilla_norm) if norm is not None]
        scales = [scale * whole[0] for scale, _ in norms] or [whole[0]]
        offset = sum(offset for _, offset in norms) * whole[0] + whole[1] if norms else whole[1]
        kind = block.norm.weight.dtype
        for at, scale in enumerate(scales):
            self.register_buffer(f"scale{at}", scale.to(kind).view(-1, 1, 1))
        self.register_buffer("offset", offset.to(kind).view(-1, 1, 1))
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        scaled = [getattr(self, f"scale{at}") * y for at, y in enumerate(self.block.branches(x))]
        y = sum(scaled[1:], scaled[0]) + self.offset
        z: Tensor = self.block.activation(y + self.block.passed(x))
        return z


class Affine(nn.Module):
    """A batch norm as a factor and a term for each channel."""

    scale: Tensor
    offset: Tensor

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        for name, values in zip(("scale", "offset"), line(norm)):
            self.register_buffer(name, values.to(norm.weight.dtype).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x + self.offset


class RoundedConv2d(nn.Module):
    """A convolution without bias whose sums are of float64 and rounded once."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        return F.conv2d(x.double(), conv.weight.double(), None, conv.stride, conv.padding).to(x.dtype)


class RoundedLinear(nn.Module):
    """A matrix and a bias whose sums are of float64 and rounded once."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x.double(), self.linear.weight.double(), self.linear.bias.double()).to(x.dtype)


class PairwisePool(nn.Module):
    """Means over windows of 2×2, of which each row is added first; at the end of an odd map, of what is inside."""

    def __init__(self, _: nn.AvgPool2d) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x, inside = (F.pad(each, (0, width % 2, 0, height % 2)) for each in (x, torch.ones_like(x[:1, :1])))
        return _added(x) * (1 / _added(inside))


def line(norm: nn.BatchNorm2d) -> Line:
    """A batch norm, as it is in use, in float64."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.detach().double() - norm.running_mean.double() * scale


def _added(x: Tensor) -> Tensor:
    rows = x[..., ::2] + x[..., 1::2]
    return rows[..., ::2, :] + rows[..., 1::2, :]


REPLACEMENTS: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm2d: Affine,
    nn.Conv2d: RoundedConv2d,
    nn.Linear: RoundedLinear,
    nn.AvgPool2d: PairwisePool,
}
