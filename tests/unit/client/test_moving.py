"""What handles and `jobs.inspect` do to single jobs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import jobkit
from jobkit import JobNotFound, JobState, WrongState
from jobkit_testing import TestingJobs

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Charge:
    order: int


def charging(*, fails: bool = False) -> TestingJobs:
    jobs = TestingJobs(start=datetime(2030, 1, 1, tzinfo=UTC))

    @jobs.register
    def charge(job: Charge) -> str:
        if fails:
            raise jobkit.Dead("no such order")
        return "charged"

    return jobs


def test_a_waiting_job_is_due_at_the_time_that_it_is_moved_to() -> None:
    """B45"""
    jobs = charging()
    handle = jobs.enqueue(Charge(7), delay=MINUTE)

    handle.reschedule(jobs.clock.now() + 2 * MINUTE)

    jobs.run_for(2 * MINUTE - timedelta(milliseconds=1))
    assert handle.record().state is JobState.SCHEDULED
    jobs.run_for(timedelta(milliseconds=1))
    assert handle.record().state is JobState.SUCCEEDED


def test_a_job_made_due_now_runs_now() -> None:
    """B45"""
    jobs = charging()
    handle = jobs.enqueue(Charge(7), delay=MINUTE)

    handle.run_now()

    assert jobs.drain().succeeded == 1


def test_a_new_priority_decides_who_is_first() -> None:
    """B9, B45"""
    jobs = charging()
    first, second = jobs.enqueue(Charge(1)), jobs.enqueue(Charge(2))

    first.set_priority(1)

    assert [record.id for record in jobs.drain().ran] == [second.id, first.id]


def test_a_dead_job_that_is_retried_has_all_its_attempts_again() -> None:
    """B45: errors and counts are gone."""
    jobs = charging(fails=True)
    handle = jobs.enqueue(Charge(7))
    jobs.drain(raises=False)

    jobs.inspect.retry(handle.id)

    record = handle.record()
    assert (record.state, record.attempt, record.attempts) == (JobState.QUEUED, 1, ())
    assert (record.error, record.starts) == (None, 1)


@pytest.mark.parametrize("action", ["run_now", "retry"])
def test_an_action_on_a_job_in_the_wrong_state_says_which(action: str) -> None:
    """B45: nothing is changed."""
    jobs = charging()
    waiting, ended = jobs.enqueue(Charge(1)), jobs.enqueue(Charge(2))
    jobs.perform(Charge(3))
    ended.cancel()
    wrong = ended if action == "run_now" else waiting
    before = wrong.record()

    with pytest.raises(WrongState, match=f"{action}: job {wrong.id} is {before.state}"):
        getattr(wrong, action)()

    assert wrong.record() == before


def test_a_running_job_is_not_moved() -> None:
    """B45: it raises `JobRunning`, and names the job."""
    jobs = TestingJobs()
    refused: list[str] = []

    @jobs.register
    def charge(job: Charge, ctx: jobkit.JobContext) -> None:
        for action in (handle.run_now, handle.retry, lambda: handle.set_priority(3)):
            with pytest.raises(jobkit.JobRunning, match=ctx.id):
                action()
            refused.append(ctx.id)

    handle = jobs.enqueue(Charge(7))

    jobs.drain()

    assert len(refused) == 3


def test_an_unknown_id_and_a_naive_time_are_refused() -> None:
    """B43, B45"""
    jobs = charging()
    handle = jobs.enqueue(Charge(7))

    with pytest.raises(JobNotFound, match="no job '01'"):
        jobs.inspect.run_now("01")
    with pytest.raises(jobkit.InvalidOption, match="no time zone"):
        handle.reschedule(datetime(2030, 1, 1))  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize("given", [None, 7, b"01"])
def test_an_id_that_is_no_text_is_refused(given: Any) -> None:
    """B43, B57"""
    jobs = charging()

    for action in (jobs.inspect.get, jobs.inspect.cancel, jobs.inspect.delete, jobs.inspect.retry):
        with pytest.raises(jobkit.InvalidOption, match="a job's id is a str"):
            action(given)


def test_the_async_twin_moves_jobs_alike() -> None:
    """B45, B5"""

    async def scenario() -> list[JobState]:
        jobs = charging().aio
        handle = await jobs.enqueue(Charge(7), delay=MINUTE)
        await handle.run_now()
        states = [(await handle.record()).state]
        await handle.set_priority(4)
        await handle.cancel()
        await handle.retry()
        states.append((await handle.record()).state)
        await jobs.inspect.reschedule(handle.id, datetime(2031, 1, 1, tzinfo=UTC))
        states.append((await handle.record()).state)
        return states

    assert asyncio.run(scenario()) == [JobState.QUEUED, JobState.QUEUED, JobState.SCHEDULED]
