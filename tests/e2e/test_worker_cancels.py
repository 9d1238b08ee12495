"""Cancel and delete while a job waits and while it runs."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from jobkit import Hooks, JobContext, JobNotFound, Retry
from jobkit.worker import WorkingJobs
from tests.e2e.handling import collecting, do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually, heard, seconds_until

MINUTE = timedelta(minutes=1)


class Told:
    """A handler that waits until it is told to stop, and says why it was."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.stopped = threading.Event()
        self.reason: str | None = None

    def run(self, job: Ping, ctx: JobContext) -> str:
        self.started.set()
        ctx.enqueue(Pong())
        ctx.cancelled.wait(20)
        self.reason = ctx.cancelled.reason
        self.stopped.set()
        return "done all the same"

    async def run_async(self, job: Ping, ctx: JobContext) -> str:
        self.started.set()
        await ctx.aio.enqueue(Pong())
        try:
            await asyncio.sleep(20)
        finally:
            self.reason = ctx.cancelled.reason
            self.stopped.set()
        return "never"


@pytest.fixture(params=["sync", "async"])
def told(request: pytest.FixtureRequest, jobs: WorkingJobs) -> Told:
    """Register a handler that waits to be told."""
    handler = Told()
    jobs.register(handler.run if request.param == "sync" else handler.run_async, job=Ping)
    return handler


def test_a_waiting_job_is_cancelled_at_once(jobs: WorkingJobs) -> None:
    """B44"""
    handle = jobs.enqueue(Ping())

    assert handle.cancel()

    assert handle.record().state == "cancelled"
    assert not handle.cancel()


def test_a_running_job_hears_of_its_cancel_within_a_second(jobs: WorkingJobs, told: Told) -> None:
    """B44"""
    jobs.start()
    handle = jobs.enqueue(Ping())
    heard(told.started)

    assert handle.cancel()
    took = seconds_until(told.stopped.is_set)
    record = handle.wait(MINUTE)

    assert took < 3  # 1 s between heartbeats, on a machine that is busy with more than us
    assert told.reason == "cancel"
    assert record.state == "cancelled"
    assert record.cancel_requested_at is not None
    assert record.result is None
    assert not handle.cancel()


def test_the_children_of_a_cancelled_job_are_dropped(jobs: WorkingJobs, told: Told) -> None:
    """B41, B44"""
    ran: list[int] = []
    jobs.register(collecting(ran), job=Pong)
    jobs.start()
    handle = jobs.enqueue(Ping())
    heard(told.started)

    handle.cancel()
    assert handle.wait(MINUTE).state == "cancelled"
    jobs.drain(timeout=MINUTE)

    assert ran == []


def test_a_cancelled_handler_that_asks_for_a_retry_is_cancelled(jobs: WorkingJobs) -> None:
    """B44"""
    started = threading.Event()

    @jobs.register
    def stubborn(job: Ping, ctx: JobContext) -> None:
        started.set()
        ctx.cancelled.wait(20)
        raise Retry(delay=timedelta(0))

    jobs.start()
    handle = jobs.enqueue(Ping())
    heard(started)
    handle.cancel()
    record = handle.wait(MINUTE)

    assert record.state == "cancelled"
    assert record.starts == 1


def test_a_cancel_that_comes_as_the_handler_ends_has_one_outcome(jobs: WorkingJobs) -> None:
    """B44: who reaches the store first wins, and `cancel` says who it was."""
    jobs.register(do_nothing, job=Ping)
    jobs.start()

    for n in range(60):
        handle = jobs.enqueue(Ping(n))
        if n % 3:
            eventually(lambda handle=handle: handle.record().state != "queued")  # type: ignore[misc]
        cancelled = handle.cancel()
        record = handle.wait(MINUTE)
        assert record.state == ("cancelled" if cancelled else "succeeded")


def test_on_cancel_is_called_once(jobs: WorkingJobs, told: Told) -> None:
    """B30, B44"""
    calls: list[tuple[str, str]] = []
    jobs.hooks(
        Hooks(
            on_cancel=lambda record, attempt: calls.append(
                (record.state, attempt.outcome if attempt else "waiting")
            ),
            on_success=lambda record, attempt: calls.append((record.state, "success")),
        )
    )
    jobs.start()
    handle = jobs.enqueue(Ping())
    heard(told.started)

    handle.cancel()
    handle.wait(MINUTE)
    eventually(lambda: calls)
    jobs.drain(timeout=MINUTE)

    assert calls == [("cancelled", "cancelled")]


def test_a_deleted_job_does_not_come_back(jobs: WorkingJobs, told: Told) -> None:
    """B46"""
    jobs.start()
    handle = jobs.enqueue(Ping())
    heard(told.started)

    assert handle.delete()
    heard(told.stopped)
    jobs.drain(timeout=MINUTE)

    assert told.reason == "deleted"
    assert not handle.delete()
    with pytest.raises(JobNotFound, match=handle.id):
        handle.record()


def test_a_deleted_job_frees_its_slot(jobs: WorkingJobs, told: Told) -> None:
    """B46"""
    jobs.register(do_nothing, job=Pong)
    jobs.start(concurrency=1)
    handle = jobs.enqueue(Ping())
    heard(told.started)
    waiting = jobs.enqueue(Pong())

    handle.delete()

    assert waiting.wait(MINUTE).state == "succeeded"


def test_a_prefetched_job_can_be_cancelled(jobs: WorkingJobs) -> None:
    """B44"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start(concurrency=1, prefetch=1)
    first = jobs.enqueue(Ping(1))
    gate.wait_for(1)
    second = jobs.enqueue(Ping(2))
    eventually(lambda: second.record().state == "running")

    assert second.cancel()
    gate.open()
    record = second.wait(MINUTE)

    assert record.state == "cancelled"
    assert record.result is None
    assert first.wait(MINUTE).state == "succeeded"
