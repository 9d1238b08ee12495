"""What `assert_recurring` looks for, and what it says when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobkit.checks import queue_name
from jobkit.clock import MILLISECOND, to_milliseconds
from jobkit.description import describe
from jobkit.errors import InvalidSchedule
from jobkit.plan import canonical, same
from jobkit.record import JobState
from jobkit.scheduleinfo import ScheduleInfo
from jobkit.store import StoredJob
from jobkit_testing.matching import Pattern, pattern


class Recurring:
    """A schedule that a test expects: by spec or by name, and by the job that it makes."""

    def __init__(self, spec: Any, job: Any) -> None:
        self._job: Pattern[Any] | None = None
        if job is not None:
            self._job = pattern("assert_recurring", job, match={})
        self._name = spec if isinstance(spec, str) else None
        self._shown = describe(spec) if not isinstance(spec, str) else repr(spec)
        self._spec: str | None = None
        try:
            self._spec = canonical(spec)
        except InvalidSchedule:
            if self._name is None or queue_name(spec) is not None:
                raise  # no spec, and no name either

    def fits(self, info: ScheduleInfo[Any]) -> bool:
        """Tell whether a schedule is what is expected; one that has ended is not."""
        if info.ended_at is not None:
            return False
        if info.name != self._name and (self._spec is None or not same(self._spec, info.spec)):
            return False
        return self._job is None or self._job.fits(_as_job(info))

    def missing(self, found: Sequence[ScheduleInfo[Any]], now: int) -> str:
        """Say what was expected, and list the schedules that there are."""
        of = "" if self._job is None else f" of {_wanted(self._job)}"
        headline = f"no schedule {self._shown}{of}"
        if not found:
            return f"{headline}: there is none at all"
        lines = [_line(info, now) for info in found]
        return "\n".join([headline, f"  schedules ({len(found)}):", *lines])


def _wanted(job: Pattern[Any]) -> str:
    return job.kind.name if job.job is None else describe(job.job)


def _as_job(info: ScheduleInfo[Any]) -> StoredJob:
    return StoredJob(
        id="",
        queue=info.queue,
        type=info.type,
        state=JobState.SCHEDULED,
        payload=info.raw,
        options=b"",
        metadata=b"",
        priority=info.priority,
        run_at=0,
        arrival=0,
        enqueued_at=0,
    )


def _line(info: ScheduleInfo[Any], now: int) -> str:
    zone = "" if info.timezone == "UTC" else f" {info.timezone}"
    job = info.type if info.payload is None else describe(info.payload)
    if info.next_runs:
        due = f"next in {(to_milliseconds(info.next_runs[0]) - now) * MILLISECOND}"
    else:
        due = "ended"
    return f"    {info.name}: {info.spec!r}{zone} {job}  queue={info.queue!r}, {due}"
