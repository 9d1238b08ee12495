"""Which wall-clock times a cron spec names: a calendar without zones."""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from jobkit.schedules.fields import LAST, Days

YEARS = 8  # 29 February is that rare around a year like 2100
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WallClock:
    """The times of day and the days that a spec names; naive, to the second."""

    seconds: tuple[int, ...]  # each in ascending order, none empty
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    days: Days

    def next_from(self, wall: datetime) -> datetime | None:
        """Return the first time not before this whole second; None: not within 8 years."""
        day = wall.date()
        if self._names(day):
            found = self._time_from(wall.hour, wall.minute, wall.second)
            if found is not None:
                return datetime.combine(day, found)
        following = self.next_day(day + _DAY)
        if following is None:
            return None
        return datetime.combine(following, time(self.hours[0], self.minutes[0], self.seconds[0]))

    def next_day(self, day: date) -> date | None:
        """Return the first day not before this one; None: not within 8 years."""
        last_year = day.year + YEARS
        while day.year <= last_year:
            if day.month not in self.months:
                day = _next_month(day)
            elif self._names(day):
                return day
            else:
                day += _DAY
        return None

    def _time_from(self, hour: int, minute: int, second: int) -> time | None:
        if hour in self.hours:
            if minute in self.minutes:
                at = bisect_left(self.seconds, second)
                if at < len(self.seconds):
                    return time(hour, minute, self.seconds[at])
            at = bisect_left(self.minutes, minute + 1)
            if at < len(self.minutes):
                return time(hour, self.minutes[at], self.seconds[0])
        at = bisect_left(self.hours, hour + 1)
        if at < len(self.hours):
            return time(self.hours[at], self.minutes[0], self.seconds[0])
        return None

    def _names(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        if self.days.both:
            return self._names_date(day) and self._names_weekday(day)
        return self._names_date(day) or self._names_weekday(day)

    def _names_date(self, day: date) -> bool:
        if day.day in self.days.days:
            return True
        return self.days.last_day and _is_in_last(1, day)

    def _names_weekday(self, day: date) -> bool:
        weekday = day.isoweekday() % 7
        if weekday in self.days.weekdays:
            return True
        nth = self.days.nth_weekdays
        if not nth:
            return False
        if (weekday, (day.day + 6) // 7) in nth:
            return True
        return (weekday, LAST) in nth and _is_in_last(7, day)


def _is_in_last(days: int, day: date) -> bool:
    """Tell whether a day is one of the last so many of its month."""
    return day.day + days > monthrange(day.year, day.month)[1]


def _next_month(day: date) -> date:
    if day.month == 12:
        return date(day.year + 1, 1, 1)
    return date(day.year, day.month + 1, 1)
