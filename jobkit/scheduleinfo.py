"""What is known about a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar

from jobkit.description import describe

J_co = TypeVar("J_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInfo(Generic[J_co]):
    """One schedule as it was at the moment of reading.

    `spec` in its one spelling, "rule:<name>" for a `Schedule` of the application's own.
    `payload` is None if the stored bytes (`raw`) do not decode here. `next_runs`: up to five,
    only the first where the rule is not known. `last_run` is the tick that made a job last,
    `last_job` that job, `last_outcome` how it ended: succeeded, dead, cancelled or deleted, None
    as long as it has not. `unfinished`: the jobs of its ticks that have not ended. `owner`: whose
    workers declare it, None if none do. `ended_at`: it has reached its limit or its last tick.
    """

    name: str
    queue: str
    spec: str
    timezone: str
    type: str
    payload: J_co | None
    raw: bytes = field(repr=False)
    next_runs: tuple[datetime, ...]
    last_run: datetime | None
    last_job: str | None
    last_outcome: Literal["succeeded", "dead", "cancelled", "deleted"] | None
    successes: int
    unfinished: int
    limit: int | None
    missed: Literal["one", "all", "skip"]
    overlap: Literal["allow", "skip"]
    start_at: datetime | None
    priority: int
    metadata: Mapping[str, str]
    owner: str | None
    ended_at: datetime | None

    def __repr__(self) -> str:
        """Without secrets: records end up in logs."""
        return describe(self)
