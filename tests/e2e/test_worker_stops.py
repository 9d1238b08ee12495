"""A worker is told to stop while a claim of it is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from jobkit import JobState, MemoryJobs
from jobkit.store import Answer, Claim, Operation, Store
from jobkit.worker.pump import Pump
from tests.e2e.backends import breaches, store_of
from tests.e2e.handling import collecting
from tests.e2e.jobtypes import Ping
from tests.e2e.waiting import PATIENCE, eventually, heard


class HoldsReplies:
    """Hands operations on, and keeps the answer to the first claim that brings jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.has_claimed = threading.Event()
        self.may_answer = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        return self._held(operations, self._store.run_many(operations, now=now))

    def _held(self, operations: Sequence[Operation[Any]], results: list[Any]) -> list[Any]:
        for operation, result in zip(operations, results, strict=True):
            if isinstance(operation, Claim) and result.jobs and not self.has_claimed.is_set():
                self.has_claimed.set()
                heard(self.may_answer)
        return results


class HoldsAnswers(HoldsReplies):
    """Does so for a worker that sends without waiting."""

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        results = self._store.run_many(operations, now=now)
        return Later(lambda: self._held(operations, results))


@dataclass
class Later:
    """An answer that somebody has to fetch."""

    fetch: Callable[[], list[Any]]

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Fetch it."""
        return self.fetch()


@pytest.mark.parametrize("kind", [HoldsReplies, HoldsAnswers])
@pytest.mark.parametrize("prefetch", [0, 5])
def test_what_a_claim_under_way_brings_goes_back(prefetch: int, kind: type[HoldsReplies]) -> None:
    """B52: nothing is spent, and nothing is left to run out with its lease."""
    with MemoryJobs() as jobs:
        store = kind(store_of(jobs))
        vars(jobs)["_store"] = store
        ran: list[int] = []
        jobs.register(collecting(ran), job=Ping)
        handles = jobs.enqueue_many(Ping(n) for n in range(3))
        jobs.start(concurrency=1, prefetch=prefetch)
        heard(store.has_claimed)
        pump = vars(cast(Pump, vars(jobs.worker)["_pump"]))

        stopping = threading.Thread(target=jobs.shutdown, kwargs={"timeout": timedelta(0)})
        stopping.start()
        eventually(lambda: pump["_stopping"])  # all else of the shutdown is done
        store.may_answer.set()
        stopping.join(PATIENCE)

        records = [handle.record() for handle in handles]
        assert [record.state for record in records] == [JobState.QUEUED] * 3
        assert [record.losses for record in records] == [0] * 3
        assert ran == []
        assert breaches(jobs) == []
