"""The benchmark of edges, as BSDS500 and its followers have it, without MATLAB.

>>> import numpy as np, pidinet.eval
>>> truth = np.zeros((60, 80), bool)
>>> truth[:, 40] = True
>>> edges = truth * np.float32(.9)
>>> scores = pidinet.eval.edges(edges, truth, nms="none")
>>> round(scores.ods.f, 4), len(scores.curve.f)
(1.0, 99)
"""

from __future__ import annotations

import os
from typing import Any, Iterable, Mapping, NamedTuple, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _pidinet
from ._detector import count
from ._maps import edge_map, mask

__all__ = ["Curve", "Match", "Point", "Scores", "edges", "match", "plot"]

Maps = Union[ArrayLike, Iterable[ArrayLike], Mapping[str, ArrayLike]]


class Point(NamedTuple):
    """A point of a precision-recall curve."""

    threshold: float
    recall: float
    precision: float
    f: float


class Curve(NamedTuple):
    """A precision-recall curve, by rising threshold: arrays of one length."""

    threshold: NDArray[np.float64]
    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    f: NDArray[np.float64]

    def plot(self, axes: Any = None, **options: Any) -> Any:
        """Draws precision against recall into axes of matplotlib, by default the present ones; options are those of its
        `plot`. `pidinet.eval.plot` draws files without matplotlib."""
        if axes is None:
            import matplotlib.pyplot  # type: ignore[import-not-found, unused-ignore]

            axes = matplotlib.pyplot.gca()
        axes.plot(self.recall, self.precision, **options)
        axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1))
        return axes


class Scores(NamedTuple):
    """The scores of edges by a benchmark."""

    name: str
    ods: Point
    """One threshold for all images."""
    ois: Point
    """Each image at its best threshold; `threshold` is their mean."""
    ap: float
    """Average precision."""
    r50: float
    """Recall at a precision of one half."""
    curve: Curve
    """Of all images together."""
    images: dict[str, Point]
    """The best point of each image's own curve."""
    options: dict[str, Any]
    """How was scored."""

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draws the curve into an SVG file, with lines of equal F."""
        plot(path, [self])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the text files of the benchmark (`eval_bdry.txt`, `eval_bdry_thr.txt`, `eval_bdry_img.txt`), `summary.json`,
        and the plot `pr.svg` into a folder."""
        os.makedirs(folder, exist_ok=True)
        _pidinet.write_scores(os.fspath(folder), self.name, _told(self), self.options)
        self.plot(os.path.join(folder, "pr.svg"))

    def __str__(self) -> str:
        return f"{self.name}: ODS {self.ods.f:.4f}, OIS {self.ois.f:.4f}, AP {self.ap:.4f}, R50 {self.r50:.4f}"


class Match(NamedTuple):
    """Which pixels of a prediction explain which pixels of the truth."""

    pairs: NDArray[np.int64]
    """`[pairs, 4]`: row and column in the prediction, row and column in the truth."""
    pred: NDArray[np.bool_]
    """The pixels of the prediction that have a partner."""
    gt: NDArray[np.bool_]
    """The pixels of the truth that have one."""
    distance: float
    """The sum of the distances of all pairs in pixels, each rounded to a hundredth."""


def edges(
    pred: Maps | str | os.PathLike[str],
    gt: Maps | str | os.PathLike[str],
    *,
    preset: str = "bsds",
    nms: str | None = None,
    thresholds: int | Sequence[float] = 99,
    max_distance: float | None = None,
    rounding: bool = True,
    invert_pred: bool = False,
    invert_gt: bool = False,
    gt_ignore: int | None = None,
    gt_variable: str | None = None,
    threads: int | None = None,
    name: str | None = None,
) -> Scores:
    """Scores edges by what people drew: those of `pidinet eval edges`, which are those of the benchmark of BSDS500.

    Args:
        pred: A folder of edge maps (images, `.npy`, `.mat`), or an array `[height, width]`, several of them, or a dictionary
            of them by name: floats from 0 to 1, uint8 or bool.
        gt: A folder of truth (`ID.mat` as BSDS500 has them, `ID.png`, `ID_*.png` or a folder `ID` of several annotators),
            or for each map an array `[height, width]`, or `[annotators, height, width]`, or a list of such masks: what is
            not 0 is an edge, of floats what is 0.5 or more.
        preset: `bsds`, `nyud` or `multicue`: sets the suppression and the distance.
        nms: The suppression of non-maxima: `none`, `hed`, `dollar`, `rcf`, `nyud`, `dexined`, or radius, border and margin
            as in `"2,5,1.01"`.
        thresholds: How many, evenly between 0 and 1, or which.
        max_distance: How far from the truth an edge may be, as a fraction of the image's diagonal.
        rounding: Whether maps are rounded to 8 bits after suppression, which the published scores include.
        invert_pred: The maps are dark on white.
        invert_gt: The truth is dark on white.
        gt_ignore: Pixels of this value in the truth are left out of the scores.
        gt_variable: The matrix in `.mat` files of the truth.
        threads: All cores by default. The scores do not depend on it.
        name: What plots call it.

    Raises:
        ValueError: Maps and truth do not go together; the message lists everything that is wrong.
        OSError: A file cannot be read.
    """
    asked = {
        "preset": preset,
        "nms": nms,
        "thresholds": thresholds if isinstance(thresholds, int) else [float(at) for at in thresholds],
        "max_distance": max_distance,
        "rounding": bool(rounding),
        "threads": count("threads", threads),
    }
    if isinstance(pred, (str, os.PathLike)) and isinstance(gt, (str, os.PathLike)):
        folders = {
            "invert_pred": invert_pred,
            "invert_gt": invert_gt,
            "gt_ignore": gt_ignore,
            "gt_variable": gt_variable,
        }
        ids, told = _pidinet.score_folders(os.fspath(pred), os.fspath(gt), asked, folders)
        name = name or os.path.basename(os.path.abspath(pred))
    elif isinstance(pred, (str, os.PathLike)) or isinstance(gt, (str, os.PathLike)):
        raise TypeError("pred and gt: expected two folders, or arrays for both")
    else:
        ids, predicted, drawn = _paired(pred, gt)
        maps = [edge_map(array, f"the map of {id}") for id, array in zip(ids, predicted)]
        if invert_pred:
            maps = [1 - array for array in maps]
        truth = [_masks(array, id, invert_gt, gt_ignore) for id, array in zip(ids, drawn)]
        annotators, ignored = [masks for masks, _ in truth], [left_out for _, left_out in truth]
        ids, told = _pidinet.score_arrays(ids, maps, annotators, ignored, asked)
    curve = np.array(told["curve"], np.float64).reshape(-1, 4)
    return Scores(
        name=name or "edges",
        ods=Point(*told["ods"]),
        ois=Point(*told["ois"]),
        ap=told["ap"],
        r50=told["r50"],
        curve=Curve(*(np.ascontiguousarray(column) for column in curve.T)),
        images={id: Point(*point) for id, point in zip(ids, told["images"])},
        options=asked,
    )


def match(pred: ArrayLike, gt: ArrayLike, max_distance: float = 0.0075) -> Match:
    """Matches the pixels of two masks one to one, as `correspondPixels` of the benchmark does, but exactly: as many pairs as
    there can be, and of those the nearest.

    `max_distance` is how far apart a pair may be, as a fraction of the image's diagonal.

    >>> import numpy as np, pidinet.eval
    >>> pred, gt = np.eye(9, dtype=bool), np.eye(9, k=1, dtype=bool)
    >>> found = pidinet.eval.match(pred, gt, max_distance=0.1)
    >>> len(found.pairs), int(found.pred.sum()), found.distance
    (8, 8, 8.0)
    """
    return Match(*_pidinet.match_masks(mask(pred, "pred"), mask(gt, "gt"), float(max_distance)))


def plot(path: str | os.PathLike[str], scores: Sequence[Scores], *, human: bool = False) -> None:
    """Draws precision against recall of one or more scores into an SVG file, with lines of equal F; `human` adds what people
    reach on BSDS500. For other files there is `Curve.plot`, by matplotlib."""
    if not os.fspath(path).lower().endswith(".svg"):
        raise ValueError(f"{os.fspath(path)}: plots are SVG files; Curve.plot draws by matplotlib, for others")
    runs = [(one.name, _told(one)) for one in scores]
    _pidinet.plot(os.fspath(path), runs, human)


def _told(scores: Scores) -> dict[str, Any]:
    """Scores as plain data."""
    return {
        "ods": tuple(scores.ods),
        "ois": tuple(scores.ois),
        "ap": scores.ap,
        "r50": scores.r50,
        "curve": [tuple(map(float, point)) for point in zip(*scores.curve)],
        "images": [tuple(point) for point in scores.images.values()],
    }


def _paired(pred: Maps, gt: Maps) -> tuple[list[str], list[Any], list[Any]]:
    """Names, maps and truth."""
    if isinstance(pred, Mapping) != isinstance(gt, Mapping):
        raise TypeError("pred and gt: expected two dictionaries, or none")
    if isinstance(pred, Mapping) and isinstance(gt, Mapping):
        missing = sorted(set(gt) - set(pred))
        if missing:
            raise ValueError(f"no map for the truth of {', '.join(missing[:10])}")
        ids = sorted(gt)
        return ids, [pred[id] for id in ids], [gt[id] for id in ids]
    if isinstance(pred, np.ndarray) and pred.ndim == 2:
        return ["0"], [pred], [gt]
    maps, truth = list(pred), list(gt)  # type: ignore[arg-type]
    if len(maps) != len(truth):
        raise ValueError(f"{len(maps)} maps, and truth for {len(truth)}")
    if not maps:
        raise ValueError("no image to score")
    return [str(at) for at in range(len(maps))], maps, truth


def _masks(
    drawn: Any, id: str, inverted: bool, ignore: int | None
) -> tuple[list[NDArray[np.bool_]], NDArray[np.bool_] | None]:
    """The mask of each annotator, and the pixels to leave out."""
    one = isinstance(drawn, np.ndarray) and drawn.ndim == 2
    masks, left_out = [], None
    for array in [drawn] if one else drawn:
        values = np.asarray(array)
        if ignore is not None:
            here = mask(values == ignore, f"the truth of {id}")
            left_out = here if left_out is None else left_out | here
        edge = mask(values >= 0.5 if values.dtype.kind == "f" else values, f"the truth of {id}")
        masks.append(~edge if inverted else edge)
    if not masks:
        raise ValueError(f"the truth of {id} has no annotator")
    return masks, left_out
