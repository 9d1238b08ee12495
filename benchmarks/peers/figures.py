"""Which figures there are, how they are written, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `digits` behind the point."""

    name: str
    digits: int = 0
    more_is_better: bool = True


FIGURES = (
    Figure("drain, sync, 1 process, jobs/s"),
    Figure("drain, async, 1 process, jobs/s"),
    Figure("drain, default settings, jobs/s"),
    Figure("drain, 2 processes, jobs/s"),
    Figure("worker us/job", 1, more_is_better=False),
    Figure("redis us/job", 1, more_is_better=False),
    Figure("client commands/job", 2, more_is_better=False),
    Figure("enqueue, jobs/s"),
    Figure("enqueue, 50 in flight, jobs/s"),
    Figure("enqueue in bulk, jobs/s"),
    Figure("pick-up p50, ms", 2, more_is_better=False),
    Figure("pick-up p99, ms", 2, more_is_better=False),
    Figure("bytes/queued job", 0, more_is_better=False),
    Figure("worker RSS, MiB", 1, more_is_better=False),
    Figure("10 ms handlers, 200 threads, jobs/s"),
    Figure("1 s handlers, 2,000 tasks, jobs/s"),
    Figure("10,000 waiting, jobs/s"),
    Figure("1,000,000 waiting, jobs/s"),
    Figure("1,000 types, jobs/s"),
    Figure("100 queues, jobs/s"),
)
BY_NAME = {figure.name: figure for figure in FIGURES}
