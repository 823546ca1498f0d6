"""Images of a batch in parallel, with progress, until the user cancels."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Callable

from . import host

# Seconds between two looks at whether the user cancelled.
_PATIENCE = 0.05


def threads(images: int) -> int:
    """Threads for each image of a batch: one is best where there are as many images as cores."""
    return max(1, _cores() // max(images, 1))


def run(images: int, work: Callable[[int], None]) -> None:
    """Does the work of each image by its number. A user who cancels waits for images that are being worked on at most."""
    advance = host.progress(images)
    with ThreadPoolExecutor(max(1, min(images, _cores())), "pidinet") as pool:
        waiting: set[Future[Any]] = {pool.submit(work, at) for at in range(images)}
        try:
            while waiting:
                done, waiting = wait(waiting, _PATIENCE, FIRST_COMPLETED)
                host.stop_if_cancelled()
                for future in done:
                    future.result()
                    advance()
        finally:
            for future in waiting:
                future.cancel()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
