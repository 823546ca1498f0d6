"""PiDiNet's edges and lines as nodes of ComfyUI."""

from .nodes import NODES

try:
    from .v3 import comfy_entrypoint

    __all__ = ["comfy_entrypoint"]
except ImportError:  # a ComfyUI from before its third interface of nodes
    from .v1 import node_class

    NODE_CLASS_MAPPINGS = {node.id: node_class(node) for node in NODES}
    NODE_DISPLAY_NAME_MAPPINGS = {node.id: node.shown for node in NODES}
    __all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
