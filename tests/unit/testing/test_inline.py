"""`inline`: each enqueue runs at once."""

from __future__ import annotations

import asyncio
import threading

import pytest

import jobkit
from tests.unit.testing.samples import (
    HOUR,
    Audit,
    Flaky,
    SendMail,
    done,
    fail_at_first,
    jobs_of,
)


def test_a_job_runs_when_it_is_enqueued() -> None:
    jobs = jobs_of(done)

    with jobs.inline():
        assert jobs.enqueue(SendMail(1)).record().state == "succeeded"
    later = jobs.enqueue(SendMail(2))

    assert later.record().state == "queued"


def test_what_was_there_before_and_what_is_not_due_stays() -> None:
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1))

    with jobs.inline():
        jobs.enqueue(SendMail(2), delay=HOUR)
        jobs.enqueue(SendMail(3))

    assert jobs.assert_performed(SendMail).jobs == (SendMail(3),)
    jobs.assert_queued_exactly(SendMail(1), SendMail(2))


def test_a_type_without_a_handler_just_waits() -> None:
    jobs = jobs_of()

    with jobs.inline():
        jobs.enqueue(SendMail(1))

    jobs.assert_queued(SendMail, 1)


def test_batches_and_transactions_run_when_they_are_published() -> None:
    jobs = jobs_of(done)

    with jobs.inline():
        jobs.enqueue_many([SendMail(1), SendMail(2)])
        jobs.assert_performed(SendMail, 2)
        with jobs.transaction() as tx:
            tx.enqueue(SendMail(3))
            jobs.assert_performed(SendMail, 2)

    jobs.assert_performed(SendMail, 3)


def test_what_a_handler_enqueues_runs_when_the_handler_has_ended() -> None:
    """B41: the children of a job come with its success."""
    jobs = jobs_of()
    order: list[str] = []

    @jobs.register
    def parent(job: SendMail, ctx: jobkit.JobContext) -> None:
        ctx.enqueue(Audit("child"))
        jobs.enqueue(Audit("aside"))
        order.append("parent")

    @jobs.register
    def child(job: Audit) -> None:
        order.append(job.what)

    with jobs.inline():
        jobs.enqueue(SendMail(1))
    first, order = order, []
    with jobs.inline():
        jobs.perform(SendMail(2))

    assert first == ["parent", "aside", "child"]
    assert order == ["parent", "aside", "child"]


def test_an_exception_escapes_from_the_enqueue_after_it_is_settled() -> None:
    jobs = jobs_of(fail_at_first, done)

    with jobs.inline(), pytest.raises(ConnectionError):
        jobs.enqueue_many([Flaky(), SendMail(1)])

    jobs.assert_queued(Flaky, 1, state="retrying")
    jobs.assert_queued(SendMail, 1)


def test_a_job_that_enqueues_itself_does_not_run_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobkit_testing.runs.LIMIT", 500)
    jobs = jobs_of()

    @jobs.register
    def again(job: Audit) -> None:
        jobs.enqueue(Audit())

    with jobs.inline(), pytest.raises(AssertionError, match="inline stopped at 500"):
        jobs.enqueue(Audit())


def test_blocks_may_be_nested() -> None:
    jobs = jobs_of(done)

    with jobs.inline():
        with jobs.inline():
            jobs.enqueue(SendMail(1))
        jobs.enqueue(SendMail(2))

    jobs.assert_performed(SendMail, 2)


def test_while_a_loop_runs_the_enqueue_is_refused_and_nothing_stored() -> None:
    jobs = jobs_of(done)

    async def scenario() -> None:
        with jobs.inline(), pytest.raises(RuntimeError, match=r"await jobs\.aio\.enqueue"):
            jobs.enqueue(SendMail(1))

    asyncio.run(scenario())

    jobs.assert_empty()


def test_the_async_twin_runs_at_once_too() -> None:
    jobs = jobs_of()

    @jobs.register
    async def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        await ctx.aio.enqueue(Audit())

    jobs.register(done, job=Audit)

    async def scenario() -> None:
        with jobs.aio.inline():
            handle = await jobs.aio.enqueue(SendMail(1))
            assert (await handle.record()).state == "succeeded"

    asyncio.run(scenario())

    jobs.assert_performed(Audit, 1)


def test_a_thread_of_a_handler_may_enqueue() -> None:
    """B58"""
    jobs = jobs_of()

    @jobs.register
    def parent(job: SendMail) -> None:
        thread = threading.Thread(target=lambda: jobs.enqueue(Audit()))
        thread.start()
        thread.join()

    jobs.register(done, job=Audit)

    with jobs.inline():
        jobs.enqueue(SendMail(1))

    jobs.assert_performed(Audit, 1)
