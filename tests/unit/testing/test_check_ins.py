"""Check-ins in a test: at once, in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobkit import InvalidOption, JobContext, JobHandle, Progress, Retry
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import START, Audit, SendMail, jobs_of

SECOND = timedelta(seconds=1)


def test_a_check_in_is_seen_at_once() -> None:
    """B29, B56"""
    jobs = jobs_of(start=START)
    seen: list[Progress | None] = []

    @jobs.register
    def run(job: SendMail, ctx: JobContext) -> None:
        for done in range(2):
            jobs.clock.advance(SECOND)
            ctx.checkin("mails", done=done, total=2)
            seen.append(jobs.inspect.get(ctx.id).progress)

    record = jobs.perform(SendMail(7))

    assert seen == [
        Progress(text="mails", done=0, total=2, at=START + SECOND),
        Progress(text="mails", done=1, total=2, at=START + 2 * SECOND),
    ]
    assert record.progress == seen[-1]


def test_an_async_handler_checks_in_without_await() -> None:
    """B29"""
    jobs = jobs_of(start=START)

    @jobs.register
    async def run(job: SendMail, ctx: JobContext) -> None:
        await asyncio.sleep(60)
        ctx.checkin("after a minute")

    progress = jobs.perform(SendMail(7)).progress

    assert progress == Progress(
        text="after a minute", done=None, total=None, at=START + timedelta(minutes=1)
    )


def test_the_next_attempt_has_said_nothing_yet() -> None:
    """B29"""
    jobs = jobs_of(start=START)
    seen: list[Progress | None] = []

    @jobs.register
    def run(job: SendMail, ctx: JobContext) -> None:
        seen.append(jobs.inspect.get(ctx.id).progress)
        if ctx.attempt == 1:
            ctx.checkin("first")
            raise Retry(delay=SECOND)

    handle = jobs.enqueue(SendMail(7))
    jobs.drain()
    between = handle.record().progress
    jobs.run_for(SECOND)

    assert between is not None
    assert between.text == "first"
    assert seen == [None, None]
    assert handle.record().progress is None


def test_an_attempt_that_lost_its_job_is_not_heard() -> None:
    """B29, B38"""
    jobs = jobs_of(start=START)

    @jobs.register
    def run(job: SendMail, ctx: JobContext) -> None:
        jobs.inspect.delete(ctx.id)
        ctx.checkin("to nobody")

    handle = jobs.enqueue(SendMail(7))
    jobs.drain()

    assert "checked in" not in str(jobs.timeline)
    assert "deleted" in str(jobs.timeline)
    assert not handle.delete()


def test_a_context_that_outlives_its_attempt_is_not_heard() -> None:
    """B29, B38"""
    jobs = jobs_of(start=START)
    contexts: list[JobContext] = []

    @jobs.register
    def run(job: SendMail, ctx: JobContext) -> None:
        contexts.append(ctx)

    handle: JobHandle[SendMail] = jobs.enqueue(SendMail(7))
    jobs.drain()
    contexts[0].checkin("too late")

    assert handle.record().progress is None


def test_a_wrong_number_fails_the_attempt() -> None:
    """B29, B32"""
    jobs = jobs_of(start=START)

    @jobs.register
    def run(job: SendMail, ctx: JobContext) -> None:
        ctx.checkin("mails", done=float("nan"))

    with pytest.raises(InvalidOption, match="done=nan"):
        jobs.perform(SendMail(7))


def test_the_timeline_tells_of_check_ins() -> None:
    """B29"""
    jobs: TestingJobs = jobs_of(start=START)

    @jobs.register
    def run(job: Audit, ctx: JobContext) -> None:
        ctx.checkin("begun\nand more")
        ctx.checkin("rows", done=1)
        ctx.checkin("rows", done=2, total=10)
        ctx.checkin("", total=10)

    jobs.perform(Audit())

    told = [line.split("  ")[-1] for line in str(jobs.timeline).splitlines()]
    assert [line for line in told if "checked in" in line] == [
        "#1 checked in: begun",
        "#1 checked in: rows, 1",
        "#1 checked in: rows, 2 of 10",
        "#1 checked in: ? of 10",
    ]
