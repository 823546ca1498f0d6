"""What distinguishes one network for recognition from another."""

from __future__ import annotations

import json
from typing import Mapping, NamedTuple

import numpy as np

STEMS = ("cifar", "imagenet", "light")
SHORTCUTS = ("projected", "pooled")


class Stage(NamedTuple):
    """Blocks of equal size, the first of which halves the map in all stages but the first."""

    blocks: int
    difference: str = "cd"
    """Which differences its Bi-PDCs take: `cd`, `ad` or `rd`; `cv` for none."""
    rho: float = 0.0
    """The share in [0, 1] of each block's input channels that goes to a Bi-PDC; the rest goes to a binary convolution."""

    def differences(self, inputs: int) -> int:
        """Of so many input channels, how many go to a Bi-PDC: ⌊ρ · inputs⌋."""
        slack = 1e-4  # shares such as 0.7 are a little less than what they stand for
        share = float(np.float32(self.rho))  # as model files have it
        return 0 if self.difference == "cv" else min(int(share * inputs + slack), inputs)


class Layout(NamedTuple):
    """How large a Bi-PiDiNet is, and how its parts are made."""

    width: int
    """Channels of the first stage; every other stage has twice those of the one before."""
    stages: tuple[Stage, ...]
    stem: str = "cifar"
    """`cifar`: a 3×3 convolution. `imagenet`: a 7×7 one of stride 2 and max-pooling. `light`: two 3×3 ones of stride 2."""
    shortcut: str = "projected"
    """What passes by blocks that halve the map, after average pooling: `projected`, a real 1×1 convolution and batch norm;
    `pooled`, all channels twice."""

    def with_differences(self, kind: str, rho: float) -> Layout:
        """The same with the share `rho` of each block's inputs as differences of this kind."""
        return self._replace(stages=tuple(stage._replace(difference=kind, rho=rho) for stage in self.stages))

    def light(self) -> Layout:
        """The same without most of what is real: a cheap stem for large images, and pooled shortcuts."""
        return self._replace(stem="light" if self.stem == "imagenet" else self.stem, shortcut="pooled")

    def checked(self) -> Layout:
        """The same, if a network can be built of it."""
        stages = [Stage(*stage) for stage in self.stages]
        sound = all(
            stage.blocks >= 1 and stage.difference in ("cv", "cd", "ad", "rd") and 0 <= stage.rho <= 1 for stage in stages
        )
        if self.width < 1 or not 1 <= len(stages) <= 8 or not sound:
            raise ValueError(f"{self}: expected a width, and 1 to 8 stages of blocks, cv, cd, ad or rd, and a share from 0 to 1")
        if self.stem not in STEMS or self.shortcut not in SHORTCUTS:
            raise ValueError(f"{self}: expected a stem of {', '.join(STEMS)}, and a shortcut of {', '.join(SHORTCUTS)}")
        return self._replace(stages=tuple(stages))


LAYOUTS = {
    "bi-pidinet-s": Layout(24, (Stage(2),) * 4),
    "bi-pidinet-18": Layout(64, (Stage(4),) * 4, stem="imagenet"),
}
"""A small network for pictures of 32×32 pixels, and the layout of ResNet-18."""


class Input(NamedTuple):
    """How a network wants its images: the shorter side resized, the middle cut out, normalised."""

    size: int
    """Rows and columns of the middle that is cut out."""
    resize: int
    """The shorter side of the image before, at least `size`."""
    mean: tuple[float, float, float]
    """Of red, green, blue in [0, 1]."""
    deviation: tuple[float, float, float]
    """The standard deviation of each."""

    @classmethod
    def for_stem(cls, stem: str) -> Input:
        """What is usual: CIFAR-10's statistics, or ImageNet's."""
        if stem == "cifar":
            return cls(32, 32, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
        return cls(224, 256, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def described(layout: Layout, input: Input) -> dict[str, object]:
    """What a file says about both, see docs/model-format.md."""
    return {
        "width": layout.width,
        "stages": ",".join(f"{blocks}:{kind}:{np.float32(rho)}" for blocks, kind, rho in layout.stages),
        "stem": layout.stem,
        "shortcut": layout.shortcut,
        "input": input.size,
        "resize": input.resize,
        "mean": _numbers(input.mean),
        "std": _numbers(input.deviation),
    }


def _numbers(values: tuple[float, ...]) -> str:
    return ",".join(str(np.float32(value)) for value in values)


def layout_of(said: Mapping[str, str]) -> Layout:
    """The layout that a file describes."""
    stages = (stage.split(":") for stage in said["stages"].split(","))
    found = tuple(Stage(int(blocks), kind, float(rho)) for blocks, kind, rho in stages)
    return Layout(int(said["width"]), found, said["stem"], said["shortcut"])


def input_of(said: Mapping[str, str]) -> Input:
    """How images are wanted by the network that a file describes."""
    mean, deviation = (tuple(float(number) for number in said[key].split(",")) for key in ("mean", "std"))
    return Input(int(said["input"]), int(said["resize"]), mean, deviation)  # type: ignore[arg-type]


def labels_of(said: Mapping[str, str]) -> tuple[str, ...]:
    """The names of classes of the network that a file describes."""
    return tuple(json.loads(said["labels"]))
