"""What a node is, whichever interface of ComfyUI it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable


@dataclass(frozen=True)
class Input:
    """An input of a node."""

    name: str
    kind: str
    """As ComfyUI calls it: `IMAGE`, `COMBO`, `INT`, `FLOAT` or `BOOLEAN`."""
    about: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    """Those of the first interface: `default`, `min`, `max`, `step`, `display`; for `COMBO`, also `options`."""
    optional: bool = False


@dataclass(frozen=True)
class Output:
    """An output of a node."""

    kind: str
    name: str
    each: bool = False
    """A list with a value for each image, instead of one value for all."""


@dataclass(frozen=True)
class Node:
    """A node."""

    id: str
    """Of all nodes of all packs; workflows have it."""
    shown: str
    category: str
    about: str
    inputs: Callable[[], list[Input]]
    """Asked each time, since lists of models change."""
    outputs: tuple[Output, ...]
    run: Callable[..., tuple[Any, ...]]
    """From the inputs, by their names, to the outputs."""
