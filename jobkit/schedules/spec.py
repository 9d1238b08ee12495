"""From what a user writes to a `Cron` or an `Every`."""

from __future__ import annotations

from datetime import UTC, date, timedelta, tzinfo
from typing import TypeAlias
from zoneinfo import ZoneInfo

from jobkit.errors import InvalidOption, InvalidSchedule
from jobkit.schedules.cron import Cron
from jobkit.schedules.every import Every, parse_duration
from jobkit.schedules.fields import HOUR, MINUTE, MONTH, SECOND, Field, parse_days, parse_values
from jobkit.schedules.wallclock import YEARS, WallClock

Rule: TypeAlias = Cron | Every

LONGEST_TEXT = 1_000  # characters; a list of every minute and second has 400

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_YEARS_OF_A_CYCLE = range(2000, 2028)  # each weekday on each day, in leap years and others


def parse_spec(spec: str | timedelta, *, timezone: str = "UTC") -> Rule:
    """Return the rule that a spec tells, or raise `InvalidSchedule` with what to mend (B14).

    A spec is five fields (minute, hour, day of month, month, day of week), six with seconds
    first, a name such as `@daily`, `@every 1h30m`, or a `timedelta`. The zone is an IANA name,
    else `InvalidOption`; an interval takes none.

    >>> parse_spec("0 9 * * mon-fri", timezone="Europe/Paris").text
    '0 9 * * MON-FRI'
    >>> parse_spec(timedelta(minutes=90)) == parse_spec("@every 1h30m")
    True
    """
    zone = _zone(timezone)
    match spec:
        case timedelta():
            return _every(spec, spec, timezone)
        case str():
            words = _words(spec)
        case _:
            raise InvalidSchedule(
                f"{spec!r} is no spec: write a string such as '0 9 * * MON-FRI' or '@every 90s',"
                " or a timedelta"
            )
    if words[0] == "@EVERY":
        return _every(spec, _duration(spec, words[1:]), timezone)
    text = " ".join(words)
    if text.startswith("@"):
        text = text.lower()
        if text not in _NAMED:
            raise InvalidSchedule(f"{spec!r}: {_unknown_name(text)}")
        words = _NAMED[text].split()
    fields = _six_fields(spec, words)
    wall_clock = _wall_clock(spec, fields)
    like = fields[1].startswith("*") or fields[2].startswith("*")
    return Cron(text, timezone, is_interval_like=like, wall_clock=wall_clock, zone=zone)


def _words(spec: str) -> list[str]:
    if not spec.isascii() or len(spec) > LONGEST_TEXT:
        raise InvalidSchedule(f"{spec[:60]!r}: write ASCII, at most {LONGEST_TEXT} characters")
    words = spec.upper().split()
    if not words:
        raise InvalidSchedule(f"{spec!r} is empty: write five fields such as '0 9 * * MON-FRI'")
    return words


def _unknown_name(text: str) -> str:
    if text.startswith("@reboot"):
        return "@reboot is not supported, a queue does not start: enqueue the job at your start"
    return f"no such name: write one of {', '.join(_NAMED)} or @every with a duration"


def _every(spec: str | timedelta, interval: timedelta, timezone: str) -> Every:
    if timezone != "UTC":
        raise InvalidOption(
            f"timezone={timezone!r}: the interval {spec!r} is elapsed time, the same in each zone."
            " Leave the zone out, or write a cron spec"
        )
    return Every(interval)


def _duration(spec: str, words: list[str]) -> timedelta:
    try:
        return parse_duration("".join(words).lower())
    except InvalidSchedule as error:
        raise InvalidSchedule(f"{spec!r}: {error}") from None


def _six_fields(spec: str, words: list[str]) -> list[str]:
    match len(words):
        case 5:
            return ["0", *words]
        case 6:
            return words
        case 7:
            raise InvalidSchedule(
                f"{spec!r}: years (a seventh field) are not supported: leave it out"
            )
        case number:
            raise InvalidSchedule(
                f"{spec!r} has {number} fields: write five (minute hour day-of-month month"
                " day-of-week) or six with seconds first"
            )


def _wall_clock(spec: str, fields: list[str]) -> WallClock:
    second, minute, hour, day, month, weekday = fields
    try:
        wall_clock = WallClock(
            seconds=_sorted(SECOND, second),
            minutes=_sorted(MINUTE, minute),
            hours=_sorted(HOUR, hour),
            months=_sorted(MONTH, month),
            days=parse_days(day, weekday),
        )
    except InvalidSchedule as error:
        raise InvalidSchedule(f"{spec!r}: {error}") from None
    if any(wall_clock.next_day(date(year, 1, 1)) is None for year in _YEARS_OF_A_CYCLE):
        raise InvalidSchedule(
            f"{spec!r} can go {YEARS} years without firing: write days that its months have"
        )
    return wall_clock


def _sorted(this: Field, text: str) -> tuple[int, ...]:
    return tuple(sorted(parse_values(this, text)))


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC  # also where no zones are installed
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        raise InvalidOption(
            f"timezone={name!r}: no such time zone. Write an IANA name such as 'Europe/Paris'; if"
            " it is one, this system lacks it: pip install tzdata"
        ) from None
