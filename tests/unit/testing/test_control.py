"""Cancelling and deleting, while jobs wait and while they run."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import jobkit
from jobkit.record import Attempt, JobRecord
from tests.unit.testing.samples import HOUR, SECOND, START, Audit, SendMail, Slow, done, jobs_of


def test_a_waiting_job_is_cancelled_at_once_and_does_not_run() -> None:
    """B44"""
    jobs = jobs_of(done)
    handle = jobs.enqueue(SendMail(1), delay=SECOND)

    assert handle.cancel()
    report = jobs.run_for(HOUR - SECOND)

    assert not report
    assert handle.record().state == "cancelled"


def test_a_sync_handler_that_is_cancelled_is_told_at_once() -> None:
    """B44"""
    jobs = jobs_of()
    told: list[object] = []

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> str:
        ctx.enqueue(Audit())
        assert jobs.inspect.cancel(ctx.id)
        told.append((ctx.cancelled.is_set(), ctx.cancelled.reason))
        return "done"

    record = jobs.perform(SendMail(1))

    assert told == [(True, "cancel")]
    assert (record.state, record.result) == ("cancelled", None)
    assert record.cancel_requested_at == START
    assert record == jobs.inspect.get(record.id)
    jobs.assert_cancelled(SendMail, 1)
    jobs.assert_not_queued(Audit)


def test_an_async_handler_that_is_cancelled_is_stopped() -> None:
    """B44"""
    jobs = jobs_of()
    handles: list[jobkit.JobHandle[SendMail]] = []

    @jobs.register
    async def send(job: SendMail) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(cancel_soon())
            await asyncio.sleep(60)

    async def cancel_soon() -> None:
        await asyncio.sleep(5)
        handles[0].cancel()

    handles.append(jobs.enqueue(SendMail(1)))
    report = jobs.drain()

    assert report.cancelled == 1
    assert jobs.clock.now() == START + 5 * SECOND


def test_a_job_that_failed_after_a_cancel_is_not_run_again() -> None:
    """B44"""
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        jobs.inspect.cancel(ctx.id)
        raise OSError

    record = jobs.perform(SendMail(1))

    assert record.state == "cancelled"
    assert not jobs.run_for(HOUR)


def test_a_job_that_is_deleted_while_it_runs_does_not_come_back() -> None:
    """B46"""
    jobs = jobs_of()
    told: list[object] = []

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        jobs.inspect.delete(ctx.id)
        told.append(ctx.cancelled.reason)

    handle = jobs.enqueue(SendMail(1))
    report = jobs.drain()

    assert told == ["deleted"]
    assert not report
    with pytest.raises(jobkit.JobNotFound):
        handle.record()
    jobs.assert_performed(SendMail, 0)


def test_a_reset_tells_the_handler_that_runs() -> None:
    """B46"""
    jobs = jobs_of()
    told: list[object] = []

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        jobs.reset()
        told.append(ctx.cancelled.reason)

    jobs.perform(SendMail(1))

    assert told == ["deleted"]
    jobs.assert_empty()


def test_a_cancel_after_the_deadline_changes_nothing_for_the_handler() -> None:
    """B28, B44"""
    jobs = jobs_of()
    told: list[object] = []

    @jobs.register
    def slow(job: Slow, ctx: jobkit.JobContext) -> None:
        jobs.clock.advance(HOUR)
        jobs.inspect.cancel(ctx.id)
        told.append(ctx.cancelled.reason)

    record = jobs.perform(Slow(), raises=False)

    assert told == ["timeout"]
    assert record.state == "cancelled"
    assert record.timed_out_at == START + timedelta(seconds=30)


def test_cancelling_a_waiting_job_calls_the_hook() -> None:
    """B30, B44"""
    jobs = jobs_of(done)
    heard: list[tuple[str, Attempt | None]] = []

    def on_cancel(record: JobRecord[object], attempt: Attempt | None) -> None:
        heard.append((record.state, attempt))

    jobs.hooks(jobkit.Hooks(on_cancel=on_cancel))
    handle = jobs.enqueue(SendMail(1))

    handle.cancel()
    handle.cancel()

    assert heard == [("cancelled", None)]


def test_the_async_handle_cancels_too() -> None:
    """B44"""
    jobs = jobs_of(done)

    async def scenario() -> None:
        handle = await jobs.aio.enqueue(SendMail(1))
        assert await handle.cancel()
        assert not await jobs.aio.drain()

    asyncio.run(scenario())

    jobs.assert_cancelled(SendMail, 1)
