"""Detectors, which are made once and kept."""

from __future__ import annotations

import functools
import os

import pidinet
from pidinet.controlnet import PidiNetDetector

from . import host

DEFAULT = "tiny"


@functools.cache
def built_in() -> list[str]:
    """The models that are built in and have a `detail`."""
    names = [model.name for model in pidinet.models()]
    return [name for name in names if f"{name}-edges" in names]


def names() -> list[str]:
    """The models to choose from."""
    return [*built_in(), *host.model_files()]


def detector(model: str, detail: float, threads: int) -> pidinet.EdgeDetector:
    """A detector with a model of `names()`; `detail` is for those that are built in."""
    if model in built_in():
        return _built_in(model, float(detail), threads)
    path = host.model_path(model)
    status = os.stat(path)
    return _of_file(path, (status.st_mtime_ns, status.st_size), threads)


# A batch and a single image differ in threads, and someone may move the slider back and forth.
@functools.lru_cache(maxsize=8)
def _built_in(model: str, detail: float, threads: int) -> pidinet.EdgeDetector:
    return pidinet.EdgeDetector(model, detail=detail, threads=threads)


@functools.lru_cache(maxsize=4)
def _of_file(path: str, state: tuple[int, int], threads: int) -> pidinet.EdgeDetector:
    """`state` is there so that a file that changed is read again."""
    return PidiNetDetector.from_pretrained(path, threads=threads).netNetwork
