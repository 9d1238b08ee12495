"""A cron spec in a time zone, and what it does when the clocks change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, datetime, timedelta, tzinfo

from jobkit.errors import InvalidOption
from jobkit.schedules.wallclock import YEARS, WallClock

_SECOND = timedelta(seconds=1)
_LAST_YEAR = MAXYEAR - YEARS - 1


@dataclass(frozen=True, slots=True)
class Cron:
    """Ticks at wall-clock times of a zone; made by `parse_spec`.

    Where the zone's clock is changed, a time that is skipped ticks once, right after the gap, and
    one that occurs twice ticks at its first occurrence. A spec whose minute or hour field begins
    with `*` is interval-like: it ticks in both hours, and not for a skipped time.

    >>> from jobkit.schedules import parse_spec
    >>> nightly = parse_spec("30 2 * * *", timezone="Europe/Paris")
    >>> nightly.next_after(datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()  # 02:30 is skipped
    '2026-03-29T01:00:00+00:00'
    """

    text: str
    timezone: str
    is_interval_like: bool = field(compare=False, repr=False)
    wall_clock: WallClock = field(compare=False, repr=False)
    zone: tzinfo = field(compare=False, repr=False)

    def next_after(self, instant: datetime) -> datetime | None:
        """Return the first tick after an aware instant, in UTC; None at the calendar's end."""
        if instant.tzinfo is None:
            raise InvalidOption(f"instant {instant!r} is naive: write an aware one, in UTC say")
        if instant.year > _LAST_YEAR:
            return None
        local = instant.astimezone(self.zone).replace(microsecond=0)
        after = local.astimezone(UTC)
        wall = local.replace(tzinfo=None, fold=0) + _SECOND
        if self.is_interval_like:
            return self._next_occurrence(after, wall)
        return self._next_wall_time(after, wall)

    def interval_after(self, tick: datetime) -> timedelta | None:
        """Return how long after this tick the next one is; None at the calendar's end."""
        following = self.next_after(tick)
        return None if following is None else following - tick

    def _next_wall_time(self, after: datetime, wall: datetime) -> datetime | None:
        """Look from this wall-clock time on: each one ticks once."""
        while (found := self.wall_clock.next_from(wall)) is not None:
            first, second = self._occurrences(found)
            if second < first:
                return self._change_between(second, first)  # skipped: right after the gap
            if after < first:
                return first
            # `after` is in the repeat, where nothing ticks: go to its end.
            wall = found + (self._change_between(first, second) - first)
        return None

    def _next_occurrence(self, after: datetime, wall: datetime) -> datetime | None:
        """Look from this wall-clock time on: each occurrence ticks, and nothing skipped does."""
        first, second = self._occurrences(wall - _SECOND)
        if after == first < second:
            change = self._change_between(first, second)
            found = self.wall_clock.next_from(wall)
            if found is not None and self._occurrences(found)[0] < change:
                return self._occurrences(found)[0]
            # The first of two equal hours has no more: go to the start of the second.
            after, wall = change - _SECOND, wall - _SECOND + (change - second)
        while (found := self.wall_clock.next_from(wall)) is not None:
            first, second = self._occurrences(found)
            if first <= second:
                return first if after < first else second
            wall = found + (self._change_between(second, first) - second)
        return None

    def _occurrences(self, wall: datetime) -> tuple[datetime, datetime]:
        """Return the instants of a wall-clock time: equal for nearly all.

        One that occurs twice gives both, in order. One that is skipped gives an instant after
        the gap and then one before it (PEP 495).
        """
        local = wall.replace(tzinfo=self.zone)
        return local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)

    def _change_between(self, before: datetime, after: datetime) -> datetime:
        """Return the first instant, to the second, with another offset than `before`."""
        offset = before.astimezone(self.zone).utcoffset()
        while after - before > _SECOND:
            middle = before + (after - before) // _SECOND // 2 * _SECOND
            if middle.astimezone(self.zone).utcoffset() == offset:
                before = middle
            else:
                after = middle
        return after
