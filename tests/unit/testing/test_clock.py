"""`VirtualClock`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from freezegun import freeze_time

from jobkit.clock import Clock, SystemClock
from jobkit.errors import InvalidOption
from jobkit_testing import VirtualClock
from tests.unit.testing.samples import HOUR, MINUTE, SECOND, START, untyped

BERLIN = datetime.fromisoformat("2030-01-01T01:00:00+01:00")


def test_it_is_a_clock() -> None:
    assert isinstance(VirtualClock(), Clock)


def test_it_begins_where_it_is_told_in_utc() -> None:
    clock = VirtualClock(BERLIN)

    assert clock.now() == START
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() == 0.0


def test_it_moves_only_when_told() -> None:
    """B56"""
    clock = VirtualClock()

    assert clock.now() == clock.now()


def test_without_a_start_it_begins_now_in_whole_milliseconds() -> None:
    before = SystemClock().now()

    clock = VirtualClock()

    assert before - timedelta(milliseconds=1) <= clock.now() <= SystemClock().now()
    assert clock.now().microsecond % 1000 == 0


def test_advancing_moves_both_times() -> None:
    clock = VirtualClock(START)

    clock.advance(timedelta(microseconds=1))
    clock.advance(HOUR)

    assert clock.now() == START + HOUR + timedelta(microseconds=1)
    assert clock.monotonic() == 3600.000001


def test_time_does_not_advance_backwards() -> None:
    clock = VirtualClock(START)

    with pytest.raises(InvalidOption, match="does not run backwards; see travel_to"):
        clock.advance(-SECOND)

    assert clock.now() == START


def test_travelling_goes_both_ways_but_monotonic_time_forward_alone() -> None:
    clock = VirtualClock(START)

    clock.travel_to(START + HOUR)
    clock.travel_to(START - HOUR)

    assert clock.now() == START - HOUR
    assert clock.monotonic() == 3600.0


@pytest.mark.parametrize("wrong", [datetime(2030, 1, 1), "2030-01-01", 7])  # noqa: DTZ001
def test_what_is_no_aware_instant_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidOption, match="aware datetime"):
        VirtualClock(untyped(wrong))
    with pytest.raises(InvalidOption, match="aware datetime"):
        VirtualClock().travel_to(untyped(wrong))


def test_what_is_no_duration_is_refused() -> None:
    with pytest.raises(InvalidOption, match="timedelta"):
        VirtualClock().advance(untyped(5))


def test_alarms_go_off_at_their_instants_however_far_the_clock_moves() -> None:
    clock = VirtualClock(START)
    heard: list[datetime] = []
    for delay in (MINUTE, SECOND, HOUR):
        clock.call_later(delay, lambda: heard.append(clock.now()))

    clock.advance(2 * MINUTE)

    assert heard == [START + SECOND, START + MINUTE]
    assert clock.now() == START + 2 * MINUTE
    assert clock.until_alarm() == HOUR - 2 * MINUTE


def test_an_alarm_that_was_taken_back_is_silent() -> None:
    clock = VirtualClock(START)
    alarm = clock.call_later(SECOND, pytest.fail)

    alarm.cancel()
    clock.advance(HOUR)

    assert clock.until_alarm() is None


def test_an_alarm_may_set_another_one() -> None:
    clock = VirtualClock(START)
    heard: list[datetime] = []

    def again() -> None:
        heard.append(clock.now())
        clock.call_later(SECOND, again)

    clock.call_later(SECOND, again)
    clock.advance(3 * SECOND)

    assert heard == [START + n * SECOND for n in (1, 2, 3)]


def test_without_a_start_it_begins_at_the_frozen_time() -> None:
    with freeze_time("2031-05-05"):
        assert VirtualClock().now() == datetime(2031, 5, 5, tzinfo=UTC)
    with time_machine.travel(datetime(2032, 5, 5, tzinfo=UTC), tick=False):
        assert VirtualClock().now() == datetime(2032, 5, 5, tzinfo=UTC)


def test_one_that_follows_the_system_moves_with_freezegun() -> None:
    with freeze_time("2031-05-05") as frozen:
        clock = VirtualClock.follow_system()
        frozen.tick(HOUR)

        assert clock.now() == datetime(2031, 5, 5, 1, tzinfo=UTC)
        assert type(clock.now()) is type(START)
        assert clock.monotonic() == 3600.0


def test_one_that_follows_the_system_moves_with_time_machine() -> None:
    with time_machine.travel(datetime(2032, 5, 5, tzinfo=UTC), tick=False) as traveller:
        clock = VirtualClock.follow_system()
        traveller.shift(HOUR)

        assert clock.now() == datetime(2032, 5, 5, 1, tzinfo=UTC)


def test_what_one_is_told_comes_on_top_of_the_system() -> None:
    with freeze_time("2031-05-05") as frozen:
        clock = VirtualClock.follow_system()
        heard: list[datetime] = []
        clock.call_later(SECOND, lambda: heard.append(clock.now()))
        clock.advance(HOUR)
        frozen.tick(MINUTE)

        assert clock.now() == datetime(2031, 5, 5, 1, 1, tzinfo=UTC)
        assert heard == [datetime(2031, 5, 5, 0, 0, 1, tzinfo=UTC)]
