"""Work spread on actors of which any may die: what one had is done by another.

Ray Data has pools of actors, too, but reads by tasks, which need a processor of their own, so that nothing begins while actors
have all of them."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any, Callable, Iterator, NamedTuple, Sequence, TypeVar

from ._session import ray

_LOGGER = logging.getLogger("pidinet")

# An actor has its next batch with it, so that it need not wait for the driver.
_AHEAD = 2
# Times that an item may fail while an actor has nothing else.
_TRIES = 2

Item = TypeVar("Item")


class _Batch(NamedTuple):
    items: list[Any]
    suspect: bool = False
    """An item that an actor had when it died, which may be the cause: it is tried when an actor has nothing else."""
    failures: int = 0
    """As a suspect."""


class Crew:
    """Actors that are made by `make`, and have `ready()` and `run(items)`, which gives a list of one result for each item.

    Args:
        make: Makes an actor.
        size: How many there should be. Those that find no place are not waited for.
        lost: The result of an item that killed its actors, from the item and what was said.
    """

    def __init__(self, make: Callable[[], Any], size: int, lost: Callable[[Any, str], Any]) -> None:
        self._make = make
        self._size = size
        self._lost = lost
        self.deaths = 0
        self._bad_starts = 0
        """Actors in a row that died while they started."""
        self._waiting: deque[_Batch] = deque()
        self._suspects: deque[_Batch] = deque()
        self._running: dict[Any, tuple[Any, _Batch | None]] = {}
        """What actors were asked, with the batch, or without one while they start."""
        self._load: dict[Any, int] = {}
        """How much each actor has that is ready; a suspect is as much as there may be."""
        self._starting: list[Any] = []
        for _ in range(size):
            self._start()

    def run(self, items: Sequence[Item], at_once: int) -> Iterator[list[Any]]:
        """The results of items, `at_once` of them at a time, in any order.

        Raises:
            RuntimeError: Actors cannot be made.
        """
        self._waiting.extend(_Batch(list(items[at : at + at_once])) for at in range(0, len(items), at_once))
        while self._waiting or self._suspects or any(batch for _, batch in self._running.values()):
            self._feed()
            done, _ = ray().wait(list(self._running), num_returns=1)
            for reference in done:
                if reference in self._running:
                    yield from self._finished(reference)

    def stop(self) -> None:
        """Ends all actors."""
        for actor in [*self._load, *self._starting]:
            ray().kill(actor)
        self._load.clear()
        self._starting.clear()
        self._running.clear()

    def _start(self) -> None:
        actor = self._make()
        self._starting.append(actor)
        self._running[actor.ready.remote()] = (actor, None)

    def _feed(self) -> None:
        for load in range(_AHEAD):
            for actor, has in self._load.items():
                if has == load and self._waiting:
                    self._give(actor, self._waiting.popleft(), load + 1)
                elif has == 0 and self._suspects:
                    self._give(actor, self._suspects.popleft(), _AHEAD)

    def _give(self, actor: Any, batch: _Batch, load: int) -> None:
        self._running[actor.run.remote(batch.items)] = (actor, batch)
        self._load[actor] = load

    def _finished(self, reference: Any) -> Iterator[list[Any]]:
        actor, batch = self._running[reference]
        try:
            results = ray().get(reference)
        except ray().exceptions.RayError as error:
            if _died(error):
                yield from self._replace(actor, error)
            elif batch is None:
                raise _no_start(error) from error
            else:
                self._done(reference)
                yield from self._again(batch, error)
            return
        self._done(reference)
        if batch is not None:
            yield results

    def _done(self, reference: Any) -> None:
        actor, batch = self._running.pop(reference)
        if batch is not None:
            self._load[actor] = 0 if batch.suspect else self._load[actor] - 1
        else:
            self._starting.remove(actor)
            self._load[actor] = 0
            self._bad_starts = 0

    def _replace(self, actor: Any, error: Exception) -> Iterator[list[Any]]:
        """Takes back what a dead actor had, and starts another."""
        if actor in self._starting:
            self._bad_starts += 1
            if getattr(error, "actor_init_failed", False) or self._bad_starts > max(10, 2 * self._size):
                raise _no_start(error) from error
            self._starting.remove(actor)
        self.deaths += 1
        _LOGGER.warning("an actor died, and what it had is done by another: %s", _said(error))
        self._load.pop(actor, None)
        ray().kill(actor)  # in case that it only cannot be reached
        for reference in [reference for reference, (whose, _) in self._running.items() if whose == actor]:
            _, batch = self._running.pop(reference)
            if batch is None:
                continue
            try:
                yield ray().get(reference)
            except ray().exceptions.RayError:
                yield from self._again(batch, error)
        self._start()

    def _again(self, batch: _Batch, error: Exception) -> Iterator[list[Any]]:
        """Puts a batch back that an actor failed with, or gives it up."""
        failures = batch.failures + batch.suspect
        if failures >= _TRIES:
            yield [self._lost(batch.items[0], _said(error))]
        else:
            self._suspects.extend(_Batch([item], True, failures) for item in batch.items)


def _no_start(error: Exception) -> RuntimeError:
    return RuntimeError(f"an actor cannot start; is pidinet installed on all machines? {error}")


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _died(error: Exception) -> bool:
    """Whether it is the actor, not what it did, that is the matter."""
    errors = ray().exceptions
    return isinstance(error, (errors.RayActorError, errors.NodeDiedError, errors.WorkerCrashedError, errors.OutOfMemoryError))
