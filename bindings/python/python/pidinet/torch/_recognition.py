"""Bi-PiDiNet, the network of one bit that recognises objects."""

from __future__ import annotations

import copy
import json
from typing import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ._binary import GRADIENTS, PRECISIONS, BinaryConv2d, BiPDC, chosen
from ._images import as_numbers, standardised
from ._layout import LAYOUTS, Input, Layout, described, input_of, labels_of, layout_of
from ._network import PREFIX, Network


class BiPiDiNet(Network):
    """Recognises objects: images `[n, 3, h, w]` to logits `[n, classes]`.

    Images are those that `normalise` gives. Binary weights are latent numbers of which the signs count (docs/numerics.md). The
    method is the second half of the TPAMI paper, whose code was never published: take it as a working definition.

    Args:
        layout: A name of `LAYOUTS`, or a `Layout`.
        classes: How many there are, or their names.
        input: How images are fed; by default as is usual with the stem.
        gradient: That of signs of activations and differences: `clamp` or `polynomial`, see `sign`.

    >>> import torch, pidinet.torch
    >>> layout = pidinet.torch.LAYOUTS["bi-pidinet-s"].with_differences("cd", 0.2)
    >>> net = pidinet.torch.BiPiDiNet(layout, ["cat", "dog"])
    >>> net(torch.zeros(4, 3, 32, 32)).shape
    torch.Size([4, 2])
    """

    architecture = "bi-pidinet"

    def __init__(
        self,
        layout: str | Layout = "bi-pidinet-s",
        classes: int | Sequence[str] = 10,
        *,
        input: Input | None = None,
        gradient: str = "clamp",
    ) -> None:
        super().__init__()
        if isinstance(layout, str):
            if layout not in LAYOUTS:
                raise ValueError(f"there is no layout `{layout}`: expected one of {', '.join(LAYOUTS)}, or a Layout")
            layout = LAYOUTS[layout]
        self.layout = layout.checked()
        self.labels = () if isinstance(classes, int) else tuple(classes)
        self.classes = classes if isinstance(classes, int) else len(classes)
        if self.classes < 1:
            raise ValueError(f"{self.classes} classes: expected 1 or more")
        self.input = input or Input.for_stem(layout.stem)
        self.folded = False
        self._add_blocks(chosen("gradient", gradient, GRADIENTS))

    def _add_blocks(self, gradient: str) -> None:
        width, stages, stem, shortcut = self.layout
        self.stem = LightStem(width) if stem == "light" else Stem(width, stem)
        self._blocks: list[list[str]] = []
        inputs = width
        for number, stage in enumerate(stages):
            outputs = width << number
            names = [f"block{number + 1}_{block + 1}" for block in range(stage.blocks)]
            for name in names:
                is_halving = number > 0 and name == names[0]
                differences = stage.differences(inputs)
                block = Block(inputs, outputs, differences, stage.difference, gradient, shortcut if is_halving else None)
                self.add_module(name, block)
                inputs = outputs
            self._blocks.append(names)
        self.classifier = nn.Linear(inputs, self.classes)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """The feature vectors of normalised images, `[n, features]`: means over the maps of the last stage."""
        x = self.stages(images)[-1]
        return x.double().mean((2, 3)).to(x.dtype) if self.folded else x.mean((2, 3))

    def stages(self, images: Tensor) -> list[Tensor]:
        """What the stem and each stage make of normalised images."""
        if images.dim() != 4 or images.shape[1] != 3:
            raise ValueError(f"images of shape {tuple(images.shape)}: expected [n, 3, h, w]")
        maps: list[Tensor] = [self.stem(images)]
        for names in self._blocks:
            x = maps[-1]
            for name in names:
                x = getattr(self, name)(x)
            maps.append(x)
        return maps

    def set_precision(self, precision: str) -> BiPiDiNet:
        """For training in two steps: first `activations`, with binary activations and real weights, then `binary`.

        `real` has neither, for teachers. Files always hold the network that is `binary`.
        """
        for module in self.modules():
            if isinstance(module, (BinaryConv2d, BiPDC)):
                module.precision = chosen("precision", precision, PRECISIONS)
        return self

    def normalise(self, images: Tensor) -> Tensor:
        """Red, green, blue `[n, 3, h, w]` or `[3, h, w]`, bytes or numbers from 0 to 1, as this network wants them.

        Images should have `input.size` rows and columns; nothing is resized.
        """
        return standardised(as_numbers(images), self.input.mean, self.input.deviation)

    def fold(self) -> BiPiDiNet:
        """A copy for use whose batch norms are a factor and a term for each channel, merged where there are two in a row.

        It rounds where the program rounds (docs/numerics.md), so that it gives what `pidinet.Classifier` gives: the sign of a
        number near 0 depends on its last bit. There is no file of it; save the network that it was folded from.
        """
        from ._folded import fold_in_place

        net = copy.deepcopy(self)
        net.folded = True
        fold_in_place(net)
        return net.eval()

    def description(self) -> dict[str, object]:
        if self.folded:
            raise ValueError("a folded network for recognition has no file: save the one that it was folded from")
        labels = json.dumps(self.labels, ensure_ascii=False)
        return {**described(self.layout, self.input), "classes": self.classes, "labels": labels, "form": "latent"}

    @classmethod
    def described(cls, header: Mapping[str, str]) -> BiPiDiNet:
        said = {key.removeprefix(PREFIX): text for key, text in header.items()}
        return cls(layout_of(said), labels_of(said) or int(said["classes"]), input=input_of(said))


class Stem(nn.Module):
    """One real convolution, of 3×3 or, for large images, of 7×7 with stride 2 and max-pooling behind it."""

    def __init__(self, width: int, name: str) -> None:
        super().__init__()
        self.is_pooling = name == "imagenet"
        size, stride = (7, 2) if self.is_pooling else (3, 1)
        self.conv = nn.Conv2d(3, width, size, stride, size // 2, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return F.max_pool2d(x, 3, 2, 1) if self.is_pooling else x


class LightStem(nn.Module):
    """Two real 3×3 convolutions of stride 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        middle = max(3 * width // 8, 1)
        self.conv1 = nn.Conv2d(3, middle, 3, 2, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(middle)
        self.activation = RPReLU(middle)
        self.conv2 = nn.Conv2d(middle, width, 3, 2, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.norm1(self.conv1(x)))
        y: Tensor = self.norm2(self.conv2(x))
        return y


class Block(nn.Module):
    """One binary convolution, in two branches where both have channels, beside one shortcut."""

    def __init__(
        self, inputs: int, outputs: int, differences: int, kind: str, gradient: str, shortcut: str | None
    ) -> None:
        super().__init__()
        stride = 1 if shortcut is None else 2
        others, are_two = inputs - differences, 0 < differences < inputs
        self.channels = (differences, others)
        self.shift = Shift(inputs)
        self.difference = BiPDC(differences, outputs, kind, stride=stride, gradient=gradient) if differences else None
        self.difference_norm = nn.BatchNorm2d(outputs) if are_two else None
        self.vanilla = BinaryConv2d(others, outputs, stride=stride, gradient=gradient) if others else None
        self.vanilla_norm = nn.BatchNorm2d(outputs) if are_two else None
        self.norm = nn.BatchNorm2d(outputs)
        self.pool = None if shortcut is None else nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
        is_projected = shortcut == "projected"
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False) if is_projected else None
        self.shortcut_norm = nn.BatchNorm2d(outputs) if is_projected else None
        self.activation = RPReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        norms = (self.difference_norm, self.vanilla_norm)
        branches = [y if norm is None else norm(y) for y, norm in zip(self.branches(x), norms)]
        y: Tensor = self.norm(sum(branches[1:], branches[0]))
        z: Tensor = self.activation(y + self.passed(x))
        return z

    def branches(self, x: Tensor) -> list[Tensor]:
        """The sums of signs of each branch that has channels: differences first."""
        first, others = self.shift(x).split(self.channels, 1)
        found = [] if self.difference is None else [self.difference(first)]
        return found if self.vanilla is None else [*found, self.vanilla(others)]

    def passed(self, x: Tensor) -> Tensor:
        """What passes by."""
        if self.pool is None:
            return x
        x = self.pool(x)
        if self.shortcut is None or self.shortcut_norm is None:
            return torch.cat([x, x], 1)
        y: Tensor = self.shortcut_norm(self.shortcut(x))
        return y


class Shift(nn.Module):
    """A learnt number for each channel, which decides where its sign changes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.view(-1, 1, 1)


class RPReLU(nn.Module):
    """`t = x + shift`, `t` where that is not negative, else `slope · t`, plus `bias`; each of the three for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.slope = nn.Parameter(torch.full((channels,), 0.25))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shift, slope, bias = (each.view(-1, 1, 1) for each in (self.shift, self.slope, self.bias))
        t = x + shift
        return torch.where(t < 0, slope * t, t) + bias
