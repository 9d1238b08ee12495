"""A store whose clock is apart from the test's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import jobkit
from tests.unit.testing.samples import (
    HOUR,
    SECOND,
    START,
    SendMail,
    Slow,
    done,
    jobs_of,
)


def test_a_store_whose_clock_is_behind_makes_jobs_due_later() -> None:
    """B8: the clock is the store's."""
    jobs = jobs_of(done)
    jobs.faults.skew(timedelta(minutes=-2))
    jobs.enqueue(SendMail(1), run_at=START)

    assert jobs.drain().left["future"] == 1
    assert jobs.run_for(timedelta(seconds=119)).succeeded == 0
    assert jobs.run_for(SECOND).succeeded == 1
    assert jobs.clock.now() == START + timedelta(minutes=2)


def test_a_store_whose_clock_is_ahead_makes_jobs_due_earlier() -> None:
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1), delay=HOUR)
    jobs.faults.skew(timedelta(minutes=59))

    report = jobs.run_for(timedelta(minutes=1))

    assert report.succeeded == 1
    assert report.ran.one.started_at == START + HOUR


def test_a_delay_is_added_by_the_store_s_clock() -> None:
    """B8"""
    jobs = jobs_of(done)
    jobs.faults.skew(HOUR)
    jobs.enqueue(SendMail(1), delay=SECOND)

    assert jobs.run_for(SECOND).succeeded == 1
    assert jobs.assert_performed(SendMail).one.run_at == START + HOUR + SECOND


def test_deadlines_are_the_worker_s() -> None:
    """B28"""
    jobs = jobs_of()

    @jobs.register
    async def slow(job: Slow, ctx: jobkit.JobContext) -> None:
        assert ctx.deadline == START + 30 * SECOND
        await asyncio.sleep(29)

    jobs.faults.skew(HOUR)

    assert jobs.perform(Slow()).state == "succeeded"


def test_schedules_tick_by_the_store_s_clock() -> None:
    jobs = jobs_of(done)
    jobs.faults.skew(timedelta(minutes=30))
    jobs.schedule("@hourly", SendMail(1))

    assert jobs.run_for(timedelta(minutes=29)).succeeded == 0
    assert jobs.run_for(timedelta(minutes=1)).succeeded == 1
