"""Stand-ins for the parts of ComfyUI that the pack uses, with the arguments of the real ones, and for torch where it is
missing."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

PACK = Path(__file__).parents[1]


class Interrupted(Exception):
    """As `comfy.model_management.InterruptProcessingException`."""


@dataclass
class Host:
    """What the stand-ins were told, and what they are to do."""

    models: Path
    advanced: list[int] = field(default_factory=list)
    cancel_after: int | None = None
    """Steps of progress after which the user cancels."""


class _Tensor:
    """A tensor on the CPU, as far as the pack knows."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape = array.shape

    def cpu(self) -> _Tensor:
        return self

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return self.array


def tensor(array: np.ndarray) -> Any:
    """What ComfyUI gives nodes."""
    return sys.modules["torch"].from_numpy(array)


def modules(host: Host, *, third: bool) -> dict[str, Any]:
    """Modules by their names; without the third interface, importing it fails."""
    found: dict[str, Any] = {}
    if importlib.util.find_spec("torch") is None:
        found["torch"] = _module("torch", from_numpy=_Tensor)
    else:
        import torch

        found["torch"] = torch
    found["folder_paths"] = _folder_paths(host)
    found["comfy"] = _module("comfy")
    found["comfy.utils"] = _module("comfy.utils", ProgressBar=_progress_bar(host))

    def cancelled() -> None:
        if host.cancel_after is not None and len(host.advanced) >= host.cancel_after:
            raise Interrupted

    found["comfy.model_management"] = _module(
        "comfy.model_management", throw_exception_if_processing_interrupted=cancelled
    )
    found["comfy_api"] = _module("comfy_api") if third else None
    found["comfy_api.latest"] = _third() if third else None
    return found


def load() -> types.ModuleType:
    """The pack, as ComfyUI loads it."""
    name = "custom_node_pidinet"
    for loaded in [loaded for loaded in sys.modules if loaded.split(".")[0] == name]:
        del sys.modules[loaded]
    spec = importlib.util.spec_from_file_location(name, PACK / "__init__.py")
    assert spec is not None and spec.loader is not None
    pack = importlib.util.module_from_spec(spec)
    sys.modules[name] = pack
    spec.loader.exec_module(pack)
    return pack


def _module(name: str, **members: Any) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__dict__.update(members)
    return module


def _folder_paths(host: Host) -> types.ModuleType:
    folders: dict[str, str] = {}

    def get_filename_list(folder_name: str) -> list[str]:
        folder = folders[folder_name]
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    return _module(
        "folder_paths",
        models_dir=str(host.models),
        add_model_folder_path=lambda folder_name, full_folder_path, is_default=False: folders.setdefault(
            folder_name, full_folder_path
        ),
        get_filename_list=get_filename_list,
        get_full_path=lambda folder_name, filename: os.path.join(folders[folder_name], filename),
    )


def _progress_bar(host: Host) -> type:
    class ProgressBar:
        def __init__(self, total: int, node_id: str | None = None) -> None:
            self.left = total

        def update(self, value: int) -> None:
            host.advanced.append(value)
            self.left -= value
            assert self.left >= 0

    return ProgressBar


def _third() -> types.ModuleType:
    """`comfy_api.latest` as of ComfyUI 0.3.64."""

    class ComfyNode:
        pass

    class ComfyExtension:
        pass

    class NodeOutput:
        def __init__(self, *args: Any, ui: Any = None, expand: Any = None, block_execution: Any = None) -> None:
            self.args = args

    @dataclass
    class Schema:
        node_id: str
        display_name: str | None = None
        category: str = "sd"
        inputs: list[Any] | None = None
        outputs: list[Any] | None = None
        description: str = ""

    class NumberDisplay(str, Enum):
        number = "number"
        slider = "slider"

    def kind(name: str, *allowed: str) -> type:
        class Input:
            io_type = name

            def __init__(
                self, id: str, display_name: Any = None, optional: bool = False, tooltip: Any = None, **options: Any
            ) -> None:
                assert set(options) <= set(allowed), options
                self.id, self.optional, self.tooltip, self.options = id, optional, tooltip, options

        class Output:
            io_type = name

            def __init__(
                self, id: Any = None, display_name: Any = None, tooltip: Any = None, is_output_list: bool = False
            ) -> None:
                self.display_name, self.is_output_list = display_name, is_output_list

        return type(name, (), {"Input": Input, "Output": Output})

    number = ("default", "min", "max", "step", "display_mode")
    io = types.SimpleNamespace(
        ComfyNode=ComfyNode,
        NodeOutput=NodeOutput,
        NumberDisplay=NumberDisplay,
        Schema=Schema,
        Image=kind("IMAGE"),
        Mask=kind("MASK"),
        String=kind("STRING", "default"),
        Combo=kind("COMBO", "options", "default"),
        Int=kind("INT", *number),
        Float=kind("FLOAT", *number),
        Boolean=kind("BOOLEAN", "default"),
    )
    return _module("comfy_api.latest", ComfyExtension=ComfyExtension, io=io)
