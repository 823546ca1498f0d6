"""The benchmark of several runs at a time."""

from __future__ import annotations

import os
from typing import Any, Mapping

from .. import eval as benchmark
from ..eval import Scores
from ._session import connected


def evaluate(
    runs: Mapping[str, str | os.PathLike[str]],
    gt: str | os.PathLike[str],
    *,
    num_cpus: float = 1,
    address: str | None = None,
    **options: Any,
) -> dict[str, Scores]:
    """Scores folders of edges by one truth, each as `pidinet.eval.edges` does, on the machines of a Ray cluster: checkpoints of a
    training, or models that are compared. The scores are the same to the last bit.

    Args:
        runs: Folders of edge maps by the names of their runs; all machines have them and the truth under these paths.
        gt: The folder of truth.
        num_cpus: Of each run, which has as many threads.
        address: Of the cluster, or `auto`; by default a connection that is there, else this machine.
        **options: Of `pidinet.eval.edges`.

    Returns:
        The scores by the names of the runs, in their order.

    Raises:
        ValueError: Maps and truth of a run do not go together; the message says of which.
        OSError: A file cannot be read.
    """
    with connected(address) as ray:
        score = ray.remote(num_cpus=num_cpus)(_scores)
        threads = max(1, int(num_cpus))
        asked = {
            name: score.remote(os.fspath(folder), os.fspath(gt), {**options, "name": name, "threads": threads})
            for name, folder in runs.items()
        }
        found = {}
        for name, reference in asked.items():
            try:
                found[name] = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, (ValueError, OSError)):
                    kind = ValueError if isinstance(error.cause, ValueError) else OSError
                    raise kind(f"{name}: {error.cause}") from error
                raise
    return found


def _scores(pred: str, gt: str, options: dict[str, Any]) -> Scores:
    return benchmark.edges(pred, gt, **options)
