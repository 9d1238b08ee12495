"""Schedules in the double: virtual time goes from tick to tick."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY
from zoneinfo import ZoneInfo

import pytest

import jobkit
from jobkit.errors import InvalidJob, InvalidSchedule
from jobkit.protocols import AsyncScheduler, Scheduler
from jobkit.scheduleinfo import ScheduleInfo
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import HOUR, MINUTE, SECOND, START, Audit, SendMail
from tests.unit.testing.scheduled import Seen, Twice, double, only

DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def test_every_backend_is_a_scheduler() -> None:
    """B5"""
    jobs = TestingJobs()

    assert isinstance(jobs, Scheduler)
    assert isinstance(jobs.aio, AsyncScheduler)


def test_a_year_of_mornings_in_berlin() -> None:
    """B15, B16: 365 jobs, each at nine on the wall."""
    seen = Seen()
    jobs = double(seen, start=datetime(2026, 1, 1, tzinfo=UTC))
    name = jobs.schedule("0 9 * * *", Audit(), timezone="Europe/Berlin")

    report = jobs.run_for(365 * DAY)

    assert report.succeeded == len(seen.runs) == 365
    assert {at.astimezone(BERLIN).time().isoformat() for at in seen.times} == {"09:00:00"}
    assert {schedule for _, schedule in seen.runs} == {name}


def test_a_tick_s_job_runs_at_the_exact_instant_and_names_its_schedule() -> None:
    """B16, B17"""
    seen = Seen()
    jobs = double(seen)
    jobs.schedule(
        "* * * * *", Audit(), name="minutely", queue="slow", priority=3, metadata={"a": "b"}
    )

    jobs.run_for(MINUTE - timedelta(milliseconds=1))
    assert seen.runs == []
    report = jobs.run_for(timedelta(milliseconds=1))

    assert seen.runs == [(START + MINUTE, "minutely")]
    record = report.ran.one
    assert (record.schedule, record.queue, record.priority) == ("minutely", "slow", 3)
    assert (record.metadata, record.started_at) == ({"a": "b"}, START + MINUTE)


def test_the_same_call_again_keeps_the_grid() -> None:
    """B19: also with another payload; another spec starts anew."""
    jobs = double()
    jobs.schedule(HOUR, Audit("a"), name="s")
    jobs.run_for(30 * MINUTE)

    jobs.schedule(HOUR, Audit("a"), name="s")
    jobs.schedule(HOUR, Audit("b"), name="s")

    info = only(jobs)
    assert (info.next_runs[0], info.payload) == (START + HOUR, Audit("b"))
    jobs.schedule(2 * HOUR, Audit("b"), name="s")
    assert only(jobs).next_runs[0] == START + 150 * MINUTE


def test_an_interval_ticks_after_one_or_at_its_start() -> None:
    """B18, B19"""
    seen = Seen()
    jobs = double(seen)
    jobs.schedule(HOUR, Audit("a"))
    jobs.schedule(HOUR, Audit("b"), start_at=START + 10 * MINUTE)
    jobs.schedule(HOUR, Audit("c"), start_at=START - 50 * MINUTE)
    jobs.schedule("@hourly", Audit("d"), start_at=START + 2 * HOUR)

    jobs.run_for(2 * HOUR)

    minutes = [int((at - START) / MINUTE) for at in seen.times]
    assert minutes == [10, 10, 60, 70, 70, 120, 120]


def test_unscheduling_ends_it_and_leaves_its_jobs_alone() -> None:
    """B20"""
    jobs = double()
    name = jobs.schedule("@hourly", SendMail(1))
    jobs.run_for(HOUR)

    assert jobs.unschedule(name) is True
    assert jobs.unschedule(name) is False

    jobs.run_for(DAY)
    jobs.assert_queued(SendMail(1), 1)
    assert jobs.inspect.schedules() == []


@pytest.mark.parametrize("name", ["", "a b", 7])
def test_what_is_no_name_is_not_looked_for(name: Any) -> None:
    """B57"""
    with pytest.raises(jobkit.InvalidOption, match="unschedule"):
        double().unschedule(name)


def test_nothing_is_stored_by_a_call_that_is_refused() -> None:
    """B14: also if only this backend finds what is wrong."""
    jobs = double(max_payload=20)

    with pytest.raises(InvalidJob, match="max_payload"):
        jobs.schedule("@daily", Audit("x" * 100))
    with pytest.raises(InvalidSchedule, match="not known here"):
        jobs.schedule(Twice(), Audit())

    assert jobs.inspect.schedules() == []


def test_a_schedule_moves_with_its_job_s_queue() -> None:
    """B16, B19: the one in the other queue goes."""
    seen = Seen()
    jobs = double(seen)
    jobs.schedule(HOUR, Audit(), name="s", queue="a")
    jobs.schedule(HOUR, Audit(), name="s", queue="b")
    jobs.schedule(HOUR, Audit("other"), name="t", queue="a")

    jobs.run_for(HOUR)

    assert [(info.name, info.queue) for info in jobs.inspect.schedules()] == [
        ("s", "b"),
        ("t", "a"),
    ]
    assert len(seen.runs) == 2
    assert jobs.unschedule("s") is True


def test_a_failed_tick_retries_and_touches_no_other() -> None:
    """B17: it has retries of its own, and the next tick comes when it comes."""
    seen = Seen(fails=True)
    jobs = double(seen)
    jobs.schedule(HOUR, Audit(), max_retries=1, name="s")

    report = jobs.run_for(2 * HOUR)

    assert (report.retried, report.dead) == (2, 1)
    assert only(jobs).last_outcome is None
    jobs.run_for(MINUTE)
    assert only(jobs).last_outcome == "dead"
    assert only(jobs).next_runs[0] == START + 3 * HOUR


def test_a_limit_counts_successes() -> None:
    """B18: then the schedule has ended, and stays listed."""
    seen = Seen(fails=True)
    jobs = double(seen)
    jobs.schedule(HOUR, Audit(), limit=2, max_retries=0, name="s")
    jobs.run_for(3 * HOUR)
    seen.fails = False

    jobs.run_for(DAY)

    info = only(jobs)
    assert (len(seen.runs), info.successes, info.limit) == (5, 2, 2)
    assert (info.ended_at, info.next_runs) == (START + 5 * HOUR, ())
    jobs.run_for(29 * DAY)
    assert [info.name for info in jobs.inspect.schedules()] == ["s"]
    jobs.run_for(2 * DAY)
    assert jobs.inspect.schedules() == []


def test_a_tick_is_skipped_while_the_last_one_s_job_runs_on() -> None:
    """B18: overlap="skip"; a job that waits for its retry has not ended."""
    seen = Seen(fails=True)
    jobs = double(seen)
    jobs.schedule(SECOND, SendMail(1), overlap="skip", name="s")

    jobs.run_for(MINUTE)

    jobs.assert_queued(SendMail(1), 1)
    assert "schedule 's' skipped a tick" in str(jobs.timeline)
    jobs.inspect.cancel(jobs.queued(SendMail).one.id)
    jobs.run_for(SECOND)
    jobs.assert_queued(SendMail(1), 1)


@pytest.mark.parametrize(
    ("missed", "hours"), [("one", [5, 6]), ("all", [1, 2, 3, 4, 5, 6]), ("skip", [6])]
)
def test_what_becomes_of_ticks_that_nobody_was_there_for(missed: Any, hours: list[int]) -> None:
    """B18: the clock has jumped over five of them, and a sixth comes."""
    seen = Seen()
    jobs = double(seen)
    jobs.schedule(HOUR, Audit(), missed=missed, max_retries=0)

    jobs.clock.advance(5 * HOUR + 30 * MINUTE)
    jobs.drain()
    jobs.run_for(HOUR)

    assert [int((at - START) / HOUR) for at in seen.times] == hours


def test_no_more_than_a_thousand_missed_ticks_are_caught_up_in_a_minute() -> None:
    """B18: the rest comes in the minutes after."""
    seen = Seen()
    jobs = double(seen)
    jobs.schedule(SECOND, Audit(), missed="all")

    jobs.clock.advance(1500 * SECOND)
    jobs.drain()
    assert len(seen.runs) == 1000
    jobs.run_for(MINUTE)

    assert seen.times == [START + n * SECOND for n in range(1, 1561)]


def test_a_schedule_is_listed_with_all_that_is_known_of_it() -> None:
    """B20"""
    jobs = double()
    name = jobs.schedule(
        "0 9 * * mon-fri",
        Audit("x"),
        timezone="Europe/Berlin",
        queue="q",
        limit=3,
        overlap="skip",
        missed="skip",
        metadata={"a": "b"},
        start_at=START + DAY,
    )
    jobs.run_until(START + 2 * DAY)

    first = datetime(2030, 1, 2, 8, tzinfo=UTC)
    assert only(jobs) == ScheduleInfo(
        name=name,
        queue="q",
        spec="0 9 * * MON-FRI",
        timezone="Europe/Berlin",
        type="audit",
        payload=Audit("x"),
        raw=b'{"what":"x"}',
        next_runs=(first + DAY, first + 2 * DAY),
        last_run=first,
        last_job=ANY,
        last_outcome="succeeded",
        successes=1,
        unfinished=0,
        limit=3,
        missed="skip",
        overlap="skip",
        start_at=START + DAY,
        priority=0,
        metadata={"a": "b"},
        owner=None,
        ended_at=None,
    )


def test_the_timeline_tells_which_schedule_made_a_job() -> None:
    """B56"""
    jobs = double()
    jobs.schedule(HOUR, Audit(), name="s")

    jobs.run_for(HOUR)

    assert "#1 enqueued Audit(what='x') on 'default' by schedule 's'" in str(jobs.timeline)


def test_running_until_a_condition_goes_from_tick_to_tick() -> None:
    """B56"""
    seen = Seen()
    jobs = double(seen)
    jobs.schedule(HOUR, Audit())

    jobs.run_until(lambda: len(seen.runs) == 3)

    assert jobs.clock.now() == START + 3 * HOUR


def test_the_async_twin_schedules_and_unschedules() -> None:
    """B5"""
    jobs = double()

    async def story() -> list[str]:
        name = await jobs.aio.schedule(HOUR, Audit(), name="s")
        await jobs.aio.schedule(HOUR, Audit(), name="t")
        await jobs.aio.run_for(HOUR)
        assert await jobs.aio.unschedule(name) is True
        return [info.name for info in await jobs.aio.inspect.schedules()]

    assert asyncio.run(story()) == ["t"]
    assert len(jobs.assert_performed(Audit, 2)) == 2
