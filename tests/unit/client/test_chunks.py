"""`enqueue_many(chunk=)` prepares a chunk while the store works at the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import pytest

from jobkit.client import AsyncJobs, Jobs
from jobkit.clock import SystemClock
from jobkit.engine import Engine
from jobkit.errors import BackendUnavailable, InvalidJob
from jobkit.handle import AsyncJobHandle
from jobkit.ids import seeded_ids
from jobkit.memory.store import AsyncMemoryStore, MemoryStore
from jobkit.store import Answer, Count, Operation, Push, Ready

R = TypeVar("R")


@dataclass(frozen=True)
class Note:
    n: int


TYPE = f"{__name__}.Note"


class OnItsWay:
    def __init__(self, wait: Callable[[], list[Any]]) -> None:
        self._wait = wait

    def wait(self, *, awake: bool = False) -> list[Any]:
        return self._wait()


class Sending(MemoryStore):
    """Sends without waiting, and writes down what happens when; fails at the pushes named."""

    def __init__(self) -> None:
        super().__init__()
        self.story: list[str] = []
        self.fails_at: set[int] = set()
        self._pushes = 0

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        [push] = operations
        assert isinstance(push, Push)
        self._pushes += 1
        number = self._pushes
        self.story.append(f"sent {number}")

        def wait() -> list[Any]:
            self.story.append(f"waited {number}")
            if number in self.fails_at:
                raise BackendUnavailable(f"push {number} failed", stored="no", passing=False)
            return self.run_many([push], now=now)

        return OnItsWay(wait)


class Readying(Sending):
    """Makes ready what it sends later."""

    def ready(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Ready:
        self.story.append("ready")
        return partial(self.begin, operations, now=now)


class AsyncSending(AsyncMemoryStore):
    """Writes down when a push is sent and when it is stored, some turns of the loop later."""

    def __init__(self, store: Sending) -> None:
        super().__init__(store)
        self._sending = store
        self._pushes = 0

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        await self._be_on_its_way(operation)
        return await super().run(operation, now=now)

    async def _be_on_its_way(self, operation: Operation[Any]) -> None:
        if not isinstance(operation, Push):
            return
        self._pushes += 1
        number = self._pushes
        self._sending.story.append(f"sent {number}")
        for _ in range(5):
            await asyncio.sleep(0)
        if number in self._sending.fails_at:
            raise BackendUnavailable(f"push {number} failed", stored="no", passing=False)
        self._sending.story.append(f"stored {number}")


@pytest.fixture
def store() -> Sending:
    """Give a store that sends without waiting."""
    return Sending()


@pytest.fixture
def jobs(store: Sending) -> Jobs:
    """Give a client of it."""
    return a_client(store)


def a_client(store: Sending) -> Jobs:
    engine = Engine(
        handlers=(),
        defaults=None,
        queues=None,
        new_ids=lambda: seeded_ids(lambda: 0, 1),
        max_payload=None,
        version=None,
        durable=True,
    )
    return Jobs(
        engine,
        store,
        AsyncSending(store),
        now=lambda: 0,
        monotonic=SystemClock().monotonic,
        enqueue_timeout=timedelta(milliseconds=1),
    )


def notes(store: Sending, number: int, *, then: object = None) -> Iterator[Any]:
    for n in range(number):
        store.story.append(f"made {n}")
        yield Note(n)
    if then is not None:
        yield then


def by_coroutine(jobs: Jobs, made: Iterator[Any], *, chunk: int) -> list[AsyncJobHandle[Any]]:
    return asyncio.run(AsyncJobs(jobs).enqueue_many(made, chunk=chunk))


def stored(store: Sending) -> int:
    return store.run(Count(queue="default"), now=0).queued.get(TYPE, 0)


def test_a_chunk_is_prepared_while_the_one_before_is_stored(jobs: Jobs, store: Sending) -> None:
    """B4: and sent only when that is stored."""
    handles = jobs.enqueue_many(notes(store, 3), chunk=1)

    assert store.story == [
        *("made 0", "sent 1", "made 1", "waited 1"),
        *("sent 2", "made 2", "waited 2"),
        *("sent 3", "waited 3"),
    ]
    assert [handle.record().payload for handle in handles] == [Note(0), Note(1), Note(2)]


def test_a_chunk_is_ready_to_be_sent_when_the_one_before_is_stored() -> None:
    """B4"""
    store = Readying()

    a_client(store).enqueue_many(notes(store, 3), chunk=1)

    assert store.story == [
        *("made 0", "ready", "sent 1", "made 1", "ready", "waited 1"),
        *("sent 2", "made 2", "ready", "waited 2"),
        *("sent 3", "waited 3"),
    ]


def test_a_chunk_that_is_ready_is_dropped_if_the_one_before_is_not_stored() -> None:
    """B4: and the pushes after it are no copies of it."""
    store = Readying()
    store.fails_at = {1}
    jobs = a_client(store)

    with pytest.raises(BackendUnavailable, match="push 1 failed"):
        jobs.enqueue_many(notes(store, 2), chunk=1)

    assert stored(store) == 0
    assert all(handle.created for handle in jobs.enqueue_many(notes(store, 2), chunk=1))
    assert stored(store) == 2


def test_a_bad_job_leaves_the_chunks_before_it_stored(jobs: Jobs, store: Sending) -> None:
    """B4"""
    with pytest.raises(InvalidJob, match="tuple"):
        jobs.enqueue_many(notes(store, 4, then=()), chunk=2)
    assert stored(store) == 4

    with pytest.raises(InvalidJob):
        jobs.enqueue_many(notes(store, 3, then=()), chunk=2)
    assert stored(store) == 6


def test_a_chunk_that_fails_is_told_before_a_bad_job_behind_it(jobs: Jobs, store: Sending) -> None:
    """B4: nothing behind it is stored."""
    store.fails_at = {2}

    with pytest.raises(BackendUnavailable, match="push 2 failed"):
        jobs.enqueue_many(notes(store, 4, then=()), chunk=2)
    assert stored(store) == 2
    assert store.story[-1] == "waited 2"


def test_an_iterable_that_fails_leaves_no_push_behind(jobs: Jobs, store: Sending) -> None:
    def failing() -> Iterator[Note]:
        yield Note(1)
        raise LookupError("no more notes")

    with pytest.raises(LookupError):
        jobs.enqueue_many(failing(), chunk=1)

    assert store.story == ["sent 1", "waited 1"]
    assert jobs.enqueue(Note(2)).created
    assert stored(store) == 2


def test_coroutines_prepare_a_chunk_while_the_one_before_is_on_its_way(
    jobs: Jobs, store: Sending
) -> None:
    """B4: and send it only when that is stored."""
    handles = by_coroutine(jobs, notes(store, 3), chunk=1)

    assert store.story == [
        *("made 0", "sent 1", "made 1", "stored 1"),
        *("sent 2", "made 2", "stored 2"),
        *("sent 3", "stored 3"),
    ]
    assert [asyncio.run(handle.record()).payload for handle in handles] == [
        Note(0),
        Note(1),
        Note(2),
    ]


def test_a_bad_job_leaves_the_chunks_before_it_stored_by_coroutines(
    jobs: Jobs, store: Sending
) -> None:
    """B4"""
    with pytest.raises(InvalidJob, match="tuple"):
        by_coroutine(jobs, notes(store, 3, then=()), chunk=2)

    assert stored(store) == 2


def test_coroutines_tell_of_a_chunk_that_fails_before_a_bad_job_behind_it(
    jobs: Jobs, store: Sending
) -> None:
    """B4: nothing behind it is stored."""
    store.fails_at = {2}

    with pytest.raises(BackendUnavailable, match="push 2 failed"):
        by_coroutine(jobs, notes(store, 4, then=()), chunk=2)

    assert stored(store) == 2
    assert "sent 3" not in store.story


def test_others_have_their_turn_while_a_long_chunk_is_prepared(jobs: Jobs, store: Sending) -> None:
    by_coroutine(jobs, notes(store, 2_000), chunk=1_000)

    reply, end = store.story.index("stored 1"), store.story.index("made 1999")
    assert reply < end
