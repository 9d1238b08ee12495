"""`jobs.inspect.queues` (B47)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jobkit
from jobkit import JobState
from jobkit_testing import TestingJobs

SECOND = timedelta(seconds=1)


@jobkit.job(name="queues.Charge")
@dataclass(frozen=True)
class Charge:
    order: int


@jobkit.job(name="queues.Mail", queue="mail")
@dataclass(frozen=True)
class Mail:
    to: int


def a_backend() -> TestingJobs:
    jobs = TestingJobs(start=datetime(2030, 1, 1, tzinfo=UTC))

    @jobs.register
    def charge(job: Charge) -> None:
        jobs.clock.advance(2 * SECOND)
        if job.order == 3:
            raise jobkit.Dead("no such order")

    return jobs


def test_a_queue_says_what_is_where_and_how_it_goes() -> None:
    """B47: counts by state and type, the oldest due job, and the pace of the last minutes."""
    jobs = a_backend()
    jobs.enqueue_many([Charge(n) for n in range(4)])
    jobs.drain(raises=False)
    jobs.enqueue(Charge(5))
    jobs.enqueue(Charge(6), delay=10 * SECOND)
    jobs.enqueue(Charge(7), delay=timedelta(hours=1))
    jobs.enqueue(Mail(8))
    jobs.clock.advance(22 * SECOND)

    default, mail = jobs.inspect.queues()

    assert (default.name, mail.name) == ("default", "mail")
    assert {s.value: n for s, n in default.counts.items() if n} == {
        "queued": 1,
        "scheduled": 2,
        "succeeded": 3,
        "dead": 1,
    }
    assert set(default.counts) == set(default.by_type) == set(JobState)
    assert default.by_type[JobState.SUCCEEDED] == {"queues.Charge": 3}
    assert mail.by_type[JobState.QUEUED] == {"queues.Mail": 1}
    assert (default.due, default.oldest_due) == (2, 22 * SECOND)
    assert (mail.due, mail.oldest_due) == (1, 22 * SECOND)
    assert (default.failure_rate, default.mean_duration) == (0.25, 2 * SECOND)
    assert default.throughput > 0
    assert default.time_to_empty == timedelta(seconds=2 / default.throughput)
    assert (mail.throughput, mail.failure_rate, mail.mean_duration) == (0, None, None)
    assert mail.time_to_empty is None


def test_a_queue_says_whether_it_is_paused() -> None:
    """B27, B47"""
    jobs = a_backend()
    jobs.enqueue(Charge(1))
    jobs.enqueue(Mail(1))
    jobs.inspect.pause(queue="mail")
    jobs.inspect.pause(type=Charge)

    default, mail = jobs.inspect.queues()

    assert (default.paused, mail.paused) == (False, True)
    assert default.paused_types == mail.paused_types == ("queues.Charge",)


def test_an_empty_backend_has_no_queues() -> None:
    """B42, B47: and looking makes none."""
    jobs = a_backend()

    assert jobs.inspect.queues() == jobs.inspect.queues() == ()


def test_the_async_twin_says_the_same() -> None:
    """B5, B47"""
    jobs = a_backend()
    jobs.enqueue(Mail(1))

    assert asyncio.run(jobs.aio.inspect.queues()) == jobs.inspect.queues()


def test_live_workers_are_counted() -> None:
    """B47, B48: those that serve the queue."""
    jobs = jobkit.MemoryJobs()

    @jobs.register
    def charge(job: Charge) -> None:
        pass

    with jobs:
        jobs.start(queues=["a", "b"], concurrency=1)
        workers = {info.name: info.workers for info in jobs.inspect.queues()}

    assert workers == {"a": 1, "b": 1}
