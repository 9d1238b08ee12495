"""Workers, and what they have done."""

from __future__ import annotations

from jobkit.engine import Steps
from jobkit.engine.crews import worker_infos
from jobkit.engine.statistics import statistics
from jobkit.roster import WorkerInfo
from jobkit.stats import Stats


def workers() -> Steps[tuple[WorkerInfo, ...]]:
    """List the workers of all queues."""
    return (yield from worker_infos())


def stats() -> Steps[Stats]:
    """Return what was done, in all and by the minute."""
    return (yield from statistics())
