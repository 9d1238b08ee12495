"""A double whose handlers note which tick they ran for, and a rule of one's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import jobkit
from jobkit.scheduleinfo import ScheduleInfo
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import HOUR, START, Audit

Run: TypeAlias = tuple[datetime, str | None]  # when it was due, by which schedule


@dataclass
class Seen:
    """What handlers were called for."""

    runs: list[tuple[datetime, str | None]] = field(
        default_factory=list[tuple[datetime, "str | None"]]
    )
    fails: bool = False

    @property
    def times(self) -> list[datetime]:
        return [at for at, _ in self.runs]


def double(seen: Seen | None = None, **options: Any) -> TestingJobs:
    """Return a double whose handlers note their runs."""
    options.setdefault("start", START)
    jobs = TestingJobs(**options)

    @jobs.register
    def audit(job: Audit, ctx: jobkit.JobContext) -> None:
        if seen is not None:
            seen.runs.append((ctx.run_at, ctx.schedule))
            if seen.fails:
                raise ValueError("no")

    return jobs


def only(jobs: TestingJobs) -> ScheduleInfo[Any]:
    """Return the one schedule that there is."""
    [info] = jobs.inspect.schedules()
    return info


class Twice:
    """Ticks at two instants, and never again."""

    name = "twice"

    def __init__(self) -> None:
        self.fails = False

    def next_after(self, instant: datetime, /) -> datetime | None:
        if self.fails:
            raise RuntimeError("out of order")
        ticks = (START + HOUR, START + 3 * HOUR)
        return next((tick for tick in ticks if tick > instant), None)


def only_named(jobs: TestingJobs, name: str) -> ScheduleInfo[Any]:
    """Return the schedule of a name."""
    return next(info for info in jobs.inspect.schedules() if info.name == name)
