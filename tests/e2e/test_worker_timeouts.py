"""What happens at a deadline, and after it."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from jobkit import JobContext, JobState
from jobkit.clock import SystemClock
from jobkit.worker import WorkingJobs
from tests.e2e.handling import calling
from tests.e2e.jobtypes import Alone, Flaky, Ping, Pong
from tests.e2e.waiting import Gate, eventually, heard

MINUTE = timedelta(minutes=1)
SHORT = timedelta(milliseconds=50)
LONG = timedelta(minutes=5)


def test_a_sync_handler_is_told_at_its_deadline(jobs: WorkingJobs) -> None:
    """B28"""
    reasons: list[str | None] = []

    @jobs.register
    def look(job: Ping, ctx: JobContext) -> str:
        assert ctx.deadline is not None
        ctx.cancelled.wait(20)
        reasons.append(ctx.cancelled.reason)
        return "a result that comes too late"

    jobs.start()
    handle = jobs.enqueue(Ping(), timeout=SHORT, max_timeout_retries=0)
    record = handle.wait(MINUTE)

    assert reasons == ["timeout"]
    assert record.state == "dead"
    assert record.result is None
    assert record.error is not None
    assert record.error.outcome == "timed_out"
    assert record.error.error_type == "TimeoutError"
    assert record.timed_out_at is not None


def test_an_async_handler_is_cancelled_at_its_deadline(jobs: WorkingJobs) -> None:
    """B28"""
    reasons: list[str | None] = []

    @jobs.register
    async def hang(job: Ping, ctx: JobContext) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            reasons.append(ctx.cancelled.reason)
            raise

    jobs.start()
    record = jobs.enqueue(Ping(), timeout=SHORT, max_timeout_retries=0).wait(MINUTE)

    assert reasons == ["timeout"]
    assert record.state == "dead"
    assert record.error is not None
    assert record.error.outcome == "timed_out"


def test_the_record_shows_a_timeout_while_the_handler_still_runs(jobs: WorkingJobs) -> None:
    """B28"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start(abandon_after=LONG)

    handle = jobs.enqueue(Ping(), timeout=SHORT)
    eventually(lambda: handle.record().timed_out_at)
    record = handle.record()

    assert record.state == "running"
    assert record.timed_out_at is not None
    assert record.started_at is not None
    assert record.timed_out_at - record.started_at >= SHORT
    gate.open()
    eventually(lambda: handle.record().state == "retrying")


@pytest.mark.parametrize("how", ["sync", "async"])
def test_timeouts_are_counted_apart_from_failures(jobs: WorkingJobs, how: str) -> None:
    """B33"""

    def hang(job: Flaky, ctx: JobContext) -> None:
        ctx.cancelled.wait(20)

    async def hang_async(job: Flaky) -> None:
        await asyncio.sleep(60)

    jobs.register(hang if how == "sync" else hang_async, job=Flaky)
    jobs.start()
    handle = jobs.enqueue(Flaky(), timeout=SHORT, max_timeout_retries=2, max_retries=0)
    record = handle.wait(MINUTE)

    assert record.state == "dead"
    assert record.starts == 3
    assert [attempt.outcome for attempt in record.attempts] == ["timed_out"] * 3
    assert record.retries_left == 0


def test_a_handler_that_does_not_stop_is_abandoned(jobs: WorkingJobs) -> None:
    """B28"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start(concurrency=1, abandon_after=SHORT)

    handle = jobs.enqueue(Ping(), timeout=SHORT, max_timeout_retries=0)
    record = handle.wait(MINUTE)

    assert record.state == "dead"
    assert record.error is not None
    assert "abandoned" in str(record.error.message)
    assert gate.inside == 1
    gate.open()


def test_an_abandoned_handler_keeps_its_slot_until_it_returns(jobs: WorkingJobs) -> None:
    """B28"""
    stuck, gate = Gate(), Gate()
    jobs.register(stuck.handle, job=Ping)
    jobs.register(gate.handle, job=Pong)
    jobs.start(concurrency=2, abandon_after=SHORT)
    abandoned = jobs.enqueue(Ping(), timeout=SHORT, max_timeout_retries=0)
    assert abandoned.wait(MINUTE).state == "dead"

    waiting = jobs.enqueue_many([Pong(n) for n in range(2)])
    gate.wait_for(1)
    eventually(lambda: sum(h.record().state == "running" for h in waiting) == 1)
    stuck.open()
    gate.wait_for(2)
    gate.open()

    assert [h.wait(MINUTE).state for h in waiting] == ["succeeded"] * 2
    assert abandoned.record().state == "dead"


def test_an_abandoned_job_frees_its_place_among_the_limited(jobs: WorkingJobs) -> None:
    """B26, B28"""
    stuck = Gate()
    jobs.register(calling(lambda job: stuck.enter() if job.n == 0 else None), job=Alone)
    jobs.start(concurrency=4, abandon_after=SHORT)
    first = jobs.enqueue(Alone(0), timeout=timedelta(milliseconds=300), max_timeout_retries=0)
    stuck.wait_for(1)
    second = jobs.enqueue(Alone(1))

    assert second.record().state == "queued"
    assert second.wait(MINUTE).state == "succeeded"
    assert first.record().state == "dead"
    stuck.open()


def test_the_hook_of_an_abandoned_job_is_called_though_no_thread_is_left(
    jobs: WorkingJobs,
) -> None:
    """B28, B30"""
    from jobkit import Hooks

    stuck, told = Gate(), threading.Event()
    jobs.register(stuck.handle, job=Ping)
    jobs.hooks(Hooks(on_dead=lambda record, attempt: told.set()))
    jobs.start(concurrency=1, abandon_after=SHORT)

    jobs.enqueue(Ping(), timeout=SHORT, max_timeout_retries=0)

    heard(told)
    assert stuck.inside == 1
    stuck.open()


def test_a_worker_with_all_slots_abandoned_claims_no_more_and_says_so(jobs: WorkingJobs) -> None:
    """B28"""
    stuck = Gate()
    jobs.register(stuck.handle, job=Ping)
    jobs.start(concurrency=2, abandon_after=SHORT, poll=timedelta(milliseconds=20))
    worker = jobs.worker
    assert worker is not None
    for handle in jobs.enqueue_many([Ping(0), Ping(1)], timeout=SHORT, max_timeout_retries=0):
        assert handle.wait(MINUTE).state == "dead"

    third = jobs.enqueue(Ping(2))
    eventually(lambda: worker.is_exhausted)

    assert third.record().state == "queued"
    assert jobs.drain(timeout=MINUTE).left["limited"] == 1
    jobs.shutdown(timeout=timedelta(0))
    assert third.record().state == "queued"
    stuck.open()


def test_a_worker_with_all_slots_abandoned_does_not_spin(jobs: WorkingJobs) -> None:
    """B28"""
    stuck = Gate()
    jobs.register(stuck.handle, job=Ping)
    jobs.start(concurrency=1, abandon_after=SHORT, poll=timedelta(milliseconds=20))
    worker = jobs.worker
    assert worker is not None
    jobs.enqueue(Ping(), timeout=SHORT, max_timeout_retries=0).wait(MINUTE)
    jobs.enqueue(Ping())
    eventually(lambda: worker.is_exhausted)

    used = time.process_time()
    threading.Event().wait(0.5)  # what is measured is that nothing happens
    used = time.process_time() - used

    assert used < 0.25
    stuck.open()


def test_many_handlers_time_out_at_the_same_moment(jobs: WorkingJobs) -> None:
    """B28"""
    late: list[float] = []
    clock = SystemClock()

    @jobs.register
    def hang(job: Ping, ctx: JobContext) -> None:
        ctx.cancelled.wait(20)
        assert ctx.deadline is not None
        late.append((clock.now() - ctx.deadline).total_seconds())

    jobs.start(concurrency=20)
    handles = jobs.enqueue_many(
        [Ping(n) for n in range(20)], timeout=timedelta(milliseconds=300), max_timeout_retries=0
    )

    assert [h.wait(MINUTE).state for h in handles] == [JobState.DEAD] * 20
    assert min(late) >= 0
    assert max(late) < 5


def test_a_handler_that_ends_at_its_deadline_has_one_end(jobs: WorkingJobs) -> None:
    """B28, B42: whoever is first decides; nothing is counted twice."""

    @jobs.register
    def just_so(job: Ping, ctx: JobContext) -> None:
        ctx.cancelled.wait(0.03)

    jobs.start(concurrency=10)
    handles = jobs.enqueue_many(
        [Ping(n) for n in range(40)],
        timeout=timedelta(milliseconds=30),
        max_timeout_retries=0,
        max_retries=0,
    )
    records = [h.wait(MINUTE) for h in handles]

    assert {record.state for record in records} <= {JobState.DEAD, JobState.SUCCEEDED}
    assert {len(record.attempts) for record in records} == {1}
