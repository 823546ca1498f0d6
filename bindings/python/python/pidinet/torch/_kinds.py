"""Kinds of pixel difference convolutions, and which layer has which."""

from __future__ import annotations

KINDS = ("cv", "cd", "ad", "rd")
"""Vanilla, an ordinary convolution; central (CPDC), angular (APDC) and radial (RPDC) differences."""

LAYERS = 16
"""Pixel difference convolutions of a PiDiNet: the stem and fifteen blocks."""

_FOUR = {
    "cvvv4": "cd cv cv cv",
    "avvv4": "ad cv cv cv",
    "rvvv4": "rd cv cv cv",
    "cccv4": "cd cd cd cv",
    "aaav4": "ad ad ad cv",
    "rrrv4": "rd rd rd cv",
    "carv4": "cd ad rd cv",
}

CONFIGURATIONS: dict[str, tuple[str, ...]] = {
    "baseline": ("cv",) * LAYERS,
    **{f"{kind[0]}-v15": (kind, *("cv",) * 15) for kind in ("cd", "ad", "rd")},
    **{f"{kind[0]}16": (kind,) * LAYERS for kind in ("cd", "ad", "rd")},
    **{name: tuple(four.split() * 4) for name, four in _FOUR.items()},
}
"""The published configurations by name: the kinds of the sixteen layers, the stem first."""


def kinds(config: str) -> tuple[str, ...]:
    """The sixteen kinds of a published configuration, or of kinds separated by commas.

    >>> from pidinet.torch import kinds
    >>> kinds("carv4")[:4]
    ('cd', 'ad', 'rd', 'cv')
    """
    found = CONFIGURATIONS.get(config) or tuple(kind.strip() for kind in config.split(","))
    if len(found) != LAYERS or not set(found) <= set(KINDS):
        names = ", ".join(CONFIGURATIONS)
        raise ValueError(
            f"`{config}` is no configuration: expected one of {names}, or {LAYERS} of {', '.join(KINDS)} separated by commas"
        )
    return found
