"""The fields of a cron spec: from their text to the values that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from jobkit.errors import InvalidSchedule

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

LAST = 0  # the n of a weekday's last occurrence in a month; the others count from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What one place of a spec may say."""

    name: str
    low: int
    high: int
    count: int  # of different values: days 0 and 7 of the week are both Sunday
    forms: str = ""  # that this field takes beyond numbers, lists, ranges and steps
    names: Mapping[str, int] = field(default_factory=dict[str, int])


SECOND = Field(name="second", low=0, high=59, count=60)
MINUTE = Field(name="minute", low=0, high=59, count=60)
HOUR = Field(name="hour", low=0, high=23, count=24)
DAY = Field(name="day of month", low=1, high=31, count=31, forms=", L or ?")
MONTH = Field(
    name="month",
    low=1,
    high=12,
    count=12,
    forms=", or names JAN-DEC",
    names={name: number for number, name in enumerate(_MONTHS, start=1)},
)
WEEKDAY = Field(
    name="day of week",
    low=0,
    high=7,
    count=7,
    forms=", names SUN-SAT, FRI#2 (the second), FRIL (the last) or ?",
    names={name: number for number, name in enumerate(_WEEKDAYS)},
)

# `*`, a value or a range, and perhaps a step.
_TERM = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", re.ASCII)
_NTH = re.compile(r"(\w+)#(\d+)", re.ASCII)
_LAST_WEEKDAY = re.compile(r"L([0-7])|(\w+)L", re.ASCII)

# Forms of other systems, refused by name; what they are and what to write instead.
_REFUSED = (
    (
        re.compile(r"[HR](\(.*\))?(/\d+)?"),
        "H and R (a value chosen by hash or at random) are not supported: write the value itself",
    ),
    (
        re.compile(r"\d+W|W\d+|LW|WL"),
        "W (the nearest working day) is not supported: write days of the month, or MON-FRI"
        " as day of week",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The days that the fields day of month and day of week name together."""

    days: frozenset[int]
    last_day: bool  # of the month
    weekdays: frozenset[int]  # Sunday is 0
    nth_weekdays: frozenset[tuple[int, int]]  # (weekday, n); n is LAST or counts from 1
    both: bool  # a day has to fit both fields; else one of them is enough


def parse_values(this: Field, text: str) -> frozenset[int]:
    """Return the values that a field names; raise `InvalidSchedule` for what it cannot."""
    values: set[int] = set()
    for term in text.split(","):
        values |= _parse_term(this, term)
    return frozenset(values)


def parse_days(day: str, weekday: str) -> Days:
    """Return the days that these two fields name.

    Both restricted: a day that fits one of them is enough. A field that begins with `*`, also as
    `*/2`, or is `?` counts as unrestricted, and then a day has to fit both: `*/2` and MON name
    the Mondays with an odd number. (The rule of Debian's cron.)
    """
    day, weekday = ("*" if text == "?" else text for text in (day, weekday))
    days = [term for term in day.split(",") if term != "L"]
    weekdays: set[int] = set()
    nth_weekdays: set[tuple[int, int]] = set()
    for term in weekday.split(","):
        nth = _parse_nth(term)
        if nth is not None:
            nth_weekdays.add(nth)
        else:
            weekdays |= {number % 7 for number in _parse_term(WEEKDAY, term)}
    return Days(
        days=parse_values(DAY, ",".join(days)) if days else frozenset(),
        last_day="L" in day.split(","),
        weekdays=frozenset(weekdays),
        nth_weekdays=frozenset(nth_weekdays),
        both=day.startswith("*") or weekday.startswith("*"),
    )


def _parse_nth(term: str) -> tuple[int, int] | None:
    """Return weekday and n of `FRI#2`, `FRIL` or `L5`; None if the term is none of these."""
    if match := _NTH.fullmatch(term):
        number, n = _value(WEEKDAY, term, match[1]), int(match[2])
        if not 1 <= n <= 5:
            _refuse(WEEKDAY, term, f"a month has no day number {n} of one kind: write #1 to #5")
        return number % 7, n
    if match := _LAST_WEEKDAY.fullmatch(term):
        return _value(WEEKDAY, term, match[1] or match[2]) % 7, LAST
    return None


def _parse_term(this: Field, term: str) -> set[int]:
    for form, reason in _REFUSED:
        if form.fullmatch(term):
            _refuse(this, term, reason)
    match = _TERM.fullmatch(term)
    if match is None or (match[1] == "*" and match[2]):
        _refuse(this, term)
    first, last, step = match.groups()
    low = this.low if first == "*" else _value(this, term, first)
    high = low if last is None else _value(this, term, last)
    if first == "*" or (last is None and step):
        high = this.high  # 5/15 is 5-59/15
    elif last == "SUN" and low:
        high = 7  # FRI-SUN: the Sunday after, not the one before
    if high < low:
        mended = f"{first}-{this.low + this.count - 1},{this.low}-{last}"
        _refuse(this, term, f"the range ends before it begins: write {mended}")
    return set(range(low, high + 1, _step(this, term, step)))


def _step(this: Field, term: str, text: str | None) -> int:
    step = int(text or 1)
    if step == 0:
        _refuse(this, term, "a step of 0 leads nowhere: write 1 or more")
    if step >= this.count:
        _refuse(
            this,
            term,
            f"a step of {step} is past the {this.count} values of this field and names the first"
            " alone: write that one, or '@every' with a duration",
        )
    return step


def _value(this: Field, term: str, text: str) -> int:
    if text in this.names:
        return this.names[text]
    if not text.isdecimal():
        _refuse(this, term)
    if not this.low <= int(text) <= this.high:
        _refuse(this, term, f"{text} is out of range: write {this.low} to {this.high}")
    return int(text)


def _refuse(this: Field, term: str, reason: str = "") -> NoReturn:
    reason = reason or (
        f"write *, {this.low}-{this.high}, a list (1,2), a range (1-2), a step (*/2)" + this.forms
    )
    raise InvalidSchedule(f"{this.name} {term!r}: {reason}")
