"""B10: queues that give their jobs by due time first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobkit import InvalidOption, QueueOptions
from jobkit.worker import WorkingJobs
from jobkit_testing import TestingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import collecting, do_nothing
from tests.e2e.jobtypes import Ping
from tests.e2e.waiting import Gate

LONG = timedelta(seconds=30)
PAST = datetime(2026, 1, 1, tzinfo=UTC)
BY_TIME = {"mail": QueueOptions(order="run_at")}
BY_PRIORITY = {"mail": QueueOptions(order="priority")}


def fill(jobs: Any) -> None:
    """Enqueue three jobs, whose priorities run against their due times."""
    for n in (2, 0, 1):
        at = PAST + timedelta(seconds=n)
        jobs.enqueue(Ping(n), queue="mail", priority=-n, run_at=at)


class Served:
    """A backend that notes which jobs it runs."""

    def __init__(self, jobs: WorkingJobs) -> None:
        self._jobs = jobs
        self._ran: list[int] = []
        jobs.register(collecting(self._ran), job=Ping)

    def run(self) -> list[int]:
        """Run what waits in the queue, one after the other."""
        self._jobs.start(queues=["mail"], concurrency=1)
        self._jobs.drain(timeout=LONG)
        self._jobs.shutdown()
        ran, self._ran[:] = list(self._ran), []
        return ran


def test_due_times_are_first(make_jobs: MakeJobs) -> None:
    """B10"""
    jobs = make_jobs(queues=BY_TIME)
    fill(jobs)

    assert Served(jobs).run() == [0, 1, 2]


def test_a_test_has_the_same_order() -> None:
    """B10, B55"""
    jobs = TestingJobs(queues=BY_TIME)
    ran: list[int] = []
    jobs.register(collecting(ran), job=Ping)
    fill(jobs)

    jobs.drain()

    assert ran == [0, 1, 2]


def test_a_producer_that_does_not_name_the_queue_takes_what_there_is(redis_make: MakeJobs) -> None:
    """B10: the order is kept with the queue."""
    jobs, other = redis_make(queues=BY_TIME), redis_make()
    jobs.enqueue(Ping(9), queue="mail", run_at=PAST + LONG)
    fill(other)

    assert Served(other).run() == [0, 1, 2, 9]


def test_another_order_is_refused_until_nothing_waits(redis_make: MakeJobs) -> None:
    """B10, B57: nothing of the refused enqueue is stored, on any path to it."""
    jobs, other = redis_make(queues=BY_PRIORITY), redis_make(queues=BY_TIME)
    first = jobs.enqueue(Ping(1), queue="mail")

    def publish() -> None:
        with other.transaction() as tx:
            tx.enqueue(Ping(3))
            tx.enqueue(Ping(4), queue="mail")

    async def refused() -> None:
        with pytest.raises(InvalidOption, match="'mail'"):
            await other.aio.enqueue(Ping(2), queue="mail")
        await other.aio.close()

    with pytest.raises(InvalidOption, match="order='run_at', but its jobs are in order 'priority'"):
        fill(other)
    with pytest.raises(InvalidOption, match="'mail'"):
        publish()
    asyncio.run(refused())

    assert Served(jobs).run() == [1]
    assert first.record().state == "succeeded"
    fill(other)
    with pytest.raises(InvalidOption, match="order='priority'"):
        jobs.enqueue(Ping(5), queue="mail")


def test_a_worker_orders_the_empty_queues_that_its_backend_names(redis_make: MakeJobs) -> None:
    """B10: so that producers need not."""
    worker, producer = redis_make(queues=BY_TIME), redis_make()
    worker.register(do_nothing, job=Ping)
    worker.start(queues=["default"])
    worker.enqueue(Ping(0)).wait(LONG)
    worker.shutdown()

    fill(producer)

    assert Served(producer).run() == [0, 1, 2]


def test_a_worker_drains_a_queue_that_has_another_order_and_says_so(
    redis_make: MakeJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """B10: it must become empty before the order can change."""
    producer, worker = redis_make(), redis_make(queues=BY_TIME)
    served = Served(worker)
    fill(producer)

    assert served.run() == [2, 1, 0]

    assert "queue 'mail' is to have order='run_at'; it keeps its other one" in caplog.text
    fill(worker)
    assert served.run() == [0, 1, 2]


def test_a_running_job_keeps_the_order(redis_make: MakeJobs) -> None:
    """B10: it may come back."""
    jobs, other = redis_make(queues=BY_TIME), redis_make(queues=BY_PRIORITY)
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.enqueue(Ping(1), queue="mail")
    jobs.start(queues=["mail"])
    gate.wait_for(1)

    with pytest.raises(InvalidOption, match="waits or runs"):
        other.enqueue(Ping(2), queue="mail")

    gate.open()
