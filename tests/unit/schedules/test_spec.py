"""B14: which specs are taken, and what is said of the others."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from jobkit.errors import InvalidOption, InvalidSchedule
from jobkit.schedules import Cron, Every, parse_spec, upcoming

START = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def ticks(spec: str, count: int = 3, *, after: datetime = START) -> list[str]:
    return [f"{tick:%Y-%m-%d %H:%M:%S}" for tick in upcoming(parse_spec(spec), after, count)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("30 9 * * *", ["2026-01-01 09:30:00", "2026-01-02 09:30:00", "2026-01-03 09:30:00"]),
        ("15 30 9 * * *", ["2026-01-01 09:30:15", "2026-01-02 09:30:15", "2026-01-03 09:30:15"]),
        ("*/20 * * * * *", ["2026-01-01 00:00:20", "2026-01-01 00:00:40", "2026-01-01 00:01:00"]),
        ("5/25 0 * * *", ["2026-01-01 00:05:00", "2026-01-01 00:30:00", "2026-01-01 00:55:00"]),
        ("0 0-12/6 * * *", ["2026-01-01 06:00:00", "2026-01-01 12:00:00", "2026-01-02 00:00:00"]),
        ("0 0 1,15 jan,FEB *", ["2026-01-15 00:00:00", "2026-02-01 00:00:00"]),
        ("0 0 * * fri-sun", ["2026-01-02 00:00:00", "2026-01-03 00:00:00", "2026-01-04 00:00:00"]),
        ("0 0 * * 7", ["2026-01-04 00:00:00", "2026-01-11 00:00:00"]),
        ("0 0 * * 1/2", ["2026-01-02 00:00:00", "2026-01-04 00:00:00", "2026-01-05 00:00:00"]),
        ("0 0 L * *", ["2026-01-31 00:00:00", "2026-02-28 00:00:00", "2026-03-31 00:00:00"]),
        ("0 0 1,L * ?", ["2026-01-31 00:00:00", "2026-02-01 00:00:00", "2026-02-28 00:00:00"]),
        ("0 0 ? * FRI#2", ["2026-01-09 00:00:00", "2026-02-13 00:00:00"]),
        ("0 0 * * 5#5", ["2026-01-30 00:00:00", "2026-05-29 00:00:00"]),
        ("0 0 * * FRIL", ["2026-01-30 00:00:00", "2026-02-27 00:00:00"]),
        ("0 0 * * 5L", ["2026-01-30 00:00:00", "2026-02-27 00:00:00"]),
        ("0 0 * * L5", ["2026-01-30 00:00:00", "2026-02-27 00:00:00"]),
        ("0 0 * * MON,FRI#2", ["2026-01-05 00:00:00", "2026-01-09 00:00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("@yearly", ["2027-01-01 00:00:00"]),
        ("@annually", ["2027-01-01 00:00:00"]),
        ("@monthly", ["2026-02-01 00:00:00"]),
        ("@weekly", ["2026-01-04 00:00:00"]),
        ("@daily", ["2026-01-02 00:00:00"]),
        ("@midnight", ["2026-01-02 00:00:00"]),
        ("@Hourly", ["2026-01-01 01:00:00"]),
        ("@every 1h30m", ["2026-01-01 01:30:00", "2026-01-01 03:00:00"]),
    ],
)
def test_a_spec_ticks_when_it_says(spec: str, expected: list[str]) -> None:
    assert ticks(spec, len(expected)) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("0 0 13 * FRI", ["2026-01-02", "2026-01-09", "2026-01-13"]),  # either
        ("0 0 */2 * MON", ["2026-01-05", "2026-01-19", "2026-02-09"]),  # both: begins with *
        ("0 0 13 * */5", ["2026-02-13", "2026-03-13", "2026-09-13"]),  # both: days 0 and 5
        ("0 0 13 * ?", ["2026-01-13", "2026-02-13", "2026-03-13"]),
        ("0 0 ? * 1", ["2026-01-05", "2026-01-12", "2026-01-19"]),
    ],
)
def test_two_restricted_day_fields_are_or_and_a_star_makes_them_and(
    spec: str, expected: list[str]
) -> None:
    assert [tick[:10] for tick in ticks(spec)] == expected


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (" 0  9 * *\tmon-fri ", "0 9 * * MON-FRI"),
        ("@DAILY", "@daily"),
        ("@every 90m", "@every 1h30m"),
        ("@every 36h", "@every 1d12h"),
        (timedelta(milliseconds=61_001), "@every 1m1s1ms"),
    ],
)
def test_the_text_of_a_rule_is_its_one_spelling(spec: str | timedelta, text: str) -> None:
    rule = parse_spec(spec)

    assert rule.text == text
    assert parse_spec(rule.text) == rule


def test_rules_are_values() -> None:
    paris = parse_spec("0 9 * * *", timezone="Europe/Paris")

    assert paris == parse_spec("0  9 * * *", timezone="Europe/Paris")
    assert paris != parse_spec("0 9 * * *")
    assert len({paris, parse_spec("0 9 * * *", timezone="Europe/Paris")}) == 1
    assert repr(paris) == "Cron(text='0 9 * * *', timezone='Europe/Paris')"


def test_a_timedelta_and_at_every_are_one_rule() -> None:
    assert (
        parse_spec(timedelta(hours=1.5))
        == parse_spec("@every 1h30m")
        == parse_spec("@every 1h 30m")
    )
    assert isinstance(parse_spec("@every 1d"), Every)
    assert isinstance(parse_spec("@daily"), Cron)


_VALUES = "write *, {}, a list (1,2), a range (1-2), a step (*/2)"
_HASHED = "H and R (a value chosen by hash or at random) are not supported: write the value itself"
_NEAREST = (
    "W (the nearest working day) is not supported: write days of the month, or MON-FRI as day of"
    " week"
)
_RARE = "can go 8 years without firing: write days that its months have"
_UNITS = (
    "write whole numbers with units d (24 hours), h, m, s or ms, each once and the longest first,"
    " such as 1h30m"
)
_BOUNDS = "write one from 1 second to 8 years of 365 days"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "'' is empty: write five fields such as '0 9 * * MON-FRI'"),
        (
            "* * * *",
            "'* * * *' has 4 fields: write five (minute hour day-of-month month day-of-week) or six"
            " with seconds first",
        ),
        (
            "0 0 12 * * MON 2030",
            "'0 0 12 * * MON 2030': years (a seventh field) are not supported: leave it out",
        ),
        ("61 * * * *", "'61 * * * *': minute '61': 61 is out of range: write 0 to 59"),
        ("0 0 0 * *", "'0 0 0 * *': day of month '0': 0 is out of range: write 1 to 31"),
        ("99 0 0 * * *", "'99 0 0 * * *': second '99': 99 is out of range: write 0 to 59"),
        ("x * * * *", f"'x * * * *': minute 'X': {_VALUES.format('0-59')}"),
        ("1,,2 * * * *", f"'1,,2 * * * *': minute '': {_VALUES.format('0-59')}"),
        ("*-5 * * * *", f"'*-5 * * * *': minute '*-5': {_VALUES.format('0-59')}"),
        ("0 ? * * *", f"'0 ? * * *': hour '?': {_VALUES.format('0-23')}"),
        ("0 0 L-3 * *", f"'0 0 L-3 * *': day of month 'L-3': {_VALUES.format('1-31')}, L or ?"),
        (
            "0 0 * JANUARY *",
            f"'0 0 * JANUARY *': month 'JANUARY': {_VALUES.format('1-12')}, or names JAN-DEC",
        ),
        (
            "0 0 * * L",
            f"'0 0 * * L': day of week 'L': {_VALUES.format('0-7')}, names SUN-SAT,"
            " FRI#2 (the second), FRIL (the last) or ?",
        ),
        (
            "0 0 * * 1#6",
            "'0 0 * * 1#6': day of week '1#6': a month has no day number 6 of one kind: write"
            " #1 to #5",
        ),
        (
            "*/0 * * * *",
            "'*/0 * * * *': minute '*/0': a step of 0 leads nowhere: write 1 or more",
        ),
        (
            "*/90 * * * *",
            "'*/90 * * * *': minute '*/90': a step of 90 is past the 60 values of this field and"
            " names the first alone: write that one, or '@every' with a duration",
        ),
        (
            "0 22-2 * * *",
            "'0 22-2 * * *': hour '22-2': the range ends before it begins: write 22-23,0-2",
        ),
        (
            "0 0 * * FRI-MON",
            "'0 0 * * FRI-MON': day of week 'FRI-MON': the range ends before it begins: write"
            " FRI-6,0-MON",
        ),
        ("H * * * *", f"'H * * * *': minute 'H': {_HASHED}"),
        ("H(0-29)/10 * * * *", f"'H(0-29)/10 * * * *': minute 'H(0-29)/10': {_HASHED}"),
        ("0 R * * *", f"'0 R * * *': hour 'R': {_HASHED}"),
        ("0 0 15W * *", f"'0 0 15W * *': day of month '15W': {_NEAREST}"),
        ("0 0 LW * *", f"'0 0 LW * *': day of month 'LW': {_NEAREST}"),
        (
            "@reboot",
            "'@reboot': @reboot is not supported, a queue does not start: enqueue the job at your"
            " start",
        ),
        (
            "@often",
            "'@often': no such name: write one of @yearly, @annually, @monthly, @weekly, @daily,"
            " @midnight, @hourly or @every with a duration",
        ),
        ("0 0 30 2 *", f"'0 0 30 2 *' {_RARE}"),
        ("0 0 31 4,6 *", f"'0 0 31 4,6 *' {_RARE}"),
        ("0 0 * 2 MON#5", f"'0 0 * 2 MON#5' {_RARE}"),  # every 28 years
        ("0 0 29 2 */2", f"'0 0 29 2 */2' {_RARE}"),
        ("@every", f"'@every': duration '': {_UNITS}"),
        ("@every 90", f"'@every 90': duration '90': {_UNITS}"),
        ("@every 1.5h", f"'@every 1.5h': duration '1.5h': {_UNITS}"),
        ("@every -1h", f"'@every -1h': duration '-1h': {_UNITS}"),
        ("@every 1m1h", f"'@every 1m1h': duration '1m1h': {_UNITS}"),
        ("@every 1w", f"'@every 1w': duration '1w': {_UNITS}"),
        ("@every 0s", f"'@every 0s': duration '0s': {_BOUNDS}"),
        ("@every 999ms", f"'@every 999ms': duration '999ms': {_BOUNDS}"),
        ("@every 99999999999d", f"'@every 99999999999d': duration '99999999999d': {_BOUNDS}"),
        (timedelta(0), f"interval datetime.timedelta(0): {_BOUNDS}"),
        (timedelta(hours=-1), f"interval {timedelta(hours=-1)!r}: {_BOUNDS}"),
        (timedelta.max, f"interval {timedelta.max!r}: {_BOUNDS}"),
        (
            timedelta(seconds=2, microseconds=1),
            "interval datetime.timedelta(seconds=2, microseconds=1): a part of a millisecond is"
            " not kept; write whole milliseconds",
        ),
        ("0 9 * * MÖN", "'0 9 * * MÖN': write ASCII, at most 1000 characters"),
        ("1," * 501, f"{('1,' * 30)!r}: write ASCII, at most 1000 characters"),
        (
            5,
            "5 is no spec: write a string such as '0 9 * * MON-FRI' or '@every 90s', or a"
            " timedelta",
        ),
    ],
)
def test_a_bad_spec_is_refused_at_once_with_what_to_mend(
    spec: str | timedelta, message: str
) -> None:
    with pytest.raises(InvalidSchedule, match=f"^{re.escape(message)}$"):
        parse_spec(spec)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "Europe", "a\0b", "z" * 300])
def test_an_unknown_zone_is_refused_by_name(zone: str) -> None:
    message = (
        f"timezone={zone!r}: no such time zone. Write an IANA name such as 'Europe/Paris'; if it"
        " is one, this system lacks it: pip install tzdata"
    )

    with pytest.raises(InvalidOption, match=f"^{re.escape(message)}$"):
        parse_spec("0 9 * * *", timezone=zone)


def test_utc_needs_no_zones_on_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_zones(name: str) -> ZoneInfo:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr("jobkit.schedules.spec.ZoneInfo", without_zones)

    assert ticks("@daily", 1) == ["2026-01-02 00:00:00"]
    with pytest.raises(InvalidOption, match="this system lacks it: pip install tzdata"):
        parse_spec("@daily", timezone="Europe/Paris")


def test_an_interval_takes_no_zone() -> None:
    message = (
        "timezone='Europe/Paris': the interval '@every 5m' is elapsed time, the same in each"
        " zone. Leave the zone out, or write a cron spec"
    )

    with pytest.raises(InvalidOption, match=f"^{re.escape(message)}$"):
        parse_spec("@every 5m", timezone="Europe/Paris")
