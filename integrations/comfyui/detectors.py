"""Detectors, which are made once and kept."""

from __future__ import annotations

import functools
import os

import pidinet
from pidinet.controlnet import PidiNetDetector

from . import host

BUILT_IN = "tiny"


def names() -> list[str]:
    """The models to choose from."""
    return [BUILT_IN, *host.model_files()]


def detector(model: str, detail: float, threads: int) -> pidinet.EdgeDetector:
    """A detector with a model of `names()`; `detail` is for the one that is built in."""
    if model == BUILT_IN:
        return _built_in(float(detail), threads)
    path = host.model_path(model)
    status = os.stat(path)
    return _of_file(path, (status.st_mtime_ns, status.st_size), threads)


# A batch and a single image differ in threads, and someone may move the slider back and forth.
@functools.lru_cache(maxsize=8)
def _built_in(detail: float, threads: int) -> pidinet.EdgeDetector:
    return pidinet.EdgeDetector(BUILT_IN, detail=detail, threads=threads)


@functools.lru_cache(maxsize=4)
def _of_file(path: str, state: tuple[int, int], threads: int) -> pidinet.EdgeDetector:
    """`state` is there so that a file that changed is read again."""
    return PidiNetDetector.from_pretrained(path, threads=threads).netNetwork
