"""What escapes from a run whatever the caller says: failed assertions, and Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

import jobkit
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import Audit, SendMail, jobs_of

RUNS: list[Callable[[TestingJobs], object]] = [
    lambda jobs: jobs.drain(raises=False),
    lambda jobs: jobs.run_next(raises=False),
    lambda jobs: jobs.run_for(timedelta(hours=1)),
    lambda jobs: jobs.run_until(lambda: False),
    lambda jobs: jobs.perform(SendMail(2), raises=False),
]


@pytest.mark.parametrize("run", RUNS, ids=["drain", "next", "for", "until", "perform"])
def test_an_assertion_in_a_handler_escapes_and_its_job_is_dead_at_once(
    run: Callable[[TestingJobs], object],
) -> None:
    """B32"""
    jobs = jobs_of()

    @jobs.register
    def check(job: SendMail) -> None:
        assert job.user_id == 0, "not nobody"

    jobs.enqueue(SendMail(1))

    with pytest.raises(AssertionError, match="not nobody"):
        run(jobs)

    record = jobs.assert_dead(SendMail, 1).one
    assert [attempt.outcome for attempt in record.attempts] == ["dead"]
    assert record.error is not None
    assert record.error.error_type == "AssertionError"


def test_an_assertion_in_an_async_handler_escapes_too() -> None:
    jobs = jobs_of()

    @jobs.register
    async def check(job: SendMail) -> None:
        await asyncio.sleep(1)
        raise AssertionError("no")

    with pytest.raises(AssertionError, match="no"):
        jobs.perform(SendMail(1), raises=False)

    jobs.assert_dead(SendMail, 1)


def test_an_assertion_in_a_group_escapes_with_its_group() -> None:
    jobs = jobs_of()

    async def fails() -> None:
        raise AssertionError("inside")

    @jobs.register
    async def check(job: SendMail) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())

    with pytest.raises(ExceptionGroup) as caught:
        jobs.perform(SendMail(1), raises=False)

    assert caught.group_contains(AssertionError, match="inside")
    jobs.assert_dead(SendMail, 1)


def test_an_assertion_in_middleware_escapes_too() -> None:
    """B25: a failure in middleware is a failure of the attempt."""
    jobs = jobs_of()

    @jobs.middleware
    def check(ctx: jobkit.JobContext, call_next: Callable[[], object]) -> object:
        raise AssertionError("not here")

    @jobs.register
    def send(job: SendMail) -> None: ...

    with pytest.raises(AssertionError, match="not here"):
        jobs.perform(SendMail(1), raises=False)


@pytest.mark.parametrize("outcome", [pytest.fail, pytest.skip, pytest.xfail])
def test_outcomes_of_pytest_escape_too(outcome: Callable[[str], object]) -> None:
    jobs = jobs_of()

    @jobs.register
    def check(job: SendMail) -> None:
        outcome("as the test says")

    with pytest.raises(BaseException, match="as the test says") as caught:
        jobs.perform(SendMail(1), raises=False)

    assert not isinstance(caught.value, AssertionError)
    jobs.assert_dead(SendMail, 1)


def test_an_assertion_fails_the_drain_and_leaves_the_rest() -> None:
    jobs = jobs_of()

    @jobs.register
    def check(job: SendMail) -> None:
        assert job.user_id != 1

    jobs.enqueue_many([SendMail(1), SendMail(2)])

    with pytest.raises(AssertionError):
        jobs.drain()

    jobs.assert_queued_exactly(SendMail(2))


@pytest.mark.parametrize("is_async", [False, True])
def test_ctrl_c_escapes_and_is_a_failure_of_the_attempt(is_async: bool) -> None:
    """B32"""
    jobs = jobs_of()

    def interrupt(job: SendMail) -> None:
        raise KeyboardInterrupt

    async def interrupt_async(job: SendMail) -> None:
        raise KeyboardInterrupt

    jobs.register(interrupt_async if is_async else interrupt, job=SendMail)
    jobs.enqueue(SendMail(1))

    with pytest.raises(KeyboardInterrupt):
        jobs.drain(raises=False)

    record = jobs.assert_failed(SendMail, 1).one
    assert record.state == "retrying"


def test_ctrl_c_in_a_task_of_a_handler_is_settled_as_well() -> None:
    jobs = jobs_of()

    async def interrupt() -> None:
        raise KeyboardInterrupt

    @jobs.register
    async def send(job: SendMail) -> None:
        await asyncio.create_task(interrupt())

    with pytest.raises(KeyboardInterrupt):
        jobs.perform(SendMail(1), raises=False)

    assert jobs.assert_failed(SendMail, 1).one.state == "retrying"


def test_children_of_a_job_that_failed_an_assertion_are_dropped() -> None:
    """B41"""
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        ctx.enqueue(Audit())
        raise AssertionError

    with pytest.raises(AssertionError):
        jobs.perform(SendMail(1))

    jobs.assert_empty()
