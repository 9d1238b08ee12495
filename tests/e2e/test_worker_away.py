"""One queue of several cannot be reached for a while, as happens on a cluster."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from jobkit import BackendUnavailable, MemoryJobs
from jobkit.store import Claim, Operation, Settle, Store
from tests.e2e.backends import breaches, store_of
from tests.e2e.handling import calling, collecting
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually, heard

MINUTE = timedelta(minutes=1)


class LosesReplies:
    """Hands operations on, and loses the replies to the claims of a queue until told."""

    def __init__(self, store: Store, queue: str) -> None:
        self._store = store
        self._queue = queue
        self.is_away = True
        self.has_lost = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        results = self._store.run_many(operations, now=now)
        for at, operation in enumerate(operations):
            if isinstance(operation, Claim) and operation.queue == self._queue and self.is_away:
                results[at] = BackendUnavailable("the reply was lost", stored="unknown")
                self.has_lost.set()
        return results


class RefusesSettlements:
    """Hands operations on, but for settlements until told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_away = True
        self.has_refused = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        return [self._outcome(operation, now) for operation in operations]

    def _outcome(self, operation: Operation[Any], now: int | None) -> Any:
        if self.is_away and isinstance(operation, Settle):
            self.has_refused.set()
            return BackendUnavailable("its node is away", stored="no")
        return self._store.run_many([operation], now=now)[0]


def test_a_queue_that_is_away_holds_no_slots() -> None:
    """B12, B39: others run meanwhile; what it was given runs once it is back, in free slots."""
    with MemoryJobs() as jobs:
        store = LosesReplies(store_of(jobs), "gone")
        vars(jobs)["_store"] = store
        gate = Gate()
        numbers: list[int] = []
        jobs.register(gate.handle, job=Ping)
        jobs.register(collecting(numbers), job=Pong)
        jobs.enqueue_many((Ping(n) for n in range(4)), queue="gone")
        jobs.start(queues=["gone", "here"], concurrency=2, poll=timedelta(milliseconds=20))
        heard(store.has_lost)

        jobs.enqueue_many((Pong(n) for n in range(20)), queue="here")
        eventually(lambda: len(numbers) == 20)
        store.is_away = False
        gate.wait_for(2)
        gate.open()
        jobs.drain(timeout=MINUTE)

        assert gate.passed == 4
        assert gate.most == 2
        assert breaches(jobs) == []


def test_what_it_was_given_waits_for_a_free_slot() -> None:
    """B12, B39: others may have all slots when it is back."""
    with MemoryJobs() as jobs:
        store = LosesReplies(store_of(jobs), "gone")
        vars(jobs)["_store"] = store
        gate = Gate()
        ran = threading.Event()
        jobs.register(calling(lambda job: ran.set()), job=Ping)
        jobs.register(gate.handle, job=Pong)
        jobs.enqueue(Ping(), queue="gone")
        jobs.start(queues=["gone", "here"], concurrency=2, poll=timedelta(milliseconds=20))
        heard(store.has_lost)
        jobs.enqueue_many((Pong(n) for n in range(2)), queue="here")
        gate.wait_for(2)

        store.is_away = False
        worker = jobs.worker
        assert worker is not None
        eventually(lambda: worker.trouble is None)
        was_early = ran.is_set()
        gate.open()
        heard(ran)

        assert not was_early
        jobs.drain(timeout=MINUTE)
        assert breaches(jobs) == []


def test_what_ended_while_its_queue_was_away_is_settled_after() -> None:
    """B39: once, and nothing runs again for it."""
    with MemoryJobs() as jobs:
        store = RefusesSettlements(store_of(jobs))
        vars(jobs)["_store"] = store
        numbers: list[int] = []
        jobs.register(collecting(numbers), job=Pong)
        handles = jobs.enqueue_many(Pong(n) for n in range(3))
        jobs.start(poll=timedelta(milliseconds=20))
        heard(store.has_refused)

        store.is_away = False
        jobs.drain(timeout=timedelta(seconds=10))

        records = [handle.record() for handle in handles]
        assert [(record.state, record.starts) for record in records] == [("succeeded", 1)] * 3
        assert sorted(numbers) == [0, 1, 2]
        assert breaches(jobs) == []
