"""Histograms, sums of counts, and rates: pure arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from jobkit.errors import InvalidOption
from jobkit.stats import BOUNDS, Counts, Histogram, Rates, StatsMinute, added, rates

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def milliseconds(number: float) -> timedelta:
    return timedelta(milliseconds=number)


def a_histogram(**by_bucket: int) -> Histogram:
    """Build a histogram; `to_5=2`: two attempts in the bucket up to 5 ms."""
    counts = {milliseconds(float(name.removeprefix("to_"))): n for name, n in by_bucket.items()}
    beyond = counts.pop(milliseconds(0), 0)
    return Histogram(counts=(*(counts.pop(bound, 0) for bound in BOUNDS), beyond))


def some(number: int, **fields: Any) -> Counts:
    """Build the counts of so many attempts of 5 ms."""
    return Counts(durations=a_histogram(to_5=number), busy=number * milliseconds(5), **fields)


def a_minute(before: int, **types: Counts) -> StatsMinute:
    """Build the minute so many minutes before noon."""
    return StatsMinute(at=NOON - before * MINUTE, types=types)


def test_the_bounds_lie_even_on_a_logarithmic_scale() -> None:
    """B49: from a millisecond to an hour."""
    steps = [b / a for a, b in pairwise(BOUNDS)]

    assert (BOUNDS[0], BOUNDS[-1]) == (milliseconds(1), timedelta(hours=1))
    assert len(BOUNDS) == 21
    assert 1.5 < min(steps) <= max(steps) <= 2.5


@pytest.mark.parametrize(("q", "expected"), [(0, 0.0), (25, 0.5), (50, 1.0), (75, 3.5), (100, 5.0)])
def test_a_percentile_lies_in_the_bucket_that_reaches_it(q: float, expected: float) -> None:
    """B49"""
    histogram = a_histogram(to_1=2, to_5=2)

    assert histogram.total == 4
    assert histogram.percentile(q) == milliseconds(expected)


def test_a_percentile_beyond_all_bounds_is_the_last() -> None:
    """B49"""
    histogram = a_histogram(to_1=1, to_0=9)

    assert histogram.percentile(10) == milliseconds(1)
    assert histogram.percentile(11) == timedelta(hours=1)


def test_of_nothing_there_is_no_percentile() -> None:
    """B49"""
    assert Counts().durations.percentile(50) is None


@pytest.mark.parametrize("q", [-1, 101, float("nan")])
def test_a_percentile_is_asked_for_from_0_to_100(q: float) -> None:
    with pytest.raises(InvalidOption, match="a number from 0 to 100"):
        a_histogram(to_1=1).percentile(q)


def test_what_neither_failed_nor_was_stopped_succeeded() -> None:
    """B49"""
    counts = some(10, failed=2, timed_out=1, cancelled=3)

    assert (counts.processed, counts.succeeded) == (10, 4)
    assert counts.failure_rate == 0.3
    assert counts.mean_duration == milliseconds(5)


def test_nothing_has_no_rate_and_no_mean() -> None:
    """B49"""
    counts = added([])

    assert counts == Counts()
    assert (counts.failure_rate, counts.mean_duration) == (None, None)


def test_counts_are_added_field_by_field() -> None:
    """B49"""
    one = some(3, failed=1, timed_out=1, cancelled=1, retried=1, dead=1, lost=1)
    other = Counts(durations=a_histogram(to_1=1), busy=milliseconds(1), lost=5)

    assert added([one, other]) == Counts(
        durations=a_histogram(to_1=1, to_5=3),
        busy=milliseconds(16),
        failed=1,
        timed_out=1,
        cancelled=1,
        retried=1,
        dead=1,
        lost=6,
    )
    assert a_minute(0, A=one, B=other).total == added([one, other])


def test_rates_look_at_the_last_minutes() -> None:
    """B47: since the first of them with anything in it."""
    old, before = a_minute(30, A=some(1000)), a_minute(3, A=some(60))
    series = (old, before, a_minute(1, B=some(120, failed=9)))

    found = rates(series, NOON, 360)

    assert found == Rates(
        throughput=1.0,
        failure_rate=0.05,
        mean_duration=milliseconds(5),
        time_to_empty=6 * MINUTE,
    )


def test_the_minute_under_way_counts_as_far_as_it_has_come() -> None:
    """B47"""
    now = NOON + timedelta(seconds=10)

    assert rates((a_minute(0, A=some(40)),), now, 8).throughput == 4.0
    assert rates((a_minute(0, A=some(40)),), NOON, 8).throughput == 40.0
    assert rates((a_minute(-1, A=some(40)),), NOON, 8).throughput == 0.0


def test_attempts_that_come_back_empty_nothing() -> None:
    """B47"""
    series = (a_minute(1, A=some(60, failed=30, retried=30)),)
    hopeless = (a_minute(1, A=some(60, failed=60, retried=60)),)

    assert rates(series, NOON, 15).time_to_empty == timedelta(seconds=30)
    assert rates(hopeless, NOON, 15).time_to_empty is None
    assert rates((), NOON, 15).time_to_empty is None
    assert rates((), NOON, 0).time_to_empty == timedelta(0)


def test_a_minute_is_left_out_once_all_of_it_is_too_old() -> None:
    """B47"""
    minute = (a_minute(5, A=some(60)),)

    assert rates(minute, NOON, 0).throughput > 0
    assert rates(minute, NOON + MINUTE, 0).throughput == 0
