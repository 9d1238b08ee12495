"""What was done: attempts by type, in total and by the minute, and how long they took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobkit.errors import InvalidOption

MINUTE = timedelta(minutes=1)
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
# The greatest duration, in milliseconds, that each bucket of a histogram takes; 1 ms to 1 h.
DURATION_BOUNDS = (*_STEPS, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 3_600_000)
BOUNDS = tuple(timedelta(milliseconds=bound) for bound in DURATION_BOUNDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many attempts took how long.

    `counts` has a number for each of `bounds`, the longest duration that is counted there, and
    one more for all that took longer than the last.
    """

    counts: tuple[int, ...]
    bounds: tuple[timedelta, ...] = BOUNDS

    @property
    def total(self) -> int:
        """How many attempts there were."""
        return sum(self.counts)

    def percentile(self, q: float) -> timedelta | None:
        """Return the duration that `q` percent of the attempts did not exceed; None without any.

        Exact to a bucket, and linear inside of it. Beyond the last bound it is that bound.

        >>> Histogram(counts=(0, 0, 10) + (0,) * 19).percentile(50)
        datetime.timedelta(microseconds=3500)
        """
        if not 0 <= q <= 100:
            raise InvalidOption(f"percentile: q={q!r}: give a number from 0 to 100")
        wanted = self.total * q / 100
        below = 0
        for place, count in enumerate(self.counts[: len(self.bounds)]):
            if count and below + count >= wanted:
                low = self.bounds[place - 1] if place else timedelta(0)
                return low + (self.bounds[place] - low) * ((wanted - below) / count)
            below += count
        return self.bounds[-1] if self.total else None


_NOTHING = Histogram(counts=(0,) * (len(BOUNDS) + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of attempts.

    `durations` has every attempt that ended and was heard of, so not those that snoozed, were
    handed back or were lost: `processed`. Of these `failed` raised, gave up with `Dead` or had a
    payload that does not decode; `timed_out` passed their deadline; `cancelled` were told to stop
    or discarded their job; the others `succeeded`. `retried`: how many failures and timeouts were
    followed by a wait for another attempt. `lost`: attempts whose worker died (those that count
    against their job). `dead`: jobs that died, by any of these. `busy`: the time that `processed`
    took in all. A job that was deleted while it ran is not counted.
    """

    durations: Histogram = _NOTHING
    busy: timedelta = timedelta(0)
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    retried: int = 0
    dead: int = 0
    lost: int = 0

    @property
    def processed(self) -> int:
        """How many attempts ended and were heard of."""
        return self.durations.total

    @property
    def succeeded(self) -> int:
        """How many attempts succeeded."""
        return self.processed - self.failed - self.timed_out - self.cancelled

    @property
    def failure_rate(self) -> float | None:
        """The part of `processed` that failed or timed out, 0 to 1; None if nothing ended."""
        processed = self.processed
        return (self.failed + self.timed_out) / processed if processed else None

    @property
    def mean_duration(self) -> timedelta | None:
        """How long an attempt took on average; None if nothing ended."""
        processed = self.processed
        return self.busy / processed if processed else None


def added(parts: Iterable[Counts]) -> Counts:
    """Return the sum of some counts."""
    found = tuple(parts)
    if len(found) == 1:
        return found[0]
    columns = zip(*(each.durations.counts for each in found), strict=True)
    return Counts(
        durations=Histogram(counts=tuple(map(sum, columns))) if found else _NOTHING,
        busy=sum((each.busy for each in found), timedelta(0)),
        failed=sum(each.failed for each in found),
        timed_out=sum(each.timed_out for each in found),
        cancelled=sum(each.cancelled for each in found),
        retried=sum(each.retried for each in found),
        dead=sum(each.dead for each in found),
        lost=sum(each.lost for each in found),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsMinute:
    """What was counted in the minute that begins at `at`, by type."""

    at: datetime
    types: Mapping[str, Counts]

    @property
    def total(self) -> Counts:
        """All types together."""
        return added(self.types.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """The statistics of one queue at the instant `at` of its store; see `Stats`."""

    queue: str
    at: datetime
    types: Mapping[str, Counts]
    series: tuple[StatsMinute, ...]

    @property
    def total(self) -> Counts:
        """All types together."""
        return added(self.types.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What was done, over all queues and in each.

    `types`: since the first job, by the type's own name (its aliases count there too). `series`:
    by the minute, for the last three hours, oldest first; minutes in which nothing happened are
    left out. Both over all queues; `queues` has them for each. Of a queue that has seen more than
    200 types the others are counted together as "(other)". Nothing of this goes when jobs do.
    """

    queues: Mapping[str, QueueStats]
    types: Mapping[str, Counts]
    series: tuple[StatsMinute, ...]

    @property
    def total(self) -> Counts:
        """All types together."""
        return added(self.types.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How work goes: attempts a second, and what `Counts` says of them.

    `time_to_empty`: how long the jobs that wait will take if no more come; None if none leave.
    """

    throughput: float
    failure_rate: float | None
    mean_duration: timedelta | None
    time_to_empty: timedelta | None


def rates(
    series: Sequence[StatsMinute],
    now: datetime,
    waiting: int,
    *,
    over: timedelta = timedelta(minutes=5),
) -> Rates:
    """Return how work went lately: since the first minute, of those in `over`, with any."""
    recent = [minute for minute in series if now - over < minute.at + MINUTE and minute.at <= now]
    counts = added(minute.total for minute in recent)
    elapsed = max(now - min(minute.at for minute in recent), MINUTE / 60) if recent else over
    left = counts.processed - counts.retried
    time_to_empty = None if left <= 0 else elapsed * (waiting / left)
    return Rates(
        throughput=counts.processed / elapsed.total_seconds(),
        failure_rate=counts.failure_rate,
        mean_duration=counts.mean_duration,
        time_to_empty=time_to_empty if waiting else timedelta(0),
    )
