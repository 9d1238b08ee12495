"""Isolated handlers in the double: inline, and with the same records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import jobkit
from jobkit import JobContext, JobState
from jobkit_testing import TestingJobs


@jobkit.job(isolate=True, max_retries=0, retention=timedelta(hours=1))
@dataclass(frozen=True)
class Crunch:
    """Would have a process of its own."""

    number: int


def test_an_isolated_handler_runs_inline() -> None:
    """B28, B57: the one declared exception; a closure will do, for no other process looks it up."""
    jobs = TestingJobs()
    seen: list[int] = []

    @jobs.register
    def crunch(job: Crunch, ctx: JobContext) -> int:
        seen.append(job.number)
        return job.number * 2

    record = jobs.perform(Crunch(21))

    assert (record.state, record.result) == (JobState.SUCCEEDED, 42)
    assert seen == [21]
