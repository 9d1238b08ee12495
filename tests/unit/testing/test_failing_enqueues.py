"""Enqueues that raise what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import jobkit
from jobkit_testing import TestingJobs
from tests.unit.testing.faulty import keep
from tests.unit.testing.samples import (
    Audit,
    SendMail,
    jobs_of,
)


def _by_many(jobs: TestingJobs) -> None:
    jobs.enqueue_many([SendMail(1)])


def _by_transaction(jobs: TestingJobs) -> None:
    with jobs.transaction() as tx:
        tx.enqueue(SendMail(1))


def _by_aio(jobs: TestingJobs) -> None:
    async def enqueue() -> None:
        await jobs.aio.enqueue(SendMail(1))

    asyncio.run(enqueue())


ENQUEUES: list[Callable[[TestingJobs], object]] = [
    lambda jobs: jobs.enqueue(SendMail(1)),
    _by_many,
    _by_transaction,
    _by_aio,
]


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("enqueue", ENQUEUES)
def test_the_next_enqueue_raises_and_stores_or_not(
    enqueue: Callable[[TestingJobs], object], stored: bool
) -> None:
    """B39: as when the store is away for longer than `enqueue_timeout`."""
    jobs = jobs_of()
    jobs.faults.enqueue(jobkit.BackendUnavailable, stored=stored)

    with pytest.raises(jobkit.BackendUnavailable) as caught:
        enqueue(jobs)

    assert caught.value.stored == ("unknown" if stored else "no")
    jobs.assert_queued_total(1 if stored else 0)
    enqueue(jobs)
    jobs.assert_queued_total(2 if stored else 1)


def _on_context(ctx: jobkit.JobContext) -> None:
    ctx.enqueue(Audit("1"))


def _many_on_context(ctx: jobkit.JobContext) -> None:
    ctx.enqueue_many([Audit("1")])


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("enqueue", [_on_context, _many_on_context])
def test_the_next_enqueue_on_a_context_raises(
    enqueue: Callable[[jobkit.JobContext], object], stored: bool
) -> None:
    jobs = jobs_of(keep)

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        with pytest.raises(TimeoutError):
            enqueue(ctx)
        ctx.enqueue(Audit("2"))

    handle = jobs.enqueue(SendMail(1))
    jobs.faults.enqueue(TimeoutError, stored=stored)
    jobs.run_next()

    assert handle.record().state == "succeeded"
    assert [job.what for job in jobs.queued(Audit).jobs] == (["1", "2"] if stored else ["2"])


def test_enqueues_fail_in_the_order_in_which_it_was_asked_for() -> None:
    jobs = jobs_of()
    jobs.faults.enqueue(KeyError("first"), stored=False)
    jobs.faults.enqueue(ValueError("second"), stored=True)

    with pytest.raises(KeyError, match="first"):
        jobs.enqueue(SendMail(1))
    with pytest.raises(ValueError, match="second"):
        jobs.enqueue(SendMail(2))

    assert jobs.get_first() == SendMail(2)
