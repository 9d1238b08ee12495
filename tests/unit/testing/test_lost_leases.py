"""Leases that are lost while a handler runs, noticed or not."""

from __future__ import annotations

import asyncio

import pytest

import jobkit
from tests.unit.testing.faulty import Counting, Once, keep
from tests.unit.testing.samples import (
    Audit,
    SendMail,
    Slow,
    jobs_of,
)


@pytest.mark.parametrize("copies", [2, 3])
def test_a_duplicate_runs_so_many_times_and_one_of_them_counts(copies: int) -> None:
    """B38: the store refuses the others."""
    counting = Counting()
    counting.jobs.faults.duplicate(SendMail, copies)

    record = counting.jobs.perform(SendMail(1))

    assert counting.calls == [1] * copies
    assert (record.state, record.starts, record.losses) == ("succeeded", copies, copies - 1)
    counting.jobs.assert_queued(Audit, 1)
    assert str(counting.jobs.timeline).count("#1 lost\n") == copies - 1


def test_a_duplicate_of_an_async_handler() -> None:
    jobs = jobs_of()
    calls: list[int] = []

    @jobs.register
    async def slow(job: Slow) -> None:
        await asyncio.sleep(job.seconds)
        calls.append(1)

    jobs.faults.duplicate(Slow)

    assert jobs.perform(Slow(5)).state == "succeeded"
    assert len(calls) == 2


def test_a_duplicate_of_a_job_that_may_run_once_only_is_not_delivered() -> None:
    """B37: `on_lost="dead"`."""
    jobs = jobs_of()
    calls: list[object] = []
    jobs.register(calls.append, job=Once)
    jobs.faults.duplicate(Once)

    jobs.enqueue(Once())
    jobs.drain()

    assert len(calls) == 1
    jobs.assert_dead(Once, 1)


def test_a_handler_is_told_that_its_lease_is_lost() -> None:
    """B38: what it does on the job's behalf is refused, and the job runs again."""
    jobs = jobs_of(keep)
    seen: list[str | None] = []

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        seen.append(ctx.cancelled.reason)
        ctx.enqueue(Audit(f"run {len(seen)}"))
        ctx.checkin(f"run {len(seen)}")

    jobs.faults.lose_lease(SendMail)
    handle = jobs.enqueue(SendMail(1))
    report = jobs.drain()

    assert seen == ["lost", None]
    assert report.succeeded == 2
    assert jobs.assert_performed(Audit).one.payload == Audit("run 2")
    assert str(jobs.timeline).count("checked in") == 1
    assert (handle.record().state, handle.record().losses) == ("succeeded", 1)


def test_an_async_handler_that_lost_its_lease_is_cancelled() -> None:
    """B38"""
    jobs = jobs_of()
    seen: list[str] = []

    @jobs.register
    async def slow(job: Slow) -> None:
        seen.append("begun")
        await asyncio.sleep(1)
        seen.append("ended")

    jobs.faults.lose_lease(Slow)
    jobs.enqueue(Slow())
    jobs.drain()

    assert seen == ["begun", "begun", "ended"]


def test_a_worker_that_lost_a_lease_goes_on() -> None:
    counting = Counting()
    counting.jobs.faults.lose_lease(SendMail(1))
    counting.jobs.enqueue_many([SendMail(1), SendMail(2)])

    counting.jobs.drain()

    assert counting.calls == [1, 1, 2]
    assert {record.worker for record in counting.jobs.assert_performed(SendMail)} == {"testing"}
