"""The nodes: what they are called, what they take and give."""

from __future__ import annotations

from .control import control
from .detectors import DEFAULT, names
from .edges import SIZES, STYLES, edges
from .lines import SOURCES, lines
from .table import Input, Node, Output

_PREPROCESSORS = "image/preprocessors"
_LARGEST = 16384

_IMAGE = Input("image", "IMAGE")
_DETAIL = Input(
    "detail",
    "FLOAT",
    "What counts as an edge: from 0, the boundaries of objects, to 1, every edge. For the models tiny, small and full; others "
    "have no such knob.",
    {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.01, "display": "slider"},
)


def _model(optional: bool = False) -> Input:
    about = "tiny, small and full (better, slower) are built in; others are files in models/pidinet, such as table5_pidinet.pth."
    return Input("model", "COMBO", about, {"options": names(), "default": DEFAULT}, optional)


def _share(name: str, default: float, about: str) -> Input:
    return Input(name, "FLOAT", about, {"default": default, "min": 0.0, "max": 1.0, "step": 0.01})


def _resolution(default: int, least: int, step: int, optional: bool = False) -> Input:
    about = "The shorter side of the image in which edges are sought, in pixels." + (
        " 0: as the image." if least == 0 else ""
    )
    options = {"default": default, "min": least, "max": _LARGEST, "step": step}
    return Input("resolution", "INT", about, options, optional)


def _edges() -> list[Input]:
    return [
        _IMAGE,
        _DETAIL,
        _model(),
        Input(
            "style",
            "COMBO",
            "soft: probabilities. safe: three grey levels. scribble: broad white lines.",
            {"options": STYLES, "default": STYLES[0]},
        ),
        _resolution(512, 0, 1),
        Input("size", "COMBO", "The size of the result.", {"options": SIZES, "default": SIZES[0]}),
        _share("threshold", 0.0, "Edges of at least this become white, others black. 0: no threshold."),
        Input("invert", "BOOLEAN", "Dark edges on white. Masks stay as they are.", {"default": False}),
    ]


def _lines() -> list[Input]:
    return [
        _IMAGE,
        Input(
            "source",
            "COMBO",
            "image: edges are sought in it. edges: it is a map of edges already, white on black, not thinned.",
            {"options": SOURCES, "default": SOURCES[0]},
        ),
        _DETAIL,
        _model(),
        _resolution(0, 0, 1),
        _share("low", 0.15, "Least probability of a line's pixels."),
        _share("high", 0.35, "Least probability that lines which meet must reach somewhere."),
        Input(
            "min_length",
            "INT",
            "Fewest pixels of lines which meet.",
            {"default": 10, "min": 0, "max": _LARGEST, "step": 1},
        ),
        Input("curves", "BOOLEAN", "Smooth curves in the SVG; else polylines.", {"default": True}),
    ]


def _control() -> list[Input]:
    return [
        _IMAGE,
        Input(
            "safe",
            "COMBO",
            "Leaves three grey levels.",
            {"options": ["enable", "disable"], "default": "enable"},
            optional=True,
        ),
        _resolution(512, 64, 64, optional=True),
        _model(optional=True),
    ]


NODES = (
    Node(
        "PidinetEdges",
        "PiDiNet Edges (fast, CPU)",
        _PREPROCESSORS,
        "Edges of an image, with a knob from the boundaries of objects to every edge.",
        _edges,
        (Output("IMAGE", "image"), Output("MASK", "mask")),
        edges,
    ),
    Node(
        "PidinetLines",
        "PiDiNet Lines (thin, SVG)",
        _PREPROCESSORS,
        "The edges of an image as lines of one pixel, each edge once, and as an SVG document for each image.",
        _lines,
        (Output("IMAGE", "image"), Output("MASK", "mask"), Output("STRING", "svg", each=True)),
        lines,
    ),
    Node(
        "PidinetControl",
        "PiDiNet Soft-Edge Lines (fast, CPU)",
        "ControlNet Preprocessors/Line Extractors",
        "Takes the place of PiDiNetPreprocessor in workflows.",
        _control,
        (Output("IMAGE", "IMAGE"),),
        control,
    ),
)
