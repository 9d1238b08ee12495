"""Instants and delays as they are stored: within what a datetime and a store can hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jobkit.clock import duration_milliseconds, to_milliseconds, to_milliseconds_up

LAST_INSTANT = to_milliseconds(datetime(9999, 12, 31, tzinfo=UTC))
LONGEST_DELAY = duration_milliseconds(timedelta(days=365_000))  # from now, still before the last


def stored_instant(instant: datetime) -> int:
    """Return milliseconds since 1970, rounded up; what lies outside of those is moved in.

    >>> stored_instant(datetime(1960, 1, 1, tzinfo=UTC))
    0
    """
    return min(max(0, to_milliseconds_up(instant)), LAST_INSTANT)


def stored_delay(delay: timedelta) -> int:
    """Return milliseconds, rounded up; none below zero, none of more than a thousand years.

    >>> stored_delay(timedelta.max) == LONGEST_DELAY
    True
    """
    return min(max(0, duration_milliseconds(delay)), LONGEST_DELAY)
