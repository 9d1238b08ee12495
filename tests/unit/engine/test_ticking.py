"""Which tick is fired, and which comes after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from jobkit.clock import from_milliseconds
from jobkit.engine.ticking import MISSED_AFTER, NextAfter, Step, grid, latest, step
from jobkit.errors import InvalidSchedule
from jobkit.schedules import parse_spec

SECOND = 1_000
MINUTE = 60_000
HOUR = 60 * MINUTE


def every(interval: int) -> NextAfter:
    """Tick at the multiples of an interval."""
    return lambda after: (after // interval + 1) * interval


def at(*ticks: int) -> NextAfter:
    """Tick at these instants only."""
    return lambda after: next((tick for tick in ticks if tick > after), None)


class Rule:
    """A user's rule that answers as it is told."""

    name = "rule"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def next_after(self, instant: datetime, /) -> datetime | None:
        return cast("datetime | None", self.answer)


@pytest.mark.parametrize("policy", ["one", "all", "skip"])
@pytest.mark.parametrize("late", [0, 1, MISSED_AFTER])
def test_a_tick_within_a_minute_is_fired_whatever_the_policy(policy: Any, late: int) -> None:
    """B18"""
    assert step(every(HOUR), HOUR, HOUR + late, policy) == Step(HOUR, 2 * HOUR)


def test_of_many_missed_ticks_one_fires_the_latest_and_goes_on_behind_it() -> None:
    """B18"""
    now = 7 * HOUR + 30 * MINUTE

    assert step(every(HOUR), HOUR, now, "one") == Step(7 * HOUR, 8 * HOUR, missed=True)


def test_the_latest_missed_tick_is_not_the_one_that_is_just_due() -> None:
    """B18: that one is fired as usual."""
    assert step(every(HOUR), HOUR, 7 * HOUR + 1, "one") == Step(6 * HOUR, 7 * HOUR, missed=True)
    assert step(every(HOUR), 7 * HOUR, 7 * HOUR + 1, "one") == Step(7 * HOUR, 8 * HOUR)


def test_all_missed_ticks_are_fired_oldest_first() -> None:
    """B18"""
    assert step(every(HOUR), HOUR, 9 * HOUR, "all") == Step(HOUR, 2 * HOUR, missed=True)


def test_missed_ticks_are_skipped_up_to_the_first_that_is_not() -> None:
    """B18"""
    late = 7 * HOUR + 30 * MINUTE

    assert step(every(HOUR), HOUR, late, "skip") == Step(None, 8 * HOUR, missed=True)
    assert step(every(HOUR), HOUR, 7 * HOUR + 1, "skip") == Step(None, 7 * HOUR, missed=True)


def test_a_short_interval_is_missed_when_the_next_tick_is_over() -> None:
    """B18: within a minute, or one interval if that is shorter."""
    assert step(every(SECOND), SECOND, 2 * SECOND, "skip") == Step(SECOND, 2 * SECOND)
    assert step(every(SECOND), SECOND, 2 * SECOND + 1, "skip") == Step(
        None, 2 * SECOND, missed=True
    )


@pytest.mark.parametrize("policy", ["one", "all", "skip"])
def test_the_last_tick_of_a_rule_is_followed_by_none(policy: Any) -> None:
    """B14: fired in time, or late."""
    in_time = step(at(HOUR), HOUR, HOUR, policy)
    late = step(at(HOUR), HOUR, 9 * HOUR, policy)

    assert in_time == Step(HOUR, None)
    assert late == Step(None if policy == "skip" else HOUR, None, missed=True)


def test_irregular_ticks_are_looked_through_as_well() -> None:
    """B18"""
    ticks = at(1 * HOUR, 2 * HOUR, 2 * HOUR + 1, 5 * HOUR, 40 * HOUR)

    assert step(ticks, HOUR, 9 * HOUR, "one") == Step(5 * HOUR, 40 * HOUR, missed=True)
    assert step(ticks, HOUR, 2 * HOUR, "one") == Step(HOUR, 2 * HOUR, missed=True)


def test_the_latest_tick_after_years_is_found_in_a_few_looks() -> None:
    """B18: a second's grid and a long outage."""
    looks = 0

    def counted(after: int) -> int:
        nonlocal looks
        looks += 1
        return (after // SECOND + 1) * SECOND

    years = 10 * 365 * 24 * HOUR

    assert latest(counted, SECOND, years + 7) == years
    assert looks < 70


@pytest.mark.parametrize("until", [*range(3 * SECOND, 30 * SECOND, 499)])
def test_the_search_finds_what_a_walk_would(until: int) -> None:
    ticks = [3 * SECOND, *range(5 * SECOND, 8 * SECOND, 111), 9 * SECOND, 27 * SECOND]

    assert latest(at(*ticks), 3 * SECOND, until) == max(tick for tick in ticks if tick <= until)


def test_a_cron_grid_is_that_of_its_zone() -> None:
    """B15"""
    first = datetime(2026, 3, 28, 8, tzinfo=UTC)
    rule = parse_spec("0 9 * * *", timezone="Europe/Berlin")
    next_after = grid(rule, int(first.timestamp() * 1000))

    following = next_after(int(first.timestamp() * 1000))

    assert following is not None
    assert from_milliseconds(following) == datetime(2026, 3, 29, 7, tzinfo=UTC)


def test_an_interval_s_grid_begins_with_its_first_tick() -> None:
    """B19"""
    next_after = grid(parse_spec("@every 90m"), 7)

    assert [next_after(0), next_after(7), next_after(90 * MINUTE + 7)] == [
        7,
        90 * MINUTE + 7,
        180 * MINUTE + 7,
    ]


def test_an_instant_between_milliseconds_is_rounded_up() -> None:
    """B8: never early."""
    answer = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=5_001)

    assert grid(Rule(answer), 0)(0) == 6


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "is not after it"),
        (datetime(2026, 1, 1), "aware datetime"),  # noqa: DTZ001 (that is the fault)
        ("tomorrow", "aware datetime"),
    ],
)
def test_a_rule_that_answers_nonsense_is_told_so(answer: Any, complaint: str) -> None:
    """B14"""
    with pytest.raises(InvalidSchedule, match=complaint):
        grid(Rule(answer), 0)(0)
