"""From what queues count to what readers see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from jobkit.clock import from_milliseconds
from jobkit.engine.steps import Steps
from jobkit.stats import Counts, Histogram, QueueStats, Stats, StatsMinute, added
from jobkit.store import MINUTES_KEPT, Queues, Statistics, StoredCounts, StoredStatistics

RECENT_MINUTES = 6  # five whole ones, and the one under way


def statistics() -> Steps[Stats]:
    """Return the statistics of all queues."""
    names: tuple[str, ...] = yield Queues()
    queues: dict[str, QueueStats] = {}
    for name in names:
        found: StoredStatistics = yield Statistics(queue=name, minutes=MINUTES_KEPT, totals=True)
        types = {group: _counts(found.totals[group]) for group in sorted(found.totals)}
        queues[name] = QueueStats(
            queue=name, at=from_milliseconds(found.now), types=types, series=series_of(found)
        )
    return Stats(
        queues=queues,
        types=_over_all(each.types for each in queues.values()),
        series=_merged(minute for each in queues.values() for minute in each.series),
    )


def recent_series(queue: str) -> Steps[tuple[StatsMinute, ...]]:
    """Return what a queue has counted in the last minutes, for `rates`."""
    found: StoredStatistics = yield Statistics(queue=queue, minutes=RECENT_MINUTES)
    return series_of(found)


def series_of(found: StoredStatistics) -> tuple[StatsMinute, ...]:
    """Return the minutes of a queue, oldest first."""
    return tuple(
        StatsMinute(
            at=from_milliseconds(at),
            types={group: _counts(types[group]) for group in sorted(types)},
        )
        for at, types in sorted(found.minutes.items())
    )


def _over_all(parts: Iterable[Mapping[str, Counts]]) -> dict[str, Counts]:
    found: dict[str, list[Counts]] = {}
    for part in parts:
        for name, counts in part.items():
            found.setdefault(name, []).append(counts)
    return {name: added(found[name]) for name in sorted(found)}


def _merged(minutes: Iterable[StatsMinute]) -> tuple[StatsMinute, ...]:
    found: dict[datetime, list[Mapping[str, Counts]]] = {}
    for minute in minutes:
        found.setdefault(minute.at, []).append(minute.types)
    return tuple(StatsMinute(at=at, types=_over_all(found[at])) for at in sorted(found))


def _counts(stored: StoredCounts) -> Counts:
    return Counts(
        durations=Histogram(counts=stored.buckets),
        busy=timedelta(milliseconds=stored.busy),
        failed=stored.failed,
        timed_out=stored.timed_out,
        cancelled=stored.cancelled,
        retried=stored.retried,
        dead=stored.dead,
        lost=stored.lost,
    )
