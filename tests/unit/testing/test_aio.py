"""The async twin: handlers are tasks of the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import jobkit
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    Audit,
    Flaky,
    SendMail,
    Slow,
    done,
    fail_at_first,
    jobs_of,
)


def test_it_enqueues_runs_and_waits() -> None:
    """B5, B53"""
    jobs = jobs_of(done)

    async def scenario() -> None:
        handle = await jobs.aio.enqueue(SendMail(1))
        with pytest.raises(jobkit.NotSupported, match="nothing runs until told"):
            await handle.wait()
        await jobs.aio.start(queues=["default"])
        report = await jobs.aio.drain()
        assert report.succeeded == 1
        assert (await handle.wait(timeout=MINUTE)).state == "succeeded"
        await jobs.aio.shutdown()

    asyncio.run(scenario())

    jobs.assert_performed(SendMail(1), 1)


def test_every_run_has_an_async_twin() -> None:
    jobs = jobs_of(done, fail_at_first)

    async def scenario() -> None:
        async with jobs.aio as aio:
            assert (await aio.perform(SendMail(1))).state == "succeeded"
            await aio.enqueue(SendMail(2))
            record = await aio.run_next()
            assert record is not None
            assert record.payload == SendMail(2)
            assert await aio.run_next() is None
            await aio.enqueue(Flaky(), delay=HOUR)
            report = await aio.run_for(2 * HOUR)
            assert (report.retried, report.succeeded) == (1, 1)
            await aio.enqueue(Audit(), delay=HOUR)
            await aio.run_until(lambda: not jobs.queued())

    asyncio.run(scenario())

    assert jobs.clock.now() == START + 3 * HOUR
    jobs.assert_performed(Audit, 1)


def test_handlers_are_tasks_of_the_running_loop() -> None:
    jobs = jobs_of()
    found: list[object] = []

    @jobs.register
    async def send(job: SendMail) -> None:
        found.append(asyncio.get_running_loop())
        await asyncio.sleep(0.01)

    async def scenario() -> None:
        found.append(asyncio.get_running_loop())
        await jobs.aio.perform(SendMail(1))

    asyncio.run(scenario())

    assert found[0] is found[1]
    assert jobs.clock.now() == START


def test_sync_handlers_find_no_running_loop() -> None:
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> str:
        return asyncio.run(asyncio.sleep(0, result="ran"))

    async def scenario() -> None:
        assert (await jobs.aio.perform(SendMail(1))).result == "ran"
        assert asyncio.get_running_loop().is_running()

    asyncio.run(scenario())


def test_async_middleware_wraps_sync_handlers() -> None:
    """B25"""
    jobs = jobs_of(done)
    order: list[str] = []

    @jobs.middleware
    async def around(ctx: jobkit.JobContext, call_next: Callable[[], Any]) -> object:
        order.append("before")
        value = await call_next()
        order.append("after")
        return value

    asyncio.run(jobs.aio.perform(SendMail(1)))

    assert order == ["before", "after"]


def test_an_exception_escapes_after_it_is_settled() -> None:
    jobs = jobs_of(fail_at_first)

    async def scenario() -> None:
        with pytest.raises(ConnectionError):
            await jobs.aio.perform(Flaky())
        await jobs.aio.perform(Flaky(), raises=False)

    asyncio.run(scenario())

    jobs.assert_queued(Flaky, 2, state="retrying")


def test_a_handler_that_waits_in_real_time_fails_the_test_and_says_what_to_do() -> None:
    """B56: 60 virtual seconds are not waited for."""
    jobs = jobs_of()

    @jobs.register
    async def wait(job: SendMail) -> None:
        await asyncio.sleep(60)

    async def scenario() -> None:
        with pytest.raises(AssertionError, match=r"more than 1 s of real time.*jobs\.drain\(\)"):
            await jobs.aio.perform(SendMail(1), raises=False)

    asyncio.run(scenario())

    jobs.assert_dead(SendMail, 1)


def test_a_near_deadline_is_reached_in_real_time_and_exactly() -> None:
    """B28"""
    jobs = jobs_of()

    @jobs.register
    async def wait(job: Slow) -> None:
        await asyncio.sleep(60)

    async def scenario() -> None:
        record = await jobs.aio.perform(Slow(), raises=False, timeout=timedelta(milliseconds=20))
        assert record.attempts[0].outcome == "timed_out"
        assert record.timed_out_at == START + SECOND / 50

    asyncio.run(scenario())


def test_a_deadline_is_virtual_for_who_moves_the_clock() -> None:
    jobs = jobs_of()

    @jobs.register
    async def wait(job: Slow) -> None:
        jobs.clock.advance(MINUTE)
        await asyncio.sleep(0)

    async def scenario() -> None:
        record = await jobs.aio.perform(Slow(), raises=False)
        assert record.timed_out_at == START + 30 * SECOND

    asyncio.run(scenario())


def test_a_test_that_is_cancelled_leaves_no_job_running() -> None:
    jobs = jobs_of()
    began = asyncio.Event()

    @jobs.register
    async def wait(job: SendMail) -> None:
        began.set()
        await asyncio.Event().wait()

    async def scenario() -> None:
        run = asyncio.create_task(jobs.aio.perform(SendMail(1)))
        await began.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(scenario())

    assert jobs.queued(SendMail).one.state == "retrying"


def test_two_drains_of_one_loop_share_the_work() -> None:
    """B23"""
    jobs = jobs_of()
    seen: list[int] = []

    @jobs.register
    async def send(job: SendMail) -> None:
        await asyncio.sleep(0)
        seen.append(job.user_id)

    async def scenario() -> None:
        await jobs.aio.enqueue_many([SendMail(n) for n in range(10)])
        await asyncio.gather(jobs.aio.drain(), jobs.aio.drain())

    asyncio.run(scenario())

    assert sorted(seen) == list(range(10))
