"""Queues as readers see them: how much is where, who works on it, and how it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from jobkit.record import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueInfo:
    """One queue as it was at the moment of reading.

    `by_type` has the number of jobs by state and stored type, `counts` by state. `due` jobs could
    run now: queued ones, and those whose time has come; the one that has been due longest has
    waited for `oldest_due`. `paused` is the flag of the queue as a whole, `paused_types` the
    types that are paused in it, here or over all queues. `workers` live and serve it. The rest
    is of the last five minutes: `throughput` in attempts a second, `failure_rate` from 0 to 1,
    `time_to_empty` at that pace for all that is due if no more comes; None if nothing was done.
    """

    name: str
    counts: Mapping[JobState, int]
    by_type: Mapping[JobState, Mapping[str, int]]
    due: int
    oldest_due: timedelta | None
    paused: bool
    paused_types: tuple[str, ...]
    workers: int
    throughput: float
    failure_rate: float | None
    mean_duration: timedelta | None
    time_to_empty: timedelta | None
