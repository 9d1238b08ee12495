"""The only reader of real time, and the arithmetic of instants.

Stores count integer milliseconds since 1970 in UTC; users see aware datetimes.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


@runtime_checkable
class Clock(Protocol):
    """Where jobkit reads the time: the system's clock, or one that a test moves."""

    def now(self) -> datetime:
        """Return the instant, aware."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards, from an arbitrary start."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    # The system's function itself: it is asked for each operation on a store.
    monotonic = staticmethod(time.monotonic)


def system_milliseconds() -> int:
    """Return the system's time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def to_milliseconds(instant: datetime) -> int:
    """Round an aware instant down to whole milliseconds since 1970.

    >>> to_milliseconds(datetime(1970, 1, 1, 0, 0, 1, 999, tzinfo=UTC))
    1000
    """
    return (instant - EPOCH) // MILLISECOND


def to_milliseconds_up(instant: datetime) -> int:
    """Round an aware instant up, so that nothing due then starts a moment early.

    >>> to_milliseconds_up(datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC))
    1001
    """
    return -((EPOCH - instant) // MILLISECOND)


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the instant, aware and in UTC.

    >>> from_milliseconds(1500)
    datetime.datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=datetime.timezone.utc)
    """
    return EPOCH + timedelta(milliseconds=milliseconds)


def duration_milliseconds(duration: timedelta) -> int:
    """Round a duration up to whole milliseconds.

    >>> duration_milliseconds(timedelta(microseconds=1))
    1
    """
    whole, rest = divmod(duration, MILLISECOND)
    return whole + bool(rest)


def pause(seconds: float) -> None:
    """Let this thread rest; the only sleep of the package."""
    time.sleep(seconds)
