"""Edges as lines along their crests, and files of lines."""

from __future__ import annotations

import os
from typing import Any, Callable, Iterable, Iterator, Literal, NamedTuple, Sequence, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _pidinet
from ._images import MOST_PIXELS
from ._maps import edge_map

Unit = Literal["px", "mm", "in"]

# Beyond this a position is a mistake; images have at most 65,535 columns.
FARTHEST = 1e6


class Line(NamedTuple):
    """Points along the crest of an edge."""

    points: NDArray[np.float32]
    """`[n, 2]`: x to the right and y down in pixels from the upper left corner of the image; the centre of its first pixel
    is `[0.5, 0.5]`."""
    strength: NDArray[np.float32]
    """`[n]`: the probability of an edge at each point."""
    closed: bool = False
    """Whether the last point is joined to the first."""

    @property
    def length(self) -> float:
        """In pixels."""
        ends = np.concatenate([self.points, self.points[:1]]) if self.closed else self.points
        return float(np.hypot(*np.diff(ends.astype(np.float64), axis=0).T).sum())


class Lines(Sequence[Line]):
    """Lines of an image of `width` and `height` pixels. Those that meet share the point where they do: an end of both, or
    an end of one and a point within the other.

    A sequence of `Line`; own ones can be made of any lines: `Lines(width, height, [line for line in lines if line.closed])`.
    """

    __slots__ = ("_lines", "height", "width")

    def __init__(
        self, width: int, height: int, lines: Iterable[tuple[ArrayLike, ArrayLike, bool]] = ()
    ) -> None:
        if width < 1 or height < 1 or width * height > MOST_PIXELS:
            raise ValueError(f"an image of {width}x{height}: expected 1 to {MOST_PIXELS} pixels")
        self.width, self.height = int(width), int(height)
        self._lines = [_line(*line) for line in lines]

    @overload
    def __getitem__(self, at: int) -> Line: ...

    @overload
    def __getitem__(self, at: slice) -> Lines: ...

    def __getitem__(self, at: int | slice) -> Line | Lines:
        return self._with(self._lines[at]) if isinstance(at, slice) else self._lines[at]

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    @property
    def points(self) -> list[NDArray[np.float32]]:
        """The points of each line, `[n, 2]`."""
        return [line.points for line in self._lines]

    @property
    def strengths(self) -> list[NDArray[np.float32]]:
        """The probability of an edge at each point of each line, `[n]`."""
        return [line.strength for line in self._lines]

    @property
    def closed(self) -> NDArray[np.bool_]:
        """Whether each line's last point is joined to its first."""
        return np.array([line.closed for line in self._lines], np.bool_)

    def simplified(self, tolerance: float = 0.5) -> Lines:
        """The lines as polylines with as few points as stay within `tolerance` pixels; ends stay."""
        return self._with(_pidinet.simplify(self._lines, _within("tolerance", tolerance, 0, 100)))

    def drawn(self) -> NDArray[np.float32]:
        """A map of the image's size in which lines are one pixel wide and as strong as they are, 0 elsewhere."""
        return _pidinet.draw((self.height, self.width), self._lines)

    def to_svg(
        self,
        *,
        curves: bool = True,
        tolerance: float = 0.5,
        corner: float = 60,
        layers: int = 1,
        sort: bool = True,
        unit: Unit = "px",
        dpi: float = 96,
        width_mm: float | None = None,
        stroke: float | Literal["strength"] = 1,
        precision: int = 2,
    ) -> str:
        """An SVG document.

        Args:
            curves: Smooth curves; else polylines.
            tolerance: How far they may be from their lines, in pixels.
            corner: Curves have a corner where a line turns by more degrees.
            layers: Number of layers, by strength: one for each pen.
            sort: Orders lines so that a pen travels little between them.
            unit: The unit of the page, `px`, `mm` or `in`, of `dpi` pixels to an inch.
            width_mm: The width of the page in millimetres, instead of both.
            stroke: The width of strokes in pixels; `strength` makes strong lines wider, up to 2 pixels.
            precision: Digits after the point.

        >>> import numpy as np, pidinet
        >>> line = pidinet.Line(np.float32([[1, 2], [9, 2]]), np.float32([.8, .8]))
        >>> pidinet.Lines(10, 4, [line]).to_svg(curves=False).splitlines()[3]
        '<path d="M1,2l8,0"/>'
        """
        return self._written(
            "svg", curves, tolerance, corner, layers, sort, precision, unit=unit, dpi=dpi, width_mm=width_mm, stroke=stroke
        )

    def to_dxf(
        self,
        *,
        curves: bool = False,
        tolerance: float = 0.5,
        corner: float = 60,
        layers: int = 1,
        sort: bool = True,
        unit: Unit = "mm",
        dpi: float = 96,
        width_mm: float | None = None,
    ) -> str:
        """A DXF file of AutoCAD 2000: polylines, y up; with `curves`, of smooth curves cut into short pieces. Arguments are
        those of `to_svg`."""
        return self._written("dxf", curves, tolerance, corner, layers, sort, unit=unit, dpi=dpi, width_mm=width_mm)

    def to_geojson(
        self,
        *,
        world: str | os.PathLike[str] | None = None,
        curves: bool = False,
        tolerance: float = 0.5,
        corner: float = 60,
        sort: bool = True,
        precision: int | None = None,
    ) -> str:
        """A GeoJSON feature collection: in the coordinates of the world file `world`, else in pixels with y down."""
        text = None
        if world is not None:
            with open(world, encoding="utf-8", errors="replace") as file:
                text = file.read(4096)
        digits = precision if precision is not None else 2 if world is None else 8
        return self._written("geojson", curves, tolerance, corner, 1, sort, digits, world=text)

    def to_json(
        self,
        *,
        curves: bool = False,
        tolerance: float = 0.0,
        corner: float = 60,
        layers: int = 1,
        sort: bool = False,
        precision: int = 2,
    ) -> str:
        """JSON for programs, as `pidinet lines` writes it: points with their strengths, or the control points of curves."""
        return self._written("json", curves, tolerance, corner, layers, sort, precision)

    def save(self, path: str | os.PathLike[str], **options: Any) -> None:
        """Writes the lines to a file, whole or not at all, in the format that its extension says: `.svg`, `.dxf`, `.geojson`
        or `.json`. Options are those of `to_svg`, `to_dxf`, `to_geojson` and `to_json`.

        >>> import pidinet, tempfile, os
        >>> pidinet.Lines(10, 4).save(os.path.join(tempfile.mkdtemp(), "lines.svg"))
        """
        formats: dict[str, Callable[..., str]] = {
            ".svg": self.to_svg,
            ".dxf": self.to_dxf,
            ".geojson": self.to_geojson,
            ".json": self.to_json,
        }
        extension = os.path.splitext(path)[1]
        if extension.lower() not in formats:
            raise ValueError(f"{os.fspath(path)}: lines are written as svg, dxf, geojson or json")
        _pidinet.write_text(os.fspath(path), formats[extension.lower()](**options))

    def _with(self, lines: Iterable[tuple[ArrayLike, ArrayLike, bool]]) -> Lines:
        return Lines(self.width, self.height, lines)

    def _written(
        self,
        format: str,
        curves: bool,
        tolerance: float,
        corner: float,
        layers: int,
        sort: bool,
        precision: int = 2,
        *,
        unit: str = "px",
        dpi: float = 96,
        width_mm: float | None = None,
        stroke: float | str = 1,
        world: str | None = None,
    ) -> str:
        by_strength = stroke == "strength"
        asked: dict[str, Any] = {
            "tolerance": _within("tolerance", tolerance, 0, 100),
            "corner": _within("corner", corner, 0, 180) if curves else None,
            "layers": int(_within("layers", layers, 1, 255)),
            "sort": bool(sort),
            "unit": str(unit),
            "dpi": _within("dpi", dpi, 1e-3, 1e6),
            "width_mm": None if width_mm is None else _within("width_mm", width_mm, 1e-3, 1e6),
            "stroke": 2.0 if by_strength else _within("stroke", stroke, 1e-3, 1000),
            "by_strength": by_strength,
            "precision": int(_within("precision", precision, 0, 12)),
            "world": world,
        }
        return _pidinet.write_lines((self.height, self.width), self._lines, format, asked)

    def __reduce__(self) -> tuple[Any, ...]:
        return Lines, (self.width, self.height, self._lines)

    def __repr__(self) -> str:
        return f"<pidinet.Lines: {len(self)} of an image of {self.width}x{self.height}>"


def lines(
    edges: ArrayLike,
    *,
    low: float = 0.15,
    high: float = 0.35,
    min_length: int = 10,
    max_gap: int = 3,
    spur: int = 10,
    join: bool = True,
) -> Lines:
    """The lines of a map of edges: each edge once, along its middle, to a part of a pixel.

    Args:
        edges: A map of a detector, not thinned.
        low: Least probability of a line's pixels.
        high: Least probability that a figure, lines that meet, must reach somewhere.
        min_length: Fewest pixels of a figure.
        max_gap: Largest gap in pixels between two ends that face each other that is bridged.
        spur: Side branches with fewer pixels are left out.
        join: Joins lines that go straight on where several meet; else all of them end there.

    >>> import numpy as np, pidinet
    >>> edges = np.zeros((20, 40), np.float32)
    >>> edges[8:11] = np.float32([[.4], [.9], [.4]])
    >>> (line,) = pidinet.lines(edges).simplified()
    >>> line.points.round(1).tolist(), line.closed
    ([[0.5, 9.5], [39.5, 9.5]], False)
    """
    array = edge_map(edges)
    if np.isnan(array).any():
        raise ValueError("edges have values that are no number")
    height, width = array.shape
    asked = {
        "low": _within("low", low, 0, 1),
        "high": _within("high", high, 0, 1),
        "min_length": int(_within("min_length", min_length, 0, 1 << 31)),
        "max_gap": int(_within("max_gap", max_gap, 0, 1000)),
        "spur": int(_within("spur", spur, 0, 1 << 31)),
        "join": bool(join),
    }
    return Lines(width, height, _pidinet.trace(array, asked))


def _line(points: ArrayLike, strength: ArrayLike, closed: bool = False) -> Line:
    with np.errstate(all="ignore"):
        places = np.require(points, np.float32, ["C", "A"])
        strengths = np.require(strength, np.float32, ["C", "A"])
    if places.ndim != 2 or places.shape[1] != 2 or strengths.shape != places.shape[:1] or not len(places):
        raise ValueError(f"points {places.shape} and strengths {strengths.shape}: expected [n, 2] and [n]")
    if not (np.abs(places) <= FARTHEST).all() or not ((strengths >= 0) & (strengths <= 1)).all():
        raise ValueError(f"a line: expected positions of at most {FARTHEST:.0f} pixels and strengths from 0 to 1")
    return Line(places, strengths, bool(closed))


def _within(name: str, value: Any, least: float, most: float) -> float:
    number = float(value)
    if not least <= number <= most:
        raise ValueError(f"{name} {value!r}: expected {least:g} to {most:g}")
    return number
