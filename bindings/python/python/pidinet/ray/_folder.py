"""A folder of images to a folder of edges."""

from __future__ import annotations

import os
import posixpath
import time
import uuid
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Iterator, NamedTuple, Sequence

from .. import _pidinet
from .._detector import EdgeDetector
from .._maps import Style
from .._models import ModelLike
from . import _manifest
from ._crew import Crew
from ._files import IMAGES, Folder
from ._manifest import Row
from ._session import connected, ray

FORMATS = ("png", "jpg", "webp", "tiff", "npy", "npz")

# Files that an actor reads ahead of what it detects.
_READ_AHEAD = 3


class Report(NamedTuple):
    """What became of a folder."""

    written: int
    failed: int
    skipped: int
    """Those that were there before."""
    rows: list[Row]
    """One for each image, in the order of their paths; the manifest has the same."""

    def __str__(self) -> str:
        return f"{self.written} written, {self.failed} failed, {self.skipped} there before"


class Task(NamedTuple):
    """What each actor is told."""

    source: Folder
    target: Folder
    detector: EdgeDetector
    style: Style
    max_side: int | None
    accept_damaged: bool
    format: str
    job: str


class Worker:
    """What an actor is: one detector, and files that it reads and writes."""

    def __init__(self, task: Task) -> None:
        self._task, self._detector = task, task.detector
        self._node = str(ray().get_runtime_context().get_node_id())
        self._reader = ThreadPoolExecutor(2, "pidinet-read")

    def ready(self) -> None:
        """To know that it is."""

    def run(self, names: list[str]) -> list[Row]:
        """Detects the edges of images by their names; a row for each of them."""
        return [self._row(name, reading) for name, reading in self._readings(names)]

    def _readings(self, names: list[str]) -> Iterator[tuple[str, Future[bytes]]]:
        ahead: deque[tuple[str, Future[bytes]]] = deque()
        for name in names:
            ahead.append((name, self._reader.submit(self._task.source.read, name)))
            if len(ahead) > _READ_AHEAD:
                yield ahead.popleft()
        yield from ahead

    def _row(self, name: str, reading: Future[bytes]) -> Row:
        task, start, error = self._task, time.perf_counter(), None
        try:
            options: dict[str, Any] = {"max_side": task.max_side, "accept_damaged": task.accept_damaged}
            edges = self._detector.detect(reading.result(), style=task.style, **options)
            task.target.write(target(name, task.format), _pidinet.encode(edges, task.format), task.job)
        except Exception as problem:  # whatever is wrong with one image, the others go on
            error = str(problem) or type(problem).__name__
        return Row(name, error is None, error, round(1000 * (time.perf_counter() - start), 1), self._node)


def detect_folder(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    model: ModelLike | None = None,
    detail: float | None = None,
    style: Style = "soft",
    max_side: int | None = None,
    accept_damaged: bool = False,
    format: str = "png",
    concurrency: int | None = None,
    num_cpus: float = 1,
    resume: bool = False,
    address: str | None = None,
    src_filesystem: Any = None,
    dst_filesystem: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Detects the edges of all images in a folder and its folders, on the machines of a Ray cluster.

    Each actor has one detector; it reads, detects and writes. A file is there whole or not at all. An image that cannot be
    read is a row of the manifest, and does not stop the others. What an actor had that died, or whose machine did, is done
    by another.

    Args:
        src: A folder, by a path that all machines have, or by a URL: `s3://`, `gs://`, `hdfs://`, and what else pyarrow or
            fsspec know.
        dst: The folder for the edges, under the names of their images, and for `manifest.jsonl`.
        model: As of `pidinet.EdgeDetector`.
        detail: Of `tiny`: from 0, the boundaries of objects, to 1, every edge.
        style: `soft`, `safe` or `scribble`.
        max_side: Makes larger images smaller first.
        accept_damaged: Takes what there is of JPEG and PNG files that are cut short.
        format: `png`, `jpg`, `webp`, `tiff` (16 bits), `npy` or `npz` (floats).
        concurrency: How many actors; by default as many as the cluster has room for.
        num_cpus: Of an actor, which has as many threads.
        resume: Leaves images out whose edges are there.
        address: Of the cluster, or `auto`; by default a connection that is there, else this machine.
        src_filesystem: A file system of pyarrow or fsspec for `src`, where a URL does not say enough.
        dst_filesystem: The same for `dst`.
        progress: Called with how many are done and how many there are.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: There is no image in it, or two would become the same file, or options make no sense.
        RuntimeError: Actors cannot be made, for example as machines do not have pidinet.
    """
    if format not in FORMATS:
        raise ValueError(f"format {format!r}: expected {', '.join(FORMATS)}")
    if num_cpus <= 0 or (concurrency is not None and concurrency < 1):
        raise ValueError(f"concurrency {concurrency}, num_cpus {num_cpus}: expected 1 or more, and more than 0")
    source, goal = Folder.at(src, src_filesystem), Folder.at(dst, dst_filesystem)
    names = _images(source, goal)
    _check(names, format)
    before = _before(goal, names, format) if resume else {}
    todo = [name for name in names if name not in before]
    # It goes to the actors as it is: other machines may not have its file.
    detector = EdgeDetector(model, detail=detail, threads=max(1, int(num_cpus)))
    task = Task(source, goal, detector, style, max_side, accept_damaged, format, uuid.uuid4().hex[:12])
    rows = dict(before)
    if todo:
        with connected(address):
            for some in _spread(task, todo, concurrency, num_cpus):
                rows.update((row.path, row) for row in some)
                if progress is not None:
                    progress(len(rows) - len(before), len(todo))
    told = [rows[name] for name in names]
    _manifest.write(goal, told, task.job)
    failed = sum(not row.ok for row in told)
    return Report(len(todo) - failed, failed, len(before), told)


def target(name: str, format: str) -> str:
    """The name of the edges of an image."""
    return f"{posixpath.splitext(name)[0]}.{format}"


def _spread(task: Task, names: Sequence[str], concurrency: int | None, num_cpus: float) -> Iterator[list[Row]]:
    size = concurrency or max(1, int(ray().cluster_resources().get("CPU", 1) // num_cpus))
    size = min(size, len(names))
    # Many for each actor, so that all end at about the same time, but not more than a driver likes.
    at_once = max(1, min(16, len(names) // (8 * size)), len(names) // 10_000)
    told = ray().put(task)
    # Ray's own restarts would wait for a machine that is gone.
    actor = ray().remote(num_cpus=num_cpus, max_restarts=0, max_task_retries=0)(Worker)
    crew = Crew(lambda: actor.remote(told), size, lambda name, error: Row(name, False, error, None, None))
    try:
        yield from crew.run(names, at_once)
    finally:
        crew.stop()
        if crew.deaths:
            task.target.sweep(task.job)


def _images(source: Folder, goal: Folder) -> list[str]:
    if not source.exists():
        raise FileNotFoundError(f"there is no folder {source.path}")
    within = goal.inside(source)
    names = [name for name in source.names() if name.lower().endswith(IMAGES)]
    if within is not None and within:
        names = [name for name in names if not name.startswith(f"{within}/")]
    if not names:
        raise ValueError(f"there is no image in {source.path}")
    if within == "":
        raise ValueError(f"the edges of {source.path} need a folder of their own")
    return names


def _check(names: list[str], format: str) -> None:
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(target(name, format), name)
        if other != name:
            raise ValueError(f"{other} and {name} would both become {target(name, format)}: rename one of them")


def _before(goal: Folder, names: list[str], format: str) -> dict[str, Row]:
    """The rows of images whose edges are there."""
    there = set(goal.names())
    told = {path: row for path, row in _manifest.read(goal).items() if row.ok}
    return {
        name: told.get(name, Row(name, True, None, None, None)) for name in names if target(name, format) in there
    }
