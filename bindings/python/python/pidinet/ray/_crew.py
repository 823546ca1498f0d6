"""Work spread on actors of which any may die: what one had is done by another.

Ray Data has pools of actors, too, but waits for one whose machine is gone if there is no other place for it, and starts no work
while all processors are taken by actors."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any, Callable, Iterator, NamedTuple, Sequence, TypeVar

from ._session import ray

_LOGGER = logging.getLogger("pidinet")

# An actor has its next batch with it, so that it need not wait for the driver.
_AHEAD = 2
# A batch that several actors died with may be the cause, so its items go on one by one.
_TRIES = 3

Item = TypeVar("Item")


class _Batch(NamedTuple):
    items: list[Any]
    tries: int = 0


class Crew:
    """Actors that are made by `make`, and have `ready()` and `run(items)`, which gives a list of one result for each item.

    Args:
        make: Makes an actor.
        size: How many there should be. Those that find no place are not waited for.
        lost: The result of an item that killed its actors, from the item and what was said.
    """

    def __init__(self, make: Callable[[], Any], size: int, lost: Callable[[Any, str], Any]) -> None:
        self._make = make
        self._lost = lost
        self.deaths = 0
        self._waiting: deque[_Batch] = deque()
        self._running: dict[Any, tuple[Any, _Batch | None]] = {}
        """What actors were asked, with the batch, or without one while they start."""
        self._load: dict[Any, int] = {}
        """How much each actor has that is ready."""
        self._starting: list[Any] = []
        for _ in range(size):
            self._start()

    def run(self, items: Sequence[Item], at_once: int) -> Iterator[list[Any]]:
        """The results of items, `at_once` of them at a time, in any order.

        Raises:
            RuntimeError: Actors cannot be made.
        """
        self._waiting.extend(_Batch(list(items[at : at + at_once])) for at in range(0, len(items), at_once))
        while self._waiting or any(batch for _, batch in self._running.values()):
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
                    batch = self._waiting.popleft()
                    self._running[actor.run.remote(batch.items)] = (actor, batch)
                    self._load[actor] += 1

    def _finished(self, reference: Any) -> Iterator[list[Any]]:
        actor, batch = self._running.pop(reference)
        errors = ray().exceptions
        try:
            results = ray().get(reference)
        except errors.RayError as error:
            # An actor that fails to start would fail again.
            if getattr(error, "actor_init_failed", False) or (batch is None and not _died(error)):
                raise RuntimeError(f"an actor cannot start; is pidinet installed on all machines? {error}") from error
            if batch is not None:
                yield from self._again(batch, error)
            if _died(error):
                yield from self._replace(actor, error)
            elif actor in self._load:
                self._load[actor] -= 1
            return
        if batch is None:
            self._starting.remove(actor)
            self._load[actor] = 0
        else:
            if actor in self._load:
                self._load[actor] -= 1
            yield results

    def _replace(self, actor: Any, error: Exception) -> Iterator[list[Any]]:
        """Takes back what a dead actor had, and starts another."""
        if actor not in self._load and actor not in self._starting:
            return  # it was told before
        self.deaths += 1
        _LOGGER.warning("an actor died, and what it had is done by another: %s", str(error).splitlines()[0])
        self._load.pop(actor, None)
        if actor in self._starting:
            self._starting.remove(actor)
        for reference in [reference for reference, (whose, _) in self._running.items() if whose == actor]:
            _, batch = self._running.pop(reference)
            if batch is not None:
                self._waiting.appendleft(batch)  # it had not begun
        ray().kill(actor)  # in case that it only cannot be reached
        self._start()
        yield from ()

    def _again(self, batch: _Batch, error: Exception) -> Iterator[list[Any]]:
        """Puts a batch back that an actor failed with, or gives it up."""
        tries = batch.tries + 1
        if len(batch.items) > 1:
            self._waiting.extendleft(_Batch([item], tries) for item in reversed(batch.items))
        elif tries < _TRIES:
            self._waiting.appendleft(_Batch(batch.items, tries))
        else:
            yield [self._lost(batch.items[0], str(error).splitlines()[0])]


def _died(error: Exception) -> bool:
    """Whether it is the actor, not what it did, that is the matter."""
    errors = ray().exceptions
    return isinstance(error, (errors.RayActorError, errors.NodeDiedError, errors.WorkerCrashedError, errors.OutOfMemoryError))
