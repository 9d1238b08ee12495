"""Settlements that went behind a claim get lost, are refused, or cannot be sent."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from jobkit import BackendUnavailable, JobState, MemoryJobs
from jobkit.store import Answer, Store
from tests.e2e.backends import breaches, store_of
from tests.e2e.handling import calling, do_nothing
from tests.e2e.jobtypes import Ping
from tests.e2e.sending import Lost, Request, Sending, give
from tests.e2e.waiting import eventually

MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", ["loses", "refuses"])
def test_settlements_that_trail_are_sent_again(fault: str) -> None:
    """B39: whatever becomes of them, and of their answer; no job runs twice."""
    with MemoryJobs() as jobs:
        store = give(jobs, Sending(store_of(jobs), **{fault: frozenset({1, 2})}))
        runs = Counter[int]()
        jobs.register(calling(lambda job: runs.update([job.n])), job=Ping)
        handles = jobs.enqueue_many(Ping(n) for n in range(200))

        jobs.start(concurrency=3)
        jobs.drain(timeout=MINUTE)

        assert store.alone >= 2
        assert runs == Counter(range(200))
        assert {handle.record().state for handle in handles} == {JobState.SUCCEEDED}
        assert breaches(jobs) == []


@pytest.mark.usefixtures("quick")
def test_a_store_that_takes_settlements_only_is_not_taken_for_mended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B39: it is asked ever less often, and told of once."""
    with MemoryJobs() as jobs:
        store = give(jobs, Sending(store_of(jobs)))
        ran: list[int] = []

        def fill_up(job: Ping) -> None:
            store.is_full = store.is_full or not ran
            ran.append(job.n)

        jobs.register(fill_up, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(4))
        jobs.start(concurrency=2)
        eventually(lambda: store.refused_claims > 3)

        assert "is back" not in caplog.text
        assert [each.message for each in caplog.records if "tries again" in each.message] == [
            "full; the worker pauses and tries again"
        ]
        store.is_full = False
        jobs.drain(timeout=MINUTE)
        assert ran == [0, 1, 2, 3]
        assert breaches(jobs) == []


class OneAtATime(Sending):
    """Refuses a request while another one is under way, as a Redis that has clients enough.

    `refused`: how many.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.refused = 0
        self._is_taken = False

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        if self._is_taken:
            self.refused += 1
            raise BackendUnavailable("max number of clients reached", stored="no")
        answer = super().begin(operations, now=now)
        self._is_taken = True
        return OfOne(self, answer)

    def free(self) -> None:
        self._is_taken = False


class OfOne:
    """An answer that lets the next request go once it was waited for."""

    def __init__(self, store: OneAtATime, answer: Answer) -> None:
        self._store = store
        self._answer = answer

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Return it."""
        self._store.free()
        return self._answer.wait(awake=awake)


@pytest.mark.usefixtures("quick")
def test_where_no_second_request_may_go_it_is_tried_ever_more_rarely() -> None:
    """B39: what has ended is settled all the same, before ever more jobs wait for that."""
    with MemoryJobs() as jobs:
        store = give(jobs, OneAtATime(store_of(jobs)))
        runs = Counter[int]()
        unsettled: list[int] = []

        def note(job: Ping) -> None:
            runs[job.n] += 1
            worker = jobs.worker
            assert worker is not None
            unsettled.append(sum(runs.values()) - worker.counts["succeeded"])

        jobs.register(note, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(400))

        jobs.start(concurrency=4)
        jobs.drain(timeout=MINUTE)

        assert runs == Counter(range(400))
        assert 0 < store.refused < 10
        assert max(unsettled) <= 16
        assert breaches(jobs) == []


class Breaking(Sending):
    """Loses all that is under way, once: right after the fifth settlements that went alone.

    `broken`: the answers to how many requests, the first ones, are lost if nobody has them.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.broken = 0

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        answer = super().begin(operations, now=now)
        if self.alone == 5 and not self.broken:
            self.broken = len(self.requests)
        return OfBreaking(self, answer, len(self.requests))


class OfBreaking:
    """An answer that may be lost until it is waited for."""

    def __init__(self, store: Breaking, answer: Answer, number: int) -> None:
        self._store = store
        self._answer = answer
        self._number = number

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Return it, or raise."""
        if self._number <= self._store.broken:
            return Lost().wait()
        return self._answer.wait(awake=awake)


@pytest.mark.usefixtures("quick")
def test_a_loss_of_claims_and_of_what_trails_is_one_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B39: the worker does not rest twice because a broken line was two of its own."""
    with MemoryJobs() as jobs:
        store = give(jobs, Breaking(store_of(jobs)))
        jobs.register(do_nothing, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(100))

        jobs.start(concurrency=2)
        jobs.drain(timeout=MINUTE)

        assert store.alone >= 5
        assert "the store is back after 1 tries" in caplog.text
        assert breaches(jobs) == []


@pytest.mark.usefixtures("quick")
def test_a_worker_that_stops_waits_for_what_trails() -> None:
    """B52: every job that has ended is settled."""
    with MemoryJobs() as jobs:
        store = give(jobs, Sending(store_of(jobs), loses=frozenset(range(1, 100, 2))))
        ran: list[int] = []
        jobs.register(calling(lambda job: ran.append(job.n)), job=Ping)
        handles = jobs.enqueue_many(Ping(n) for n in range(200))
        jobs.start(concurrency=2)
        eventually(lambda: store.alone > 5)

        jobs.shutdown(timeout=timedelta(seconds=10))

        states = Counter(handle.record().state for handle in handles)
        assert states[JobState.SUCCEEDED] == len(ran)
        assert states[JobState.RUNNING] == 0
        assert breaches(jobs) == []
