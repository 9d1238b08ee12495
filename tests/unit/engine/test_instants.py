from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobkit.clock import from_milliseconds
from jobkit.engine.instants import LAST_INSTANT, LONGEST_DELAY, stored_delay, stored_instant


@pytest.mark.parametrize(
    ("instant", "stored"),
    [
        (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1000),
        (datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC), 1001),
        (datetime(1, 1, 1, tzinfo=UTC), 0),
        (datetime.max.replace(tzinfo=UTC), LAST_INSTANT),
    ],
)
def test_an_instant_is_rounded_up_and_moved_into_what_can_be_read(
    instant: datetime, stored: int
) -> None:
    """B8"""
    assert stored_instant(instant) == stored
    assert from_milliseconds(stored).tzinfo is UTC


@pytest.mark.parametrize(
    ("delay", "stored"),
    [
        (timedelta(microseconds=1), 1),
        (timedelta(seconds=2), 2000),
        (timedelta(seconds=-1), 0),
        (timedelta.min, 0),
        (timedelta.max, LONGEST_DELAY),
    ],
)
def test_a_delay_is_rounded_up_and_has_an_end(delay: timedelta, stored: int) -> None:
    """B8"""
    assert stored_delay(delay) == stored


def test_the_longest_delay_from_now_can_be_read() -> None:
    assert from_milliseconds(4_000_000_000_000 + LONGEST_DELAY).year < 9999
    assert LAST_INSTANT < 2**48  # twelve hex digits of a lane's member
