"""PiDiNet, the network that finds edges."""

from __future__ import annotations

import copy
from typing import Mapping, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._difference import PixelDifferenceConv2d, share
from ._images import as_numbers, standardised
from ._kinds import kinds
from ._network import PREFIX, Network

STAGES = (3, 4, 4, 4)
"""Blocks of the four stages; all but the first begin with downsampling."""

DILATIONS = (5, 7, 9, 11)
"""Of the four parallel convolutions of a CDCM."""

GATE_WIDTH = 4
"""Channels inside a CSAM."""

SMALLEST = 8
"""Rows and columns of the smallest image: what leaves one pixel to the last stage."""

PRESETS = ("imagenet", "controlnet")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Size(NamedTuple):
    """How large a PiDiNet is."""

    width: int
    """Channels C of the first stage; the second has 2C, the third and fourth 4C."""
    cdcm: int | None
    """Channels M inside the dilation modules (CDCM); None for none of them."""
    csam: bool
    """Whether there are attention modules (CSAM)."""


SIZES = {
    "tiny": Size(20, 8, True),
    "small": Size(30, 12, True),
    "full": Size(60, 24, True),
    "tiny-l": Size(20, None, False),
    "small-l": Size(30, None, False),
    "full-l": Size(60, None, False),
}
"""The published sizes; those that end with -l have neither CDCM nor CSAM."""


class PiDiNet(Network):
    """Finds edges: images `[n, 3, h, w]` to logits `[n, 5, h, w]` of four side maps and, last, the fused map, the answer.

    Images are those that `normalise` gives, h and w at least 8. `edges` gives probabilities. There is no batch norm: training
    and evaluation are the same. Parameters have the names of the published checkpoints.

    Args:
        size: A name of `SIZES`, or a `Size`.
        config: Kinds of the sixteen difference convolutions: a name of `CONFIGURATIONS`, or the kinds separated by commas.
        theta: The share of the pixel difference in each of them.
        preset: How images are fed: `imagenet`, or `controlnet` for blue, green, red from 0 to 1.

    >>> import torch, pidinet.torch
    >>> net = pidinet.torch.PiDiNet("small-l", config="c-v15")
    >>> net(torch.zeros(2, 3, 33, 40)).shape
    torch.Size([2, 5, 33, 40])
    """

    architecture = "pidinet"

    def __init__(
        self, size: str | Size = "full", *, config: str = "carv4", theta: float = 1.0, preset: str = "imagenet"
    ) -> None:
        super().__init__()
        if preset not in PRESETS:
            raise ValueError(f"there is no preset `{preset}`: expected {' or '.join(PRESETS)}")
        self.size = _size(size)
        self.config, self.preset, self.folded = config, preset, False
        self.theta = float(np.float32(share(theta)))  # as model files have it
        self._add_stages()
        self._add_sides()

    def _add_stages(self) -> None:
        layer = iter(kinds(self.config))
        widths = _widths(self.size)
        self.init_block = PixelDifferenceConv2d(3, self.size.width, next(layer), theta=self.theta)
        inputs = self.size.width
        for stage, (blocks, outputs) in enumerate(zip(STAGES, widths), start=1):
            for number in range(1, blocks + 1):
                block = Block(next(layer), inputs, outputs, self.theta, is_projected=stage > 1 and number == 1)
                self.add_module(f"block{stage}_{number}", block)
                inputs = outputs

    def _add_sides(self) -> None:
        widths = _widths(self.size)
        self.dilations = self.attentions = None
        if self.size.cdcm is not None:
            self.dilations = nn.ModuleList(CDCM(width, self.size.cdcm) for width in widths)
            widths = (self.size.cdcm,) * len(STAGES)
        if self.size.csam:
            self.attentions = nn.ModuleList(CSAM(width) for width in widths)
        self.conv_reduces = nn.ModuleList(Reduce(width) for width in widths)
        self.classifier = nn.Conv2d(len(STAGES), 1, 1)
        nn.init.constant_(self.classifier.weight, 1 / len(STAGES))
        _zero(self.classifier)

    def forward(self, images: Tensor) -> Tensor:
        if images.dim() != 4 or images.shape[1] != 3 or min(images.shape[2:]) < SMALLEST:
            raise ValueError(
                f"images of shape {tuple(images.shape)}: expected [n, 3, h, w], h and w at least {SMALLEST}; pad smaller ones"
            )
        return self.logits(self.stages(images)[1:], (images.shape[2], images.shape[3]))

    def edges(self, images: Tensor) -> Tensor:
        """Edge probabilities in [0, 1], `[n, 1, h, w]`, of normalised images `[n, 3, h, w]`."""
        return torch.sigmoid(self(images)[:, -1:])

    def stages(self, images: Tensor) -> list[Tensor]:
        """What the stem and each of the four stages make of normalised images: five maps, of C, C, 2C, 4C and 4C channels."""
        maps: list[Tensor] = [self.init_block(images)]
        for stage, blocks in enumerate(STAGES, start=1):
            x = maps[-1]
            for number in range(1, blocks + 1):
                x = getattr(self, f"block{stage}_{number}")(x)
            maps.append(x)
        return maps

    def logits(self, stages: list[Tensor], size: tuple[int, int]) -> Tensor:
        """What `forward` gives, of the maps of the four stages and the size (h, w) of the images."""
        sides = []
        for stage, x in enumerate(stages):
            if self.dilations is not None:
                x = self.dilations[stage](x)
            if self.attentions is not None:
                x = self.attentions[stage](x)
            x = self.conv_reduces[stage](x)
            sides.append(F.interpolate(x, size=size, mode="bilinear", align_corners=False))
        together = torch.cat(sides, 1)
        return torch.cat([together, self.classifier(together)], 1)

    def normalise(self, images: Tensor) -> Tensor:
        """Red, green, blue `[n, 3, h, w]` or `[3, h, w]`, bytes or numbers from 0 to 1, as this network wants them.

        >>> import torch, pidinet.torch
        >>> net = pidinet.torch.PiDiNet("tiny", preset="controlnet")
        >>> net.normalise(torch.tensor([255, 51, 0], dtype=torch.uint8).view(3, 1, 1)).flatten()
        tensor([0.0000, 0.2000, 1.0000])
        """
        x = as_numbers(images)
        if self.preset == "controlnet":
            return x.flip(-3)
        return standardised(x, MEAN, DEVIATION)

    def fold(self) -> PiDiNet:
        """A copy with ordinary convolutions in place of the differences: the same maps, for use, not for training."""
        net = copy.deepcopy(self)
        net._fold_in_place()
        net._keeps_metadata_of(self)
        return net

    def _fold_in_place(self) -> None:
        for parent in list(self.modules()):
            for name, child in parent.named_children():
                if isinstance(child, PixelDifferenceConv2d):
                    setattr(parent, name, child.fold())
        self.folded = True

    def description(self) -> dict[str, object]:
        width, cdcm, csam = self.size
        return {
            "width": width,
            "config": self.config,
            "cdcm": cdcm or "none",
            "csam": str(csam).lower(),
            "theta": np.float32(self.theta),
            "form": "folded" if self.folded else "raw",
            "preset": self.preset,
        }

    @classmethod
    def described(cls, header: Mapping[str, str]) -> PiDiNet:
        said = {key: header[PREFIX + key] for key in ("width", "config", "cdcm", "csam", "theta", "form", "preset")}
        cdcm = None if said["cdcm"] == "none" else int(said["cdcm"])
        size = Size(int(said["width"]), cdcm, said["csam"] == "true")
        net = cls(size, config=said["config"], theta=float(said["theta"]), preset=said["preset"])
        if said["form"] == "folded":
            net._fold_in_place()
        return net


class Block(nn.Module):
    """`conv2(relu(conv1(x)))` plus `x`, or plus a projection of it after pooling."""

    def __init__(self, kind: str, inputs: int, outputs: int, theta: float, *, is_projected: bool) -> None:
        super().__init__()
        self.conv1 = PixelDifferenceConv2d(inputs, inputs, kind, groups=inputs, theta=theta)
        self.conv2 = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if is_projected else None

    def forward(self, x: Tensor) -> Tensor:
        if self.shortcut is not None:
            x = F.max_pool2d(x, 2, 2)
        y: Tensor = self.conv2(F.relu(self.conv1(x)))
        return y + (x if self.shortcut is None else self.shortcut(x))


class CDCM(nn.Module):
    """Compact dilation convolution module: context from four dilations, `[n, inputs, h, w]` to `[n, width, h, w]`."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1)
        for branch, dilation in enumerate(DILATIONS, start=1):
            conv = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
            self.add_module(f"conv2_{branch}", conv)
        _zero(self.conv1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(F.relu(x))
        first, *others = (getattr(self, f"conv2_{branch}")(x) for branch in range(1, len(DILATIONS) + 1))
        y: Tensor = sum(others, first)
        return y


class CSAM(nn.Module):
    """Compact spatial attention module: one gate for each pixel."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, GATE_WIDTH, 1)
        self.conv2 = nn.Conv2d(GATE_WIDTH, 1, 3, padding=1, bias=False)
        _zero(self.conv1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.conv2(self.conv1(F.relu(x))))


class Reduce(nn.Module):
    """To one channel."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 1, 1)
        _zero(self.conv)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y


def _size(size: str | Size) -> Size:
    if isinstance(size, str):
        if size not in SIZES:
            raise ValueError(f"there is no size `{size}`: expected one of {', '.join(SIZES)}, or a Size")
        return SIZES[size]
    if size.width < 1 or (size.cdcm is not None and size.cdcm < 1):
        raise ValueError(f"{size}: expected 1 channel or more")
    return size


def _widths(size: Size) -> tuple[int, ...]:
    """Channels of the four stages."""
    return tuple(size.width * times for times in (1, 2, 4, 4))


def _zero(conv: nn.Conv2d) -> None:
    """Convolutions of the sides, unlike shortcuts, begin without a bias."""
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
