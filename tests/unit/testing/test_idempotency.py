"""`assert_idempotent`: a job that was done is delivered again, and nothing more may change."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

import jobkit
from tests.unit.testing.faulty import keep
from tests.unit.testing.samples import (
    MINUTE,
    SECOND,
    Audit,
    Narrow,
    SendMail,
    Slow,
    done,
    jobs_of,
    message_of,
)

JOB = SendMail(7)


class Shop:
    """What handlers change."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.mails: dict[str, int] = {}

    def observe(self) -> object:
        return self.mails


def test_a_handler_that_knows_the_job_again_passes() -> None:
    shop, jobs = Shop(), jobs_of(keep)

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        shop.calls.append(ctx.id)
        shop.mails.setdefault(ctx.id, 1)
        ctx.enqueue(Audit())

    jobs.assert_idempotent(JOB, observe=shop.observe)

    assert len(shop.calls) >= 8
    assert len(set(shop.calls)) == 1
    jobs.assert_performed(SendMail, 1)
    jobs.assert_queued(Audit, 1)


def test_one_that_does_it_again_fails_with_what_happened() -> None:
    shop, jobs = Shop(), jobs_of()

    @jobs.register
    def send(job: SendMail) -> None:
        shop.mails[str(len(shop.mails))] = job.user_id

    told = message_of(lambda: jobs.assert_idempotent(JOB, observe=shop.observe))

    assert told.splitlines()[:6] == [
        "SendMail(user_id=7, locale='en') is not idempotent: after it ran again, observe() gives "
        "another value",
        "  1. worker A ran it, and its success was stored",
        "  2. worker A ran it to the end, and died before that was stored",
        "  observed after 1: {'0': 7}",
        "  observed at last: {'0': 7, '1': 7}",
        "    ['1']: 7, expected nothing",
    ]
    assert "ctx.id" in told


def _fails_if(flaw: Callable[[jobkit.JobContext, int], bool]) -> str:
    """Say what is told of a handler that does too much in some runs only."""
    shop, jobs, runs = Shop(), jobs_of(keep), Counter[str]()

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        runs[ctx.id] += 1
        if flaw(ctx, runs[ctx.id]):
            shop.calls.append("once too often")

    return message_of(lambda: jobs.assert_idempotent(JOB, observe=lambda: (bool(runs), shop.calls)))


def test_a_handler_that_heeds_no_lost_lease_is_found() -> None:
    told = _fails_if(lambda ctx, _: ctx.cancelled.reason == "lost")

    assert "  2. worker B lost its lease while the handler ran, and told it so" in told


def test_a_lease_that_is_lost_unawares_is_tried() -> None:
    told = _fails_if(lambda _, run: run == 5)

    assert "had lost its lease unawares\n  3. worker B ran it to the end" in told


def test_it_dies_at_each_of_its_enqueues() -> None:
    """What it enqueues on the backend is there twice if it dies behind that."""
    jobs = jobs_of(keep)

    @jobs.register
    def send(job: SendMail) -> None:
        if not jobs.queued(Audit("b")):
            jobs.enqueue(Audit("a"))
            jobs.enqueue(Audit("b"))

    jobs.assert_idempotent(JOB, observe=lambda: len(jobs.queued(Audit)))

    other = jobs_of(keep)
    seen: list[int] = []

    @other.register
    def half(job: SendMail) -> None:
        seen.append(1)
        other.enqueue(Audit("a"), unique=True)
        seen.append(2)

    def observe() -> object:
        return bool(seen), seen.count(1) - seen.count(2)

    told = message_of(lambda: other.assert_idempotent(JOB, observe=observe))

    assert "2. worker B died in the handler, right before its enqueue no. 1" in told


def test_what_is_enqueued_on_the_context_is_stored_once() -> None:
    """B41"""
    jobs = jobs_of(keep)

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        ctx.enqueue(Audit("a"))
        ctx.enqueue_many([Audit("b"), Audit("c")])

    jobs.assert_idempotent(JOB, observe=lambda: len(jobs.queued(Audit)))

    jobs.assert_queued(Audit, 3)


def test_async_handlers_and_the_async_twin() -> None:
    shop, jobs = Shop(), jobs_of()

    @jobs.register
    async def slow(job: Slow, ctx: jobkit.JobContext) -> None:
        await asyncio.sleep(0)
        shop.mails[ctx.id] = 1

    @jobs.register
    async def send(job: SendMail) -> None:
        await asyncio.sleep(0)
        shop.calls.append("again")

    jobs.assert_idempotent(Slow(), observe=shop.observe)
    asyncio.run(jobs.aio.assert_idempotent(Slow(), observe=shop.observe))
    with pytest.raises(AssertionError, match="not idempotent"):
        asyncio.run(jobs.aio.assert_idempotent(JOB, observe=lambda: shop.calls))


def test_an_async_handler_dies_at_each_of_its_awaits() -> None:
    jobs, steps = jobs_of(), list[str]()

    @jobs.register
    async def slow(job: Slow) -> None:
        for step in "abc":
            steps.append(step)
            try:
                await asyncio.sleep(0.1)
            finally:
                steps.append(step.upper())

    def observe() -> object:
        left = {step: steps.count(step) - steps.count(step.upper()) for step in "abc"}
        return {**left, "has run": bool(steps)}

    told = message_of(lambda: jobs.assert_idempotent(Slow(), observe=observe))

    assert "  2. worker B died in the handler, at its await no. 1\n  3. worker C ran it" in told
    assert "['a']: 1, expected 0" in told


def test_a_handler_that_begins_anew_where_it_died_passes() -> None:
    jobs, steps = jobs_of(), list[str]()

    @jobs.register
    async def slow(job: Slow) -> str:
        steps.clear()
        for step in "abc":
            await asyncio.sleep(0)
            steps.append(step)
        return "done"

    jobs.assert_idempotent(Slow(), observe=lambda: steps)
    steps.clear()
    asyncio.run(jobs.aio.assert_idempotent(Slow(), observe=lambda: len(steps)))

    assert str(jobs.timeline).count("crashed in the handler") == 2 * 4  # no. 4 is its end


def test_a_type_with_a_limit_and_a_unique_key() -> None:
    jobs, numbers = jobs_of(), set[int]()

    @jobs.register
    def narrow(job: Narrow) -> None:
        numbers.add(job.number)

    jobs.assert_idempotent(Narrow(1), observe=lambda: numbers)

    jobs.assert_empty()


def test_other_jobs_and_faults_stay() -> None:
    jobs, mails = jobs_of(), set[int]()
    jobs.register(done, job=Narrow)

    @jobs.register
    def send(job: SendMail) -> None:
        mails.add(job.user_id)

    jobs.enqueue(Narrow(2))
    jobs.faults.crash(Narrow, when="before_ack")
    jobs.faults.lose_lease(SendMail(2))
    jobs.faults.crash(SendMail, when="before_ack", attempt=2)
    jobs.faults.enqueue(jobkit.BackendUnavailable, stored=False)

    jobs.assert_idempotent(SendMail(1), observe=lambda: mails)

    assert len(jobs.faults.pending) == 4
    jobs.assert_queued(Narrow, 1)


def test_a_second_job_of_an_async_handler_is_delivered_as_well() -> None:
    """What dead workers have left of the first is not waited for."""
    jobs, mails = jobs_of(), set[int]()

    @jobs.register
    async def send(job: SendMail) -> None:
        await asyncio.sleep(1)
        mails.add(job.user_id)

    jobs.assert_idempotent(SendMail(1), observe=lambda: mails)
    jobs.assert_idempotent(SendMail(2), observe=lambda: mails)

    assert mails == {1, 2}


def test_another_job_under_the_lease_of_a_dead_worker_stays_there() -> None:
    """B37: its lease ends earlier than that of the job in question."""
    jobs, mails = jobs_of(), set[int]()
    jobs.register(done, job=Narrow)

    @jobs.register
    def send(job: SendMail) -> None:
        mails.add(job.user_id)

    jobs.faults.crash(Narrow, when="before_ack")
    jobs.enqueue(Narrow(2))
    jobs.drain()
    jobs.run_for(5 * SECOND)

    jobs.assert_idempotent(JOB, observe=lambda: mails)

    jobs.run_for(MINUTE)
    assert jobs.assert_performed(Narrow, 1).one.losses == 1
