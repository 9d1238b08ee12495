"""`VirtualClock`: a time that moves only when told."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from jobkit.clock import EPOCH, SystemClock, from_milliseconds, to_milliseconds
from jobkit.errors import InvalidOption

NOTHING = timedelta(0)


class Alarm:
    """Something to do when the clock gets there; `cancel` takes it back."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Do nothing when the time comes."""
        self.callback = None


class VirtualClock:
    """A clock for tests; without `start` it begins at the system's now, in whole milliseconds.

    Alarms go off at their exact instant, however far one call moves the clock.

    >>> clock = VirtualClock(EPOCH)
    >>> clock.advance(timedelta(hours=1))
    >>> clock.now().isoformat()
    '1970-01-01T01:00:00+00:00'
    >>> clock.monotonic()
    3600.0
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = _system_now() if start is None else _checked("start", start)
        self._at = to_milliseconds(self._now)
        self._elapsed = NOTHING
        self._alarms: list[tuple[timedelta, int, Alarm]] = []
        self._numbers = count()

    @staticmethod
    def follow_system() -> VirtualClock:
        """Return a clock that reads the system's at each call, so that it moves with freezegun
        and time-machine; what `advance` and `travel_to` add comes on top."""
        return _FollowingClock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.now().isoformat()}>"

    def now(self) -> datetime:
        """Return the instant, aware and in UTC."""
        return self._now

    def milliseconds(self) -> int:
        """Return the instant as stores count, in whole milliseconds since 1970."""
        return self._at

    def monotonic(self) -> float:
        """Return the seconds that have passed; going back in time takes nothing away."""
        return self._elapsed.total_seconds()

    def advance(self, delta: timedelta) -> None:
        """Let time pass."""
        # Types are a promise that user code may break at run time, here and below.
        if not isinstance(delta, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidOption(f"advance({delta!r}): give a datetime.timedelta")
        if delta < NOTHING:
            raise InvalidOption(f"advance({delta!r}): time does not run backwards; see travel_to")
        self._go(delta)

    def travel_to(self, instant: datetime) -> None:
        """Go to an instant; on the way forward time passes, on the way back it does not."""
        delta = _checked("travel_to", instant) - self.now()
        if delta >= NOTHING:
            self._go(delta)
        else:
            self._move(delta)

    def call_later(self, delay: timedelta, callback: Callable[[], object]) -> Alarm:
        """Call this once `delay` has passed, in the thread that moves the clock."""
        self.now()
        alarm = Alarm(callback)
        heapq.heappush(self._alarms, (self._elapsed + delay, next(self._numbers), alarm))
        return alarm

    def until_alarm(self) -> timedelta | None:
        """Return how long it is to the next alarm, or None."""
        self.now()
        while self._alarms and self._alarms[0][2].callback is None:
            heapq.heappop(self._alarms)
        return max(self._alarms[0][0] - self._elapsed, NOTHING) if self._alarms else None

    def _go(self, delta: timedelta) -> None:
        self.now()
        if not self._alarms:
            self._move(delta)
            return
        target = self._elapsed + delta
        while (wait := self.until_alarm()) is not None and self._elapsed + wait <= target:
            _, _, alarm = heapq.heappop(self._alarms)
            self._move(wait)
            callback, alarm.callback = alarm.callback, None
            if callback is not None:
                callback()
        self._move(max(target - self._elapsed, NOTHING))

    def _move(self, delta: timedelta) -> None:
        if delta:
            self._now += delta
            self._at = to_milliseconds(self._now)
            self._elapsed += max(delta, NOTHING)


class _FollowingClock(VirtualClock):
    """Reads the system's clock, which a library for tests may have replaced."""

    def __init__(self) -> None:
        super().__init__()
        self._system = SystemClock()
        self._ahead = NOTHING
        super()._move(_plain(self._system.now()) - self._now)
        self._elapsed = NOTHING

    def now(self) -> datetime:
        super()._move(_plain(self._system.now()) + self._ahead - self._now)
        return self._now

    def milliseconds(self) -> int:
        self.now()
        return super().milliseconds()

    def monotonic(self) -> float:
        self.now()
        return super().monotonic()

    def _move(self, delta: timedelta) -> None:
        super()._move(delta)
        self._ahead += delta


def _system_now() -> datetime:
    """Return now in whole milliseconds, as stores count: a job due now is due at once."""
    return from_milliseconds(to_milliseconds(SystemClock().now()))


def _checked(name: str, instant: datetime) -> datetime:
    if not isinstance(instant, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidOption(f"{name}={instant!r}: give an aware datetime.datetime")
    if instant.utcoffset() is None:
        raise InvalidOption(f"{name}={instant!r} has no time zone; give an aware datetime")
    return _plain(instant)


def _plain(instant: datetime) -> datetime:
    """Return the instant in UTC, without the class that freezegun gives to it."""
    return EPOCH + (instant - EPOCH)
