"""Where it makes no difference to what can be claimed, a worker claims first and settles then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from jobkit import JobContext, JobHandle, JobState, MemoryJobs
from jobkit.store import Answer, Here, Settle, Store
from jobkit.worker import WorkingJobs
from tests.e2e.backends import breaches, store_of
from tests.e2e.handling import calling, collecting, do_nothing
from tests.e2e.jobtypes import Alone, Flaky, Ping, Pong
from tests.e2e.sending import Request, Sending, give
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("prefetch", [0, 8])
def test_plain_successes_are_settled_behind_the_claim_for_their_slots(prefetch: int) -> None:
    """B13: a slot is free when its handler has ended."""
    with MemoryJobs() as jobs:
        store = give(jobs, Sending(store_of(jobs)))
        jobs.register(do_nothing, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(36))

        jobs.start(concurrency=4, prefetch=prefetch)
        jobs.drain(timeout=MINUTE)

        assert sum(store.brought) == 36
        assert store.shapes() <= {"", "claim", "settle"}
        first = next(i for i, request in enumerate(store.requests) if _settles(request))
        assert sum(store.brought[:first]) > 4 + prefetch  # the first ones were not settled by then
        assert breaches(jobs) == []


def _settles(request: Request) -> bool:
    return any(isinstance(each, Settle) for each in request)


def enqueuing(job: Ping, ctx: JobContext) -> None:
    """Leave a job that can be claimed once this one is settled."""
    ctx.enqueue(Pong(job.n))


def failing(job: Flaky) -> None:
    """Fail."""
    raise RuntimeError("on purpose")


def with_children(jobs: WorkingJobs) -> None:
    jobs.register(enqueuing, job=Ping)
    jobs.register(do_nothing, job=Pong)
    jobs.enqueue_many(Ping(n) for n in range(8))


def with_failures(jobs: WorkingJobs) -> None:
    jobs.register(failing, job=Flaky)
    jobs.enqueue_many((Flaky(n) for n in range(8)), max_retries=0)


def with_a_limit(jobs: WorkingJobs) -> None:
    jobs.register(do_nothing, job=Alone)
    jobs.enqueue_many(Alone(n) for n in range(8))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fill", [with_children, with_failures, with_a_limit])
def test_what_may_let_something_in_is_settled_before_the_claim(
    fill: Callable[[WorkingJobs], None],
) -> None:
    """B13, B25: else the claim would miss what has just become free."""
    with MemoryJobs() as jobs:
        store = give(jobs, Sending(store_of(jobs)))
        fill(jobs)

        jobs.start(concurrency=2)
        jobs.drain(timeout=MINUTE)

        assert "settle claim" in store.shapes()
        assert breaches(jobs) == []


@pytest.mark.usefixtures("quick")
def test_with_one_slot_a_job_finds_the_one_before_it_settled() -> None:
    """B13, B21: its record says so, and its unique key is free."""
    with MemoryJobs() as jobs:
        store = give(jobs, Sending(store_of(jobs)))
        handles: list[JobHandle[Ping]] = []
        states: list[JobState] = []
        jobs.register(calling(lambda _: states.extend(h.record().state for h in handles)), job=Ping)
        handles += jobs.enqueue_many(Ping(n) for n in range(8))

        jobs.start(concurrency=1)
        jobs.drain(timeout=MINUTE)

        assert store.shapes() <= {"", "claim", "settle claim", "settle"}
        found = [states[8 * n : 8 * n + n] for n in range(8)]
        assert found == [[JobState.SUCCEEDED] * n for n in range(8)]


class NotesWaits(Sending):
    """Notes of each answer whether it may be waited for awake."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.notes: list[bool] = []

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        return Noted(super().begin(operations, now=now).wait(), self.notes)


class Noted(Here):
    """An answer of it."""

    def __init__(self, results: list[Any], notes: list[bool]) -> None:
        super().__init__(results)
        self._notes = notes

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Return it."""
        self._notes.append(awake)
        return super().wait()


@pytest.mark.usefixtures("quick")
def test_the_pump_waits_awake_for_the_jobs_after_those_that_it_ran() -> None:
    """B13"""
    with MemoryJobs() as jobs:
        store = give(jobs, NotesWaits(store_of(jobs)))
        jobs.register(do_nothing, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(12))

        jobs.start(concurrency=4)
        jobs.drain(timeout=MINUTE)

        assert any(store.notes)


def test_the_pump_sleeps_while_a_handler_runs_elsewhere() -> None:
    """Else it would keep the interpreter from that."""
    with MemoryJobs() as jobs:
        store = give(jobs, NotesWaits(store_of(jobs)))
        gate = Gate()
        jobs.register(gate.handle, job=Ping)
        ran: list[int] = []
        jobs.register(collecting(ran), job=Pong)
        jobs.enqueue(Ping())

        jobs.start(concurrency=2)
        gate.wait_for(1)
        before = len(store.notes) + 1  # one may have been under way
        jobs.enqueue_many(Pong(n) for n in range(20))
        eventually(lambda: len(ran) == 20)
        busy = store.notes[before:]
        gate.open()
        jobs.drain(timeout=MINUTE)

        assert busy
        assert not any(busy)
