"""Ray, where it is installed, and being connected to it."""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Iterator


def ray() -> Any:
    """The module."""
    try:
        import ray as found  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError("this needs Ray: pip install 'pidinet[ray]'") from error
    return found


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster, or to one of this machine without an address; a connection that was there before is used
    and kept."""
    found = ray()
    if found.is_initialized():
        yield found
        return
    options: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
    found.init(**options, logging_level=logging.WARNING)
    try:
        yield found
    finally:
        found.shutdown()
