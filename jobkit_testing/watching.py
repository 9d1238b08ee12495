"""A store that tells what users did to it: every enqueue, cancel and delete, from any thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol, TypeVar

from jobkit.record import ENDED, JobState
from jobkit.store import (
    Cancel,
    Delete,
    Fire,
    FireVerdict,
    KeyTaken,
    NewJob,
    Operation,
    Push,
    Store,
    StoredJob,
)
from jobkit_testing.enqueues import FailingEnqueue
from jobkit_testing.faults import Faults
from jobkit_testing.over import StoreOver

R = TypeVar("R")
_ID = attrgetter("id")


class Watcher(Protocol):
    """Who is told of what was done to a store."""

    def pushed(self, jobs: Sequence[NewJob]) -> None:
        """Take note of jobs that have been stored."""
        ...

    def skipped(self, tick: Fire) -> None:
        """Take note that a tick has passed without a job."""
        ...

    def failed(self, failing: FailingEnqueue, jobs: Sequence[NewJob]) -> None:
        """Take note that an enqueue of these jobs fails because the test wants it."""
        ...

    def find(self, queue: str, job_id: str) -> StoredJob | None:
        """Read a job."""
        ...

    def cancelled(self, job: StoredJob) -> None:
        """Take note that this job, as it was, has been cancelled, or is to be."""
        ...

    def deleted(self, job: StoredJob) -> None:
        """Take note that this job, as it was, is gone."""
        ...


class WatchedStore(StoreOver):
    """Hands operations on to a store, and what they did to a watcher.

    Several at once nobody sends but a worker; they go by unseen.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._see: Mapping[type, Callable[[Any, int | None, Watcher], Any]] = {
            Push: self._push,
            Cancel: self._cancel,
            Delete: self._delete,
            Fire: self._fire,
        }
        self.watcher: Watcher | None = None
        self.faults: Faults | None = None

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        see, watcher = self._see.get(type(operation)), self.watcher
        if see is None or watcher is None:
            return self._store.run(operation, now=now)
        result: R = see(operation, now, watcher)
        return result

    def _push(
        self, operation: Push, now: int | None, watcher: Watcher
    ) -> tuple[str, ...] | KeyTaken:
        ask = None if self.faults is None else self.faults.on_enqueue
        failing = None if ask is None else ask(False)
        if failing is not None:
            watcher.failed(failing, operation.jobs)
            if not failing.stored:
                raise failing.error
        answer = self._store.run(operation, now=now)
        if isinstance(answer, tuple):
            stored: Sequence[NewJob] = operation.jobs
            if answer != tuple(map(_ID, stored)):  # of some the unique key was held
                stored = [
                    new for new, known_as in zip(stored, answer, strict=True) if new.id == known_as
                ]
            watcher.pushed(stored)
        if failing is not None:
            raise failing.error
        return answer

    def _fire(self, operation: Fire, now: int | None, watcher: Watcher) -> FireVerdict:
        verdict = self._store.run(operation, now=now)
        if verdict == "fired" and operation.job is not None:
            watcher.pushed([operation.job])
        elif verdict == "skipped":
            watcher.skipped(operation)
        return verdict

    def _cancel(self, operation: Cancel, now: int | None, watcher: Watcher) -> JobState | None:
        before = watcher.find(operation.queue, operation.id)
        state = self._store.run(operation, now=now)
        if before is not None and state is not None and state not in ENDED:
            watcher.cancelled(before)
        return state

    def _delete(self, operation: Delete, now: int | None, watcher: Watcher) -> bool:
        before = watcher.find(operation.queue, operation.id)
        was_there = self._store.run(operation, now=now)
        if before is not None and was_there:
            watcher.deleted(before)
        return was_there


class AsyncWatchedStore:
    """The same store for coroutines; it blocks the loop, which a test does not mind."""

    def __init__(self, store: WatchedStore) -> None:
        self._store = store
        self.gives_way = False  # to other tasks, as one does that waits for a reply

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        if self.gives_way:
            await asyncio.sleep(0)
        return self._store.run(operation, now=now)

    async def close(self) -> None:
        """Leave the store open: who made it closes it."""
