"""Intervals: a grid of elapsed time from an anchor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobkit.clock import EPOCH
from jobkit.errors import InvalidOption
from jobkit.schedules import Every, upcoming

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)

intervals = st.integers(1_000, 8 * 365 * 86_400_000).map(lambda ms: ms * MILLISECOND)
instants = st.timedeltas(timedelta(0), timedelta(days=47_000)).map(lambda passed: EPOCH + passed)


def test_the_first_tick_is_the_anchor_itself() -> None:
    every = Every(timedelta(minutes=5))

    assert every.next_after(ANCHOR - timedelta(days=400), anchor=ANCHOR) == ANCHOR
    assert every.next_after(ANCHOR - timedelta(microseconds=1), anchor=ANCHOR) == ANCHOR


def test_a_tick_is_strictly_after() -> None:
    every = Every(timedelta(minutes=5))

    tick = every.next_after(ANCHOR, anchor=ANCHOR)

    assert tick == ANCHOR + timedelta(minutes=5)


def test_an_anchor_between_milliseconds_is_rounded_up_as_run_at_is() -> None:
    anchor = ANCHOR + timedelta(microseconds=1)

    assert Every(SECOND).next_after(ANCHOR, anchor=anchor) == ANCHOR + MILLISECOND


def test_the_result_is_in_utc_whatever_the_zone_of_the_instant() -> None:
    instant = ANCHOR.astimezone(timezone(timedelta(hours=5)))

    tick = Every(SECOND).next_after(instant, anchor=instant)

    assert tick is not None
    assert (tick, tick.tzinfo) == (ANCHOR + SECOND, UTC)


def test_without_an_anchor_the_next_ticks_count_from_the_instant() -> None:
    assert upcoming(Every(SECOND), ANCHOR, 2) == [ANCHOR + SECOND, ANCHOR + 2 * SECOND]
    assert upcoming(Every(SECOND), ANCHOR, 2, anchor=ANCHOR + MILLISECOND) == [
        ANCHOR + MILLISECOND,
        ANCHOR + MILLISECOND + SECOND,
    ]


def test_there_is_no_tick_past_the_calendar() -> None:
    last = datetime(9999, 12, 31, tzinfo=UTC)

    assert Every(timedelta(days=2)).next_after(last, anchor=ANCHOR) is None
    assert upcoming(Every(timedelta(days=2)), last) == []


@pytest.mark.parametrize("name", ["instant", "anchor"])
def test_naive_instants_are_refused(name: str) -> None:
    given = {"instant": ANCHOR, "anchor": ANCHOR} | {name: ANCHOR.replace(tzinfo=None)}

    with pytest.raises(InvalidOption, match=rf"^{name} datetime.datetime\(.*\) is naive: write an"):
        Every(SECOND).next_after(given["instant"], anchor=given["anchor"])


@settings(deadline=None)
@given(intervals, instants, instants)
def test_ticks_lie_on_the_grid_next_to_the_instant(
    interval: timedelta, instant: datetime, anchor: datetime
) -> None:
    tick = Every(interval).next_after(instant, anchor=anchor)

    assert tick is not None
    assert instant < tick
    assert (tick - anchor) % interval < MILLISECOND
    assert tick - instant <= interval or tick - anchor < MILLISECOND
