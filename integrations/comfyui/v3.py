"""Nodes for the third interface of ComfyUI. Importing it fails where ComfyUI has none."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import ComfyExtension, io

from .nodes import NODES
from .table import Input, Node

_KINDS = {
    "IMAGE": io.Image,
    "MASK": io.Mask,
    "STRING": io.String,
    "COMBO": io.Combo,
    "INT": io.Int,
    "FLOAT": io.Float,
    "BOOLEAN": io.Boolean,
}


def node_class(node: Node) -> type[io.ComfyNode]:
    """The class of a node, which has no state."""

    def define_schema(cls: type) -> io.Schema:
        return io.Schema(
            node_id=node.id,
            display_name=node.shown,
            category=node.category,
            description=node.about,
            inputs=[_input(given) for given in node.inputs()],
            outputs=[
                _KINDS[output.kind].Output(display_name=output.name, is_output_list=output.each)
                for output in node.outputs
            ],
        )

    def execute(cls: type, **inputs: Any) -> io.NodeOutput:
        return io.NodeOutput(*node.run(**inputs))

    methods = {"define_schema": classmethod(define_schema), "execute": classmethod(execute)}
    return type(node.id, (io.ComfyNode,), methods)


def _input(given: Input) -> Any:
    options = dict(given.options)
    if "display" in options:
        options["display_mode"] = io.NumberDisplay(options.pop("display"))
    return _KINDS[given.kind].Input(given.name, optional=given.optional, tooltip=given.about or None, **options)


class PidinetExtension(ComfyExtension):
    """The pack."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Its nodes."""
        return [node_class(node) for node in NODES]


async def comfy_entrypoint() -> PidinetExtension:
    """What ComfyUI calls to load the pack."""
    return PidinetExtension()
