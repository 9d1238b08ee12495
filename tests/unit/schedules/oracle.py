"""Whom the schedules are compared with: cronsim, and the rule of B15 taken literally.

cronsim (Debian's cron) is an oracle for specs of five fields; `by_definition` for every spec: it
looks at a clock on the wall, second by second or minute by minute.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from jobkit.schedules import Cron, parse_spec

# Zones with odd changes first: half an hour, quarters, at midnight, around Ramadan, by years.
ZONES = (
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Cairo",
    "Africa/Juba",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Macquarie",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Damascus",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Tehran",
    "Pacific/Apia",
    "Pacific/Easter",
    "Pacific/Norfolk",
    "America/Los_Angeles",
    "America/New_York",
    "Australia/Adelaide",
    "Australia/Sydney",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Paris",
    "Pacific/Auckland",
)
BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
NOWHEN = BEGIN.replace(tzinfo=None)
LONGEST_REPEAT = timedelta(hours=3)  # more than any zone repeats since 2020
DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)


@cache
def changes(name: str, begin: datetime = BEGIN, end: datetime = END) -> tuple[datetime, ...]:
    """Return the first instants after each change of a zone's clocks."""
    zone = ZoneInfo(name)

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(zone).utcoffset()

    found: list[datetime] = []
    days = [begin + number * DAY for number in range((end - begin) // DAY + 1)]
    for before, after in pairwise(days):
        if offset(before) == offset(after):
            continue
        minutes = (before + number * MINUTE for number in range(24 * 60 + 1))
        found.append(next(minute for minute in minutes if offset(minute) != offset(before)))
    return tuple(found)


def ours(spec: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Return what jobkit says: the ticks after `start`, up to `end`."""
    rule = parse_spec(spec, timezone=zone)
    assert isinstance(rule, Cron)
    found: list[datetime] = []
    tick = rule.next_after(start)
    while tick is not None and tick <= end:
        found.append(tick)
        tick = rule.next_after(tick)
    return found


def theirs(spec: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Return what cronsim says; several skipped times that it moves to one instant are one."""
    ticks = (tick.astimezone(UTC) for tick in CronSim(spec, start.astimezone(ZoneInfo(zone))))
    return list(dict.fromkeys(takewhile(lambda tick: tick <= end, ticks)))


def by_definition(spec: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """Watch a clock on the wall, second by second if the spec names seconds, else by minutes.

    An interval-like spec ticks whenever the clock shows a time that it names. Another ticks when
    the clock reaches or passes one for the first time: when its highest reading so far rises to
    or over it. cronsim only parses the spec here.
    """
    words = spec.split()
    step = SECOND if len(words) == 6 else MINUTE
    is_interval_like = any(word.startswith("*") for word in words[-5:-3])
    fields = CronSim(spec, NOWHEN)
    found: list[datetime] = []
    instant = start.replace(second=0, microsecond=0)
    if not is_interval_like:
        instant -= LONGEST_REPEAT
    highest = _wall(instant, zone)
    while (instant := instant + step) <= end:
        wall = _wall(instant, zone)
        if is_interval_like:
            reached = [wall]
        else:
            reached = [highest + n * step for n in range(1, (wall - highest) // step + 1)]
        if instant > start and any(_names(fields, time) for time in reached):
            found.append(instant)
        highest = max(highest, wall)
    return found


def _wall(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def _names(fields: CronSim, wall: datetime) -> bool:
    return (
        wall.second in fields.seconds
        and wall.minute in fields.minutes
        and wall.hour in fields.hours
        and wall.month in fields.months
        and fields.match_day(wall.date())
    )
