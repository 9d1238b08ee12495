"""What the memory store does beyond the port; the port's promises are in the conformance suite."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from jobkit.memory.store import AsyncMemoryStore, MemoryStore
from jobkit.store import Get, Heartbeat, NewJob, Push, StoredJob
from jobkit_testing.conformance.builders import lanes


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(microseconds=1_999)

    def monotonic(self) -> float:
        return 0.0


def a_push() -> Push:
    job = NewJob(id="1", queue="q", type="A", payload=b"{}")
    return Push(jobs=(job,), channel="c", request=1)


def test_without_an_instant_the_clock_is_read() -> None:
    store = MemoryStore(StoppedClock())

    store.run(a_push())

    job = store.run(Get(queue="q", id="1"))
    assert job is not None
    assert job.enqueued_at == 1_893_456_000_001  # rounded down, so that nothing starts early


def test_the_async_twin_is_the_same_store() -> None:
    store = MemoryStore()

    async def push_and_get() -> StoredJob | None:
        twin = AsyncMemoryStore(store)
        await twin.run(a_push(), now=5)
        job = await twin.run(Get(queue="q", id="1"), now=5)
        await twin.close()
        return job

    job = asyncio.run(push_and_get())

    assert job is not None
    assert store.run(Get(queue="q", id="1"), now=5) == job


def test_a_worker_has_one_waiter_until_that_is_closed() -> None:
    store = MemoryStore()
    first = store.waiter("ann")

    same = store.waiter("ann")
    first.close()
    other = store.waiter("ann")

    assert first is same
    assert first is not other


def test_closing_a_waiter_twice_is_fine() -> None:
    store = MemoryStore()
    waiter = store.waiter("ann")

    waiter.close()
    waiter.close()

    store.run(Heartbeat(queue="q", worker="ann", lanes=lanes("A"), lease=1_000))
    assert store.run(a_push()) == ("1",)  # who is gone is not missed
