"""B15: cron specs on local time, through the changes of its clocks."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobkit.errors import InvalidOption
from jobkit.schedules import Cron, parse_spec, upcoming


def cron(spec: str, zone: str = "UTC") -> Cron:
    rule = parse_spec(spec, timezone=zone)
    assert isinstance(rule, Cron)
    return rule


def local_ticks(spec: str, zone: str, day: str, days: int = 1) -> list[str]:
    """Return the ticks of some calendar days of a zone, in its local time."""
    here = ZoneInfo(zone)
    start = datetime.fromisoformat(day).replace(tzinfo=here)
    end = (datetime.fromisoformat(day) + timedelta(days=days)).replace(tzinfo=here)
    found: list[str] = []
    tick = cron(spec, zone).next_after(start.astimezone(UTC) - timedelta(microseconds=1))
    while tick is not None and tick < end.astimezone(UTC):
        found.append(f"{tick.astimezone(here):%d %H:%M:%S%z}".replace(":00+", "+"))
        tick = cron(spec, zone).next_after(tick)
    return [text.replace(":00-", "-") for text in found]


@pytest.mark.parametrize(
    ("spec", "zone", "day", "expected"),
    [
        ("30 2 * * *", "Europe/Paris", "2026-03-29", ["29 03:00+0200"]),
        ("0,30 2 * * *", "Europe/Paris", "2026-03-29", ["29 03:00+0200"]),
        ("0,30 2,3 * * *", "Europe/Paris", "2026-03-29", ["29 03:00+0200", "29 03:30+0200"]),
        ("*/20 30 2 * * *", "Europe/Paris", "2026-03-29", ["29 03:00+0200"]),
        ("0 0 * * *", "Asia/Beirut", "2024-03-31", ["31 01:00+0300"]),  # a day without 00:00
        ("30 0 * * *", "Africa/Cairo", "2024-04-26", ["26 01:00+0300"]),
        ("0 0 * * *", "America/Santiago", "2024-09-08", ["08 01:00-0300"]),
        ("0 0 * * *", "America/Asuncion", "2023-10-01", ["01 01:00-0300"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2024-10-06", ["06 02:30+1100"]),  # half an hour
        ("30 2 * * *", "Africa/Casablanca", "2024-04-14", ["14 03:00+0100"]),  # after Ramadan
    ],
)
def test_a_skipped_time_ticks_once_right_after_the_gap(
    spec: str, zone: str, day: str, expected: list[str]
) -> None:
    assert local_ticks(spec, zone, day) == expected


@pytest.mark.parametrize(
    ("spec", "zone", "day", "expected"),
    [
        ("30 2 * * *", "Europe/Paris", "2026-10-25", ["25 02:30+0200"]),
        (
            "*/20 30 2 * * *",
            "Europe/Paris",
            "2026-10-25",
            ["25 02:30+0200", "25 02:30:20+0200", "25 02:30:40+0200"],
        ),
        ("0,30 2 * * *", "Europe/Paris", "2026-10-25", ["25 02:00+0200", "25 02:30+0200"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2024-04-07", ["07 01:45+1100"]),
        ("30 23 * * *", "Africa/Cairo", "2024-10-31", ["31 23:30+0300"]),
        ("30 23 * * *", "America/Santiago", "2024-04-06", ["06 23:30-0300"]),
        ("30 2 * * *", "Africa/Casablanca", "2024-03-10", ["10 02:30+0100"]),
    ],
)
def test_a_time_that_occurs_twice_ticks_at_the_first(
    spec: str, zone: str, day: str, expected: list[str]
) -> None:
    assert local_ticks(spec, zone, day) == expected


@pytest.mark.parametrize(
    ("spec", "zone", "day", "expected"),
    [
        (
            "*/30 2 * * *",
            "Europe/Paris",
            "2026-10-25",
            ["25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100"],
        ),
        ("*/30 2 * * *", "Europe/Paris", "2026-03-29", []),
        ("45 */2 * * *", "Australia/Lord_Howe", "2024-04-07", 12),
        ("45 * * * *", "Australia/Lord_Howe", "2024-04-07", 25),
        ("15 * * * *", "Australia/Lord_Howe", "2024-10-06", 23),
        ("0 * * * *", "Europe/Paris", "2026-03-29", 23),
        ("0 * * * *", "Europe/Paris", "2026-10-25", 25),
    ],
)
def test_interval_like_specs_tick_in_both_hours_and_not_for_skipped_times(
    spec: str, zone: str, day: str, expected: list[str] | int
) -> None:
    found = local_ticks(spec, zone, day)

    assert (len(found) if isinstance(expected, int) else found) == expected


def test_a_day_that_a_zone_skipped_ticks_once_after_it() -> None:
    """Apia had no 30 December 2011."""
    assert local_ticks("0 9 * * *", "Pacific/Apia", "2011-12-29", days=3) == [
        "29 09:00-1000",
        "31 00:00+1400",
        "31 09:00+1400",
    ]
    assert len(local_ticks("0 * * * *", "Pacific/Apia", "2011-12-29", days=3)) == 48


def test_history_has_its_own_rules() -> None:
    assert local_ticks("0 0 * * *", "America/Sao_Paulo", "2018-11-04") == ["04 01:00-0200"]
    assert local_ticks("0 0 * * *", "America/Sao_Paulo", "2019-11-03") == ["03 00:00-0300"]


def test_from_within_the_second_of_two_hours_the_next_is_on_the_next_day() -> None:
    second_0215 = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)

    assert cron("30 2 * * *", "Europe/Paris").next_after(second_0215) == datetime(
        2026, 10, 26, 1, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("spec", "like"),
    [
        ("* 2 * * *", True),
        ("*/5 2 * * *", True),
        ("0 * * * *", True),
        ("0 */2 * * *", True),
        ("@hourly", True),
        ("@daily", False),
        ("0-59 0-23 * * *", False),
        ("* 30 2 * * *", False),  # a star for seconds is none for minutes or hours
        ("30 * 2 * * *", True),
    ],
)
def test_a_spec_is_interval_like_by_its_minute_or_hour(spec: str, like: bool) -> None:
    assert parse_spec(spec).is_interval_like is like


def test_the_interval_after_a_tick_is_the_way_to_the_next() -> None:
    daily = cron("30 2 * * *", "Europe/Paris")
    before_the_change = datetime(2026, 10, 24, 0, 30, tzinfo=UTC)

    first, second = upcoming(daily, before_the_change, 2)

    assert daily.interval_after(before_the_change) == timedelta(hours=24)
    assert daily.interval_after(first) == second - first == timedelta(hours=25)
    assert parse_spec("@every 5m").interval_after(first) == timedelta(minutes=5)


def test_there_is_no_tick_at_the_end_of_the_calendar() -> None:
    daily = cron("30 2 * * *")
    last = datetime(9999, 12, 31, tzinfo=UTC)

    assert daily.next_after(last) is None
    assert daily.interval_after(last) is None
    assert upcoming(daily, last) == []


def test_29_february_ticks_also_where_a_leap_year_is_left_out() -> None:
    after = datetime(2096, 3, 1, tzinfo=UTC)

    assert cron("0 0 29 2 *").next_after(after) == datetime(2104, 2, 29, tzinfo=UTC)


def test_upcoming_takes_a_schedule_of_the_users_own_and_ends_with_it() -> None:
    ends = [datetime(2026, 1, day, tzinfo=UTC) for day in (3, 9)]

    class Ends:
        name = "ends"

        def next_after(self, instant: datetime, /) -> datetime | None:
            return next((end for end in ends if end > instant), None)

    assert upcoming(Ends(), datetime(2026, 1, 1, tzinfo=UTC)) == ends


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)

    with pytest.raises(InvalidOption, match=r"^instant datetime.datetime\(2026, 1, 1, 0, 0\) is"):
        cron("0 9 * * *").next_after(naive)


def test_a_rule_survives_pickling() -> None:
    rule = cron("30 2 * * *", "Europe/Paris")
    after = datetime(2026, 3, 28, 12, tzinfo=UTC)

    again = pickle.loads(pickle.dumps(rule))

    assert again == rule
    assert again.next_after(after) == rule.next_after(after)
