"""Nodes for the first interface of ComfyUI."""

from __future__ import annotations

from typing import Any

from .table import Input, Node


def node_class(node: Node) -> type:
    """The class that ComfyUI makes nodes of."""

    def input_types(cls: type) -> dict[str, dict[str, Any]]:
        types: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
        for given in node.inputs():
            types["optional" if given.optional else "required"][given.name] = _input(given)
        return types

    def execute(self: Any, **inputs: Any) -> tuple[Any, ...]:
        return node.run(**inputs)

    return type(
        node.id,
        (),
        {
            "INPUT_TYPES": classmethod(input_types),
            "RETURN_TYPES": tuple(output.kind for output in node.outputs),
            "RETURN_NAMES": tuple(output.name for output in node.outputs),
            "OUTPUT_IS_LIST": tuple(output.each for output in node.outputs),
            "FUNCTION": "execute",
            "CATEGORY": node.category,
            "DESCRIPTION": node.about,
            "execute": execute,
        },
    )


def _input(given: Input) -> tuple[Any, dict[str, Any]]:
    options = {"tooltip": given.about, **given.options}
    kind = options.pop("options") if given.kind == "COMBO" else given.kind
    return kind, options
