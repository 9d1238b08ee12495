from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from jobkit import BackendUnavailable, InvalidJob, MemoryJobs, WrongState
from jobkit.store import NewJob, Push
from jobkit.worker import WorkingJobs
from tests.e2e.backends import store_of


@dataclass(frozen=True)
class Note:
    n: int


@dataclass(frozen=True)
class Other:
    n: int


class Pushes:
    """Notes what a backend pushes; may refuse."""

    def __init__(self, jobs: WorkingJobs, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[int]] = []
        self.refuses = False
        self._store: Any = store_of(jobs)
        self._run = self._store.run
        monkeypatch.setattr(self._store, "run", self.run)

    def run(self, operation: Any, /, *, now: int | None = None) -> Any:
        if isinstance(operation, Push):
            if self.refuses:
                raise BackendUnavailable("refused", stored="no", passing=False)
            self.batches.append(numbers(operation.jobs))
        return self._run(operation, now=now)


def numbers(jobs: Sequence[NewJob]) -> list[int]:
    return [int(job.payload.decode().partition(":")[2].rstrip("}")) for job in jobs]


@pytest.fixture
def jobs() -> Iterator[MemoryJobs]:
    with MemoryJobs() as backend:
        yield backend


@pytest.fixture
def pushes(jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch) -> Pushes:
    return Pushes(jobs, monkeypatch)


def test_a_transaction_is_one_push_in_the_order_of_its_calls(
    jobs: MemoryJobs, pushes: Pushes
) -> None:
    """B40"""
    with jobs.transaction() as tx:
        tx.enqueue(Note(1))
        tx.enqueue_many([Note(2), Other(3)], chunk=1)
        with tx.transaction() as inner:
            inner.enqueue(Note(4), queue="mail")
            with inner.transaction() as innermost:
                innermost.enqueue(Note(5))
        tx.enqueue(Note(6))

    assert pushes.batches == [[1, 2, 3, 4, 5, 6]]


def test_an_empty_transaction_pushes_nothing(jobs: MemoryJobs, pushes: Pushes) -> None:
    """B40"""
    with jobs.transaction():
        pass

    assert pushes.batches == []


def test_a_transaction_that_cannot_be_published_leaves_its_handles_open(
    jobs: MemoryJobs, pushes: Pushes
) -> None:
    """B40"""
    pushes.refuses = True
    handles: list[Any] = []

    def publish() -> None:
        with jobs.transaction() as tx:
            handles.append(tx.enqueue(Note(1)))

    with pytest.raises(BackendUnavailable):
        publish()

    assert handles[0].created is None


def test_a_refused_batch_leaves_what_was_held_before(jobs: MemoryJobs, pushes: Pushes) -> None:
    """B40"""
    wrong: Any = [Note(2), "no job"]

    with jobs.transaction() as tx:
        tx.enqueue(Note(1))
        with pytest.raises(InvalidJob):
            tx.enqueue_many(wrong)
        with pytest.raises(InvalidJob, match="at most"):
            tx.enqueue_many([Note(n) for n in range(10_000)])
        tx.enqueue(Note(3))

    assert pushes.batches == [[1, 3]]


def test_after_its_block_a_transaction_takes_no_more(jobs: MemoryJobs, pushes: Pushes) -> None:
    """B40"""
    with jobs.transaction() as tx:
        tx.enqueue(Note(1))
        with tx.transaction() as inner:
            inner.enqueue(Note(2))

    for ended in (tx, inner):
        with pytest.raises(WrongState, match="has ended"):
            ended.enqueue(Note(3))
        with pytest.raises(WrongState, match="has ended"):
            ended.enqueue_many([Note(3)])
    assert pushes.batches == [[1, 2]]


def test_the_async_twin_holds_in_the_same_way(jobs: MemoryJobs, pushes: Pushes) -> None:
    """B40"""

    async def main() -> None:
        async with jobs.aio.transaction() as tx:
            first = await tx.enqueue(Note(1))
            async with tx.transaction() as inner:
                await inner.enqueue_many([Note(2), Note(3)])
            created = [first.created]
        created.append(first.created)
        assert created == [None, True]
        with pytest.raises(WrongState):
            await tx.enqueue(Note(4))

    asyncio.run(main())

    assert pushes.batches == [[1, 2, 3]]


def test_a_handle_out_of_a_transaction_leads_to_its_job(jobs: MemoryJobs, pushes: Pushes) -> None:
    """B40"""
    with jobs.transaction() as tx:
        handle = tx.enqueue(Note(1))

    assert handle.record().payload == Note(1)
    assert handle.cancel()
    assert pushes.batches == [[1]]
