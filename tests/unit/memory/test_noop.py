"""`NoopJobs` accepts and forgets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from jobkit import (
    AsyncQueue,
    InvalidJob,
    InvalidOption,
    InvalidSchedule,
    JobNotFound,
    NoopJobs,
    Queue,
)


@dataclass(frozen=True)
class Greet:
    name: str


def test_it_satisfies_every_protocol() -> None:
    """B5"""
    jobs = NoopJobs()

    assert isinstance(jobs, Queue)
    assert isinstance(jobs.aio, AsyncQueue)


def test_a_job_is_accepted_and_forgotten() -> None:
    """B5"""
    jobs = NoopJobs()

    handle = jobs.enqueue(Greet("Ann"))

    assert handle.created
    assert handle.type.endswith("Greet")
    assert not handle.cancel()
    assert not handle.delete()
    with pytest.raises(JobNotFound, match=handle.id):
        handle.record()


def test_many_jobs_and_transactions_are_forgotten_too() -> None:
    """B4, B40"""
    jobs = NoopJobs()

    with jobs.transaction() as tx:
        tx.enqueue(Greet("Ann"))
    handles = jobs.enqueue_many([Greet("Bob"), Greet("Cid")])

    assert len({handle.id for handle in handles}) == 2
    with pytest.raises(JobNotFound):
        jobs.inspect.get(handles[0].id)


def test_what_no_backend_takes_is_refused_here_too() -> None:
    """B3, B57"""
    jobs = NoopJobs()

    with pytest.raises(InvalidJob):
        jobs.enqueue("no job")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidOption, match="did you mean 'priority'"):
        jobs.enqueue(Greet("Ann"), prioritty=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(InvalidOption, match="concurrency=0"):
        jobs.start(concurrency=0)


def test_nothing_ever_runs() -> None:
    """B51, B52, B53"""
    jobs = NoopJobs()
    seen: list[str] = []

    @jobs.register
    def greet(job: Greet) -> None:
        seen.append(job.name)

    with jobs:
        jobs.start()
        jobs.enqueue(Greet("Ann"))
        report = jobs.drain()
        jobs.shutdown()

    assert not report
    assert seen == []


def test_the_async_twin_forgets_as_well() -> None:
    """B5"""

    async def main() -> None:
        async with NoopJobs().aio as jobs:
            await jobs.start()
            handle = await jobs.enqueue(Greet("Ann"))
            assert not await jobs.drain()
            with pytest.raises(JobNotFound):
                await handle.record()
            await jobs.shutdown()

    asyncio.run(main())


def test_a_schedule_is_checked_and_forgotten() -> None:
    """B5, B14"""
    jobs = NoopJobs()

    name = jobs.schedule("@daily", Greet("Ann"))

    assert name.startswith("Greet-")
    assert jobs.inspect.schedules() == []
    assert not jobs.unschedule(name)
    with pytest.raises(InvalidSchedule):
        jobs.schedule("0 0 30 2 *", Greet("Ann"))
