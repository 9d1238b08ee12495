"""What a call of `schedule` asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import jobkit
from jobkit.errors import InvalidJob, InvalidOption, InvalidSchedule
from jobkit.plan import Plan, plan


@dataclass(frozen=True)
class Report:
    day: str = "today"


@jobkit.job(name="mail.<x>.-_Send")
@dataclass(frozen=True)
class OddlyNamed:
    pass


class Moon:
    """A rule of the user's own."""

    def __init__(self, name: Any = "full-moon") -> None:
        self.name = name

    def next_after(self, instant: datetime, /) -> datetime | None:
        return None


def asked(spec: Any = "0 9 * * *", job: Any = Report(), **options: Any) -> Plan:
    """Plan a schedule."""
    return plan(spec, job, options, of="schedule")


def test_the_default_name_tells_the_type_and_what_is_asked() -> None:
    """B19: its last part, and 12 digits of spec and payload."""
    last, _, digits = asked().name.rpartition("-")

    assert (last, len(digits)) == ("Report", 12)
    assert int(digits, 16) >= 0
    assert asked().name == asked(job=Report("today")).name == asked("0  9 * * *").name


@pytest.mark.parametrize(
    "other",
    [
        {"spec": "0 10 * * *"},
        {"job": Report("tomorrow")},
        {"timezone": "Europe/Berlin"},
        {"job": OddlyNamed()},
    ],
    ids=str,
)
def test_another_spec_zone_or_payload_has_another_default_name(other: dict[str, Any]) -> None:
    """B19: two schedules, not one that replaces the other."""
    assert asked(**other).name != asked().name


def test_a_type_s_odd_name_gives_a_schedule_a_good_one() -> None:
    """B19"""
    assert asked(job=OddlyNamed()).name.startswith("Send-")


def test_an_interval_is_spelled_in_one_way() -> None:
    """B19: so that the grid is the same however it was written."""
    assert asked(timedelta(minutes=90)).spec == asked("@every 1h30m").spec == "@every 1h30m"


def test_a_rule_of_one_s_own_is_known_by_its_name() -> None:
    """B14"""
    moon = Moon()

    found = asked(moon)

    assert (found.spec, found.known_rule, found.rule) == ("rule:full-moon", "full-moon", moon)
    assert asked().known_rule is None


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"run_at": datetime(2030, 1, 1, tzinfo=UTC)}, "run_at does not fit"),
        ({"delay": timedelta(1)}, "delay does not fit"),
        ({"unique": True}, "unique does not fit"),
        ({"nmae": "x"}, "did you mean 'name'"),
        ({"name": "a b"}, "name='a b'"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"start_at": datetime(2030, 1, 1)}, "no time zone"),  # noqa: DTZ001 (that is the fault)
        ({"limit": 0}, "limit=0"),
        ({"missed": "some"}, "missed='some'"),
        ({"overlap": "queue"}, "overlap='queue'"),
        ({"missed": "all", "overlap": "skip"}, "exclude each other"),
        ({"priority": 99_999}, "priority=99999"),
        ({"queue": "a b"}, "queue='a b'"),
    ],
)
def test_a_bad_option_is_refused(options: dict[str, Any], complaint: str) -> None:
    """B18, B57"""
    with pytest.raises(InvalidOption, match=complaint):
        asked(**options)


@pytest.mark.parametrize(
    "spec",
    ["every day", "0 0 30 2 *", "@reboot", timedelta(0), 7, None, Moon("a b"), Moon(7), object()],
)
def test_a_bad_spec_is_refused(spec: Any) -> None:
    """B14"""
    with pytest.raises(InvalidSchedule):
        asked(spec)


def test_a_rule_takes_no_zone() -> None:
    """B57: no option is ignored."""
    with pytest.raises(InvalidOption, match="timezone="):
        asked(Moon(), timezone="Europe/Berlin")


@pytest.mark.parametrize("job", [Report, None, 7])
def test_what_is_no_job_is_refused(job: Any) -> None:
    """B3"""
    with pytest.raises(InvalidJob):
        asked(job=job)


def test_the_caller_may_go_on_with_its_metadata() -> None:
    """B7"""
    metadata = {"user": "7"}
    found = asked(metadata=metadata)

    metadata["user"] = "8"

    assert found.options == {"metadata": {"user": "7"}}
