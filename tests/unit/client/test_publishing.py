"""A batch over several queues, on a store that publishes one queue at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import pytest

import jobkit
from jobkit import BackendUnavailable, NotSupported, PartialPublish
from jobkit.client import AsyncJobs, Jobs
from jobkit.clock import SystemClock
from jobkit.engine import Engine
from jobkit.ids import seeded_ids
from jobkit.memory.store import AsyncMemoryStore, MemoryStore
from jobkit.store import NewJob, Operation, Push

R = TypeVar("R")
AT_ONCE = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Note:
    n: int


@jobkit.job(queue="mail")
@dataclass(frozen=True)
class Mailed:
    n: int


class Broken(MemoryStore):
    """Takes one queue at a time, and none that is away."""

    def __init__(self) -> None:
        super().__init__(atomic_over="queue")
        self.away: str | None = None
        self.pushed: list[list[str]] = []

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        if isinstance(operation, Push):
            self._look_at(operation)
        result: Any = super().run(operation, now=now)
        return result  # type: ignore[no-any-return]  # as the store below says

    def _look_at(self, push: Push) -> None:
        queues = [job.queue for job in push.jobs]
        if self.away in queues:
            raise BackendUnavailable(f"{self.away} is away", stored="unknown")
        self.pushed.append(queues)


@pytest.fixture
def store() -> Broken:
    """Give a store of which a queue can be away."""
    return Broken()


@pytest.fixture
def jobs(store: Broken) -> Iterator[Jobs]:
    """Give a client of it that does not try twice."""
    engine = Engine(
        handlers=(),
        defaults=None,
        queues=None,
        new_ids=lambda: seeded_ids(lambda: 0, seed=1),
        max_payload=None,
        version=None,
        durable=False,
    )
    with Jobs(
        engine,
        store,
        AsyncMemoryStore(store),
        now=lambda: None,
        monotonic=SystemClock().monotonic,
        enqueue_timeout=AT_ONCE,
    ) as made:
        yield made


def enqueue_in_three(enqueuer: Any) -> list[Any]:
    """Enqueue in queues a, b, a and c, in this order."""
    return [enqueuer.enqueue(Note(n), queue=queue) for n, queue in enumerate("abac")]


def test_a_batch_is_published_queue_by_queue_in_order_of_first_use(
    jobs: Jobs, store: Broken
) -> None:
    """B40: each in one step."""
    with jobs.transaction() as tx:
        handles = enqueue_in_three(tx)

    assert store.pushed == [["a", "a"], ["b"], ["c"]]
    assert [handle.record().payload for handle in handles] == [Note(n) for n in range(4)]
    assert [handle.created for handle in handles] == [True] * 4


def test_what_was_stored_before_a_queue_failed_is_listed(jobs: Jobs, store: Broken) -> None:
    """B40: with the handles that the block gave out."""
    store.away = "b"
    handles: list[Any] = []

    with pytest.raises(PartialPublish) as caught, jobs.transaction() as tx:
        handles += enqueue_in_three(tx)

    assert caught.value.stored == (handles[0], handles[2])
    assert [handle.created for handle in handles] == [True, None, True, None]
    assert isinstance(caught.value.__cause__, BackendUnavailable)
    assert "stored in a; perhaps stored in b; not tried: c: b is away" in str(caught.value)


def test_a_batch_of_which_nothing_is_stored_is_not_partial(jobs: Jobs, store: Broken) -> None:
    """B40: the first queue failed, and nothing else was tried."""
    store.away = "a"

    with pytest.raises(BackendUnavailable, match="a is away"), jobs.transaction() as tx:
        enqueue_in_three(tx)

    assert store.pushed == []


def test_coroutines_learn_the_same(jobs: Jobs, store: Broken) -> None:
    """B40"""
    aio = AsyncJobs(jobs)
    store.away = "c"

    async def publish() -> None:
        async with aio.transaction() as tx:
            for n, queue in enumerate("abac"):
                await tx.enqueue(Note(n), queue=queue)

    with pytest.raises(PartialPublish) as caught:
        asyncio.run(publish())

    assert [handle.queue for handle in caught.value.stored] == ["a", "b", "a"]


def test_many_jobs_are_stored_queue_by_queue(jobs: Jobs, store: Broken) -> None:
    """B4: in their order; what was stored before a queue failed is listed, also of other chunks."""
    store.away = "mail"
    batch: list[Note | Mailed] = [Note(1), Note(2), Note(3), Mailed(4)]

    with pytest.raises(PartialPublish) as caught:
        jobs.enqueue_many(batch, chunk=2)

    assert store.pushed == [["default", "default"], ["default"]]
    assert [handle.record().payload for handle in caught.value.stored] == batch[:3]


def test_many_jobs_of_coroutines_are_stored_queue_by_queue(jobs: Jobs, store: Broken) -> None:
    """B4"""
    store.away = "mail"

    with pytest.raises(PartialPublish) as caught:
        asyncio.run(AsyncJobs(jobs).enqueue_many([Note(1), Mailed(2), Note(3)]))

    assert [handle.queue for handle in caught.value.stored] == ["default", "default"]


def test_a_store_of_one_queue_a_step_refuses_a_push_over_two() -> None:
    """B57: by name, and nothing is stored."""
    push = Push(
        jobs=tuple(NewJob(id=queue * 26, queue=queue, type="A", payload=b"{}") for queue in "AB"),
        channel="c",
        request=1,
    )

    with pytest.raises(NotSupported, match="several queues"):
        MemoryStore(atomic_over="queue").run(push)
