"""An idle worker starts what comes in at once, though it polls twice a minute."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from jobkit import JobContext
from jobkit.clock import SystemClock
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Alone, Flaky, Ping, Pong
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)
POLL = timedelta(seconds=30)
AT_ONCE = 3.0  # seconds; it takes milliseconds, on a machine that is not busy


class Clocked:
    """A handler that notes when each job began."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self.began: dict[int, datetime] = {}

    def run(self, job: Ping) -> None:
        self.began[job.n] = self._clock.now()

    def wait_for(self, n: int, *, since: datetime) -> float:
        """Return how many seconds after an instant a job began."""
        eventually(lambda: n in self.began)
        return (self.began[n] - since).total_seconds()


def idle_worker(jobs: WorkingJobs, **options: object) -> Clocked:
    """Start a worker and let it find that there is nothing to do."""
    clocked = Clocked()
    jobs.register(clocked.run, job=Ping)
    jobs.register(do_nothing, job=Pong)
    jobs.start(poll=POLL, **options)  # type: ignore[arg-type]  # of WorkerOptions
    jobs.drain(timeout=MINUTE)
    return clocked


def test_an_enqueue_wakes_an_idle_worker(jobs: WorkingJobs) -> None:
    """B13"""
    clocked = idle_worker(jobs)

    for n in range(10):
        now = datetime.now(UTC)
        jobs.enqueue(Ping(n))
        assert clocked.wait_for(n, since=now) < AT_ONCE


def test_a_batch_wakes_an_idle_worker(jobs: WorkingJobs) -> None:
    """B13"""
    clocked = idle_worker(jobs, concurrency=2)

    now = datetime.now(UTC)
    jobs.enqueue_many([Ping(n) for n in range(100)])

    assert max(clocked.wait_for(n, since=now) for n in range(100)) < AT_ONCE


def test_an_enqueue_in_any_of_many_queues_wakes_the_worker(jobs: WorkingJobs) -> None:
    """B12, B13"""
    names = [f"q{n}" for n in range(20)]
    clocked = idle_worker(jobs, queues=names)

    for n, name in enumerate(names):
        now = datetime.now(UTC)
        jobs.enqueue(Ping(n), queue=name)
        assert clocked.wait_for(n, since=now) < AT_ONCE


def test_one_of_several_idle_workers_wakes_and_then_the_next(redis_make: MakeJobs) -> None:
    """B13"""
    gate = Gate()
    crew = [redis_make() for _ in range(3)]
    for jobs in crew:
        jobs.register(gate.handle, job=Ping)
        jobs.start(poll=POLL, concurrency=2)
        jobs.drain(timeout=MINUTE)

    crew[0].enqueue_many([Ping(n) for n in range(6)])
    gate.wait_for(6, within=AT_ONCE)
    gate.open()
    for jobs in crew:
        jobs.drain(timeout=MINUTE)

    assert gate.passed == 6


@pytest.mark.parametrize("how", ["delay", "run_at"])
def test_a_delayed_job_starts_when_it_is_due(jobs: WorkingJobs, how: str) -> None:
    """B8, B13"""
    clocked = idle_worker(jobs)

    delay = timedelta(milliseconds=300)
    due = datetime.now(UTC) + delay
    handle = (
        jobs.enqueue(Ping(1), delay=delay) if how == "delay" else jobs.enqueue(Ping(1), run_at=due)
    )
    late = clocked.wait_for(1, since=handle.wait(MINUTE).run_at)

    assert 0 <= late < AT_ONCE


def test_an_earlier_job_is_not_missed_while_waiting_for_a_later_one(jobs: WorkingJobs) -> None:
    """B13"""
    clocked = idle_worker(jobs)
    jobs.enqueue(Ping(1), delay=timedelta(seconds=20))
    jobs.drain(timeout=MINUTE)

    now = datetime.now(UTC)
    jobs.enqueue(Ping(2), delay=timedelta(milliseconds=200))

    assert 0.199 <= clocked.wait_for(2, since=now) < AT_ONCE  # stores count milliseconds


def test_a_retry_starts_when_it_is_due(jobs: WorkingJobs) -> None:
    """B13"""
    tries = list[datetime]()
    clock = SystemClock()

    @jobs.register
    def fail_once(job: Flaky, ctx: JobContext) -> None:
        tries.append(clock.now())
        if ctx.attempt == 1:
            raise ValueError

    idle_worker(jobs)
    jobs.enqueue(Flaky()).wait(MINUTE)

    assert (tries[1] - tries[0]).total_seconds() < AT_ONCE


def test_a_job_of_a_limited_type_follows_the_one_before(jobs: WorkingJobs) -> None:
    """B13, B26"""
    jobs.register(do_nothing, job=Alone)
    idle_worker(jobs)

    now = datetime.now(UTC)
    handles = jobs.enqueue_many([Alone(n) for n in range(30)])
    for handle in handles:
        handle.wait(MINUTE)

    assert (datetime.now(UTC) - now).total_seconds() < AT_ONCE


def test_a_worker_whose_slots_were_full_goes_on_at_once(jobs: WorkingJobs) -> None:
    """B13"""
    gate = Gate()
    jobs.register(gate.handle, job=Flaky)
    clocked = idle_worker(jobs, concurrency=1)
    jobs.enqueue(Flaky())
    gate.wait_for(1)
    jobs.enqueue_many([Ping(n) for n in range(5)])

    now = datetime.now(UTC)
    gate.open()

    assert max(clocked.wait_for(n, since=now) for n in range(5)) < AT_ONCE


def test_an_idle_worker_costs_next_to_nothing(redis_make: MakeJobs) -> None:
    """B13: it blocks, and looks once a poll."""
    jobs = redis_make()
    idle_worker(jobs)

    used = time.process_time()
    threading.Event().wait(0.5)  # what is measured is that nothing happens

    assert time.process_time() - used < 0.1
