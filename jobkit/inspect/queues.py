"""Queues as users see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from jobkit.clock import from_milliseconds
from jobkit.engine import Steps
from jobkit.engine.crews import worker_infos
from jobkit.engine.statistics import recent_series
from jobkit.queueinfo import QueueInfo
from jobkit.record import JobState
from jobkit.roster import WorkerInfo
from jobkit.stats import rates
from jobkit.store import Count, Pauses, QueueCounts, Queues, ReadPauses


def queues() -> Steps[tuple[QueueInfo, ...]]:
    """List the queues, by name."""
    names: tuple[str, ...] = yield Queues()
    workers = yield from worker_infos()
    found: list[QueueInfo] = []
    for name in names:
        info = yield from _queue(name, workers)
        found.append(info)
    return tuple(found)


def _queue(name: str, workers: Sequence[WorkerInfo]) -> Steps[QueueInfo]:
    counts: QueueCounts = yield Count(queue=name)
    pauses: Pauses = yield ReadPauses(queue=name)
    series = yield from recent_series(name)
    by_state = {state: sum(types.values()) for state, types in counts.by_type.items()}
    due = by_state[JobState.QUEUED] + counts.due
    pace = rates(series, from_milliseconds(counts.now), due)
    waited = None if counts.oldest_due is None else max(0, counts.now - counts.oldest_due)
    return QueueInfo(
        name=name,
        counts=by_state,
        by_type={state: dict(sorted(types.items())) for state, types in counts.by_type.items()},
        due=due,
        oldest_due=None if waited is None else timedelta(milliseconds=waited),
        paused=pauses.queue,
        paused_types=tuple(sorted(pauses.types | pauses.everywhere)),
        workers=sum(worker.live and name in worker.queues for worker in workers),
        throughput=pace.throughput,
        failure_rate=pace.failure_rate,
        mean_duration=pace.mean_duration,
        time_to_empty=pace.time_to_empty,
    )
