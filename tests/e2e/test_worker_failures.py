"""Handlers that fail, in every way that Python has."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobkit import Dead, Discard, JobContext, JobState, Retry, Snooze
from jobkit.worker import WorkingJobs
from tests.e2e.handling import do_nothing, looking, returning
from tests.e2e.jobtypes import Flaky, Forgotten, Ping, Pong
from tests.e2e.waiting import eventually

MINUTE = timedelta(minutes=1)
NOTHING = timedelta(0)
STOPPERS = [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()]


def raising(error: BaseException) -> Callable[[Any], None]:
    def handler(job: Flaky | Forgotten) -> None:
        raise error

    return handler


def raising_async(error: BaseException) -> Callable[[Any], Awaitable[None]]:
    async def handler(job: Flaky) -> None:
        await asyncio.sleep(0)
        raise error

    return handler


def retry_after(delay: timedelta) -> Retry:
    return Retry(delay=delay)


def test_a_failing_job_comes_back_by_itself_until_it_succeeds(jobs: WorkingJobs) -> None:
    """B13, B33, B34"""
    attempts: list[tuple[int, int | None]] = []

    @jobs.register
    def third_time_lucky(job: Flaky, ctx: JobContext) -> str:
        attempts.append((ctx.attempt, ctx.retries_left))
        if ctx.attempt < 3:
            raise ValueError(f"no {ctx.attempt}")
        return "yes"

    jobs.start()
    record = jobs.enqueue(Flaky(), max_retries=5).wait(MINUTE)

    assert attempts == [(1, 5), (2, 4), (3, 3)]
    assert record.state == "succeeded"
    assert record.result == "yes"
    assert [attempt.outcome for attempt in record.attempts] == ["failed", "failed", "succeeded"]
    assert [attempt.message for attempt in record.attempts] == ["no 1", "no 2", None]


def test_a_job_out_of_retries_is_dead_with_its_errors(jobs: WorkingJobs) -> None:
    """B33, B36"""
    jobs.register(raising(ValueError("never")), job=Flaky)
    jobs.start()

    record = jobs.enqueue(Flaky(), max_retries=2).wait(MINUTE)

    assert record.state == "dead"
    assert record.starts == 3
    assert record.retries_left == 0
    assert [attempt.number for attempt in record.attempts] == [1, 2, 3]
    assert record.error is not None
    assert record.error.error_type == "ValueError"
    assert "in handler" in str(record.error.traceback)


def test_the_last_ten_attempts_are_kept(jobs: WorkingJobs) -> None:
    """B36"""
    jobs.register(raising(ValueError("never")), job=Flaky)
    jobs.start()

    record = jobs.enqueue(Flaky(), max_retries=13).wait(MINUTE)

    assert record.starts == 14
    assert [attempt.number for attempt in record.attempts] == list(range(5, 15))


def test_a_type_may_leave_no_dead(jobs: WorkingJobs) -> None:
    """B36"""
    jobs.register(raising(ValueError("never")), job=Forgotten)
    jobs.start()
    handle = jobs.enqueue(Forgotten())

    report = jobs.drain(timeout=MINUTE)

    assert report.dead == 1
    assert report.ran.one.state == "dead"
    assert handle.delete() is False


@pytest.mark.parametrize("error", STOPPERS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("how", ["sync", "async"])
def test_what_would_end_a_program_ends_an_attempt(
    jobs: WorkingJobs, how: str, error: BaseException
) -> None:
    """B32"""
    jobs.register(raising(error) if how == "sync" else raising_async(error), job=Flaky)
    jobs.register(do_nothing, job=Ping)
    jobs.start(concurrency=2)

    record = jobs.enqueue(Flaky(), max_retries=1).wait(MINUTE)

    assert record.state == "dead"
    assert record.starts == 2
    assert record.error is not None
    assert type(error).__name__ in str(record.error.error_type)
    assert jobs.enqueue(Ping()).wait(MINUTE).state == "succeeded"


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_subtask_cannot_end_the_loop_of_the_others(
    jobs: WorkingJobs, error: BaseException
) -> None:
    """B32: asyncio lets these two through, out of `run_forever`."""
    others = asyncio.Event()

    async def quit_now() -> None:
        raise error

    @jobs.register
    async def spawn(job: Ping) -> None:
        await asyncio.create_task(quit_now())

    @jobs.register
    async def wait(job: Pong) -> str:
        await others.wait()
        return "still here"

    @jobs.register
    async def release(job: Flaky) -> None:
        others.set()

    jobs.start()
    waiting = jobs.enqueue(Pong())
    eventually(lambda: waiting.record().state == "running")
    quitter = jobs.enqueue(Ping(), max_retries=0)

    assert quitter.wait(MINUTE).state == "dead"
    jobs.enqueue(Flaky())
    assert waiting.wait(MINUTE).result == "still here"


def test_a_handler_cannot_stop_the_loop_of_the_others(jobs: WorkingJobs) -> None:
    """B32"""

    @jobs.register
    async def stop(job: Ping) -> None:
        asyncio.get_running_loop().stop()

    @jobs.register
    async def exit_soon(job: Flaky) -> None:
        asyncio.get_running_loop().call_soon(sys.exit)

    @jobs.register
    async def later(job: Pong) -> None:
        await asyncio.sleep(0.01)

    jobs.start()

    for _ in range(3):
        for each in (Ping(), Flaky(), Pong()):
            assert jobs.enqueue(each).wait(MINUTE).state == "succeeded"


def test_a_handler_chooses_when_to_be_retried(jobs: WorkingJobs) -> None:
    """B35"""

    @jobs.register
    def choose(job: Ping, ctx: JobContext) -> None:
        if ctx.attempt == 1:
            raise Retry(delay=NOTHING, reason="at once")
        if ctx.attempt == 2:
            raise Retry(at=datetime(1960, 1, 1, tzinfo=UTC), reason="long ago")
        if ctx.attempt == 3:
            raise Retry(at=datetime.now(UTC) + timedelta(milliseconds=50), reason="soon")

    jobs.start()
    record = jobs.enqueue(Ping()).wait(MINUTE)

    assert record.state == "succeeded"
    reasons = [attempt.message for attempt in record.attempts]
    assert reasons == ["at once", "long ago", "soon", None]


def test_a_retry_past_the_last_is_dead_with_its_reason(jobs: WorkingJobs) -> None:
    """B35"""
    jobs.register(raising(Retry(delay=NOTHING, reason="the API is down")), job=Flaky)
    jobs.start()

    record = jobs.enqueue(Flaky(), max_retries=1).wait(MINUTE)

    assert record.state == "dead"
    assert record.error is not None
    assert record.error.message == "the API is down"


def test_a_snooze_spends_nothing(jobs: WorkingJobs) -> None:
    """B35"""
    seen: list[int] = []

    @jobs.register
    def snooze_twice(job: Ping, ctx: JobContext) -> Snooze | None:
        seen.append(ctx.attempt)
        return Snooze(timedelta(milliseconds=30)) if len(seen) < 3 else None

    jobs.start()
    record = jobs.enqueue(Ping(), max_retries=0).wait(MINUTE)

    assert seen == [1, 1, 1]
    assert record.state == "succeeded"
    assert record.starts == 3


@pytest.mark.parametrize("how", ["raised", "returned"])
@pytest.mark.parametrize(
    ("verdict", "state"),
    [(Discard("not needed"), JobState.CANCELLED), (Dead("hopeless"), JobState.DEAD)],
)
def test_a_handler_decides_on_the_end(
    jobs: WorkingJobs, verdict: Discard | Dead, state: JobState, how: str
) -> None:
    """B35"""

    @jobs.register
    async def decide(job: Ping) -> object:
        if how == "raised":
            raise verdict
        return verdict

    jobs.start()
    record = jobs.enqueue(Ping()).wait(MINUTE)

    assert record.state == state
    assert record.starts == 1
    assert record.attempts[-1].message == verdict.reason


@pytest.mark.parametrize("longest", [timedelta.max, timedelta(days=3_000_000)])
@pytest.mark.parametrize("verdict", [Snooze, retry_after])
def test_the_longest_delay_is_far_away_and_can_be_read(
    jobs: WorkingJobs, verdict: Callable[[timedelta], Exception], longest: timedelta
) -> None:
    """B35, B43"""
    jobs.register(raising(verdict(longest)), job=Flaky)
    handle = jobs.enqueue(Flaky())

    jobs.drain(timeout=MINUTE)
    record = handle.record()

    assert record.state in (JobState.SCHEDULED, JobState.RETRYING)
    assert record.run_at.year > 2500
    assert handle.cancel()


def test_the_last_instant_of_time_can_be_asked_for(jobs: WorkingJobs) -> None:
    """B8, B35, B43"""
    last = datetime.max.replace(tzinfo=UTC)
    jobs.register(raising(Retry(at=last)), job=Flaky)
    retried = jobs.enqueue(Flaky())
    scheduled = jobs.enqueue(Flaky(), run_at=last)
    delayed = jobs.enqueue(Flaky(), delay=timedelta.max)

    jobs.drain(timeout=MINUTE)

    for handle in (retried, scheduled, delayed):
        assert handle.record().run_at.year > 2500
        assert not handle.record().due


def test_a_job_may_have_all_the_time_of_the_world(jobs: WorkingJobs) -> None:
    """B28"""
    deadlines: list[datetime | None] = []
    jobs.register(looking(lambda ctx: deadlines.append(ctx.deadline)), job=Ping)

    handle = jobs.enqueue(Ping(), timeout=timedelta.max)
    jobs.drain(timeout=MINUTE)

    assert handle.record().state == "succeeded"
    assert deadlines[0] is not None
    assert deadlines[0].year > 2500


def test_a_result_that_contains_itself_is_dropped(jobs: WorkingJobs) -> None:
    """B31"""
    endless: list[Any] = []
    endless.append(endless)
    jobs.register(returning(endless), job=Ping)
    jobs.start()

    record = jobs.enqueue(Ping()).wait(MINUTE)

    assert record.state == "succeeded"
    assert record.result is None


@pytest.mark.parametrize("value", ["\udc80", object(), float("nan"), {1: object()}, "x" * 70_000])
def test_a_result_that_cannot_be_kept_does_not_hurt(jobs: WorkingJobs, value: object) -> None:
    """B31"""
    jobs.register(returning(value), job=Ping)
    jobs.start()

    record = jobs.enqueue(Ping()).wait(MINUTE)

    assert record.state == "succeeded"
    assert record.result is None


def test_the_text_of_an_error_may_be_anything(jobs: WorkingJobs) -> None:
    """B36"""
    texts = ["\udc80", "\x00\n\r\t", "line\nline", '"}],{', "ß" * 10_000, "", "\u2028", "a" * 5000]

    @jobs.register
    def fail(job: Flaky) -> None:
        raise ValueError(texts[job.n])

    handles = [jobs.enqueue(Flaky(n), max_retries=1) for n in range(len(texts))]
    jobs.start()

    for handle in handles:
        record = handle.wait(MINUTE)
        assert record.state == "dead"
        assert len(record.attempts) == 2
        assert record.error is not None
        assert record.error.error_type == "ValueError"
