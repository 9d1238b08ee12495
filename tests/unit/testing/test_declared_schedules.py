"""Schedules that handlers declare, rules of one's own, and what tests assert on both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest

import jobkit
from jobkit.errors import InvalidSchedule
from jobkit.handlers import Handlers
from jobkit.record import JobRecord
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import HOUR, MINUTE, START, Audit, SendMail
from tests.unit.testing.scheduled import Seen, Twice, double, only, only_named

DAY = timedelta(days=1)


def test_a_rule_of_one_s_own_ticks_when_it_says_and_ends() -> None:
    """B14"""
    seen = Seen()
    handlers = Handlers()
    rule = Twice()
    handlers.rule(rule)
    jobs = double(seen, handlers=handlers)

    jobs.schedule(rule, Audit(), name="s")
    assert only(jobs).next_runs == (START + HOUR, START + 3 * HOUR)
    jobs.run_for(DAY)

    assert seen.times == [START + HOUR, START + 3 * HOUR]
    assert only(jobs).ended_at == START + 3 * HOUR
    assert only(jobs).spec == "rule:twice"
    jobs.schedule(rule, Audit(), name="s")
    with pytest.raises(InvalidSchedule, match="never ticks"):
        jobs.schedule(rule, Audit(), name="another")


def test_a_rule_that_fails_holds_up_no_other_schedule(caplog: pytest.LogCaptureFixture) -> None:
    """B16: it is told of once, and left to others."""
    seen = Seen()
    handlers = Handlers()
    rule = Twice()
    handlers.rule(rule)
    jobs = double(seen, handlers=handlers)
    jobs.schedule(rule, Audit("rule"), name="a")
    jobs.schedule(HOUR, Audit("interval"), name="b")
    rule.fails = True

    jobs.run_for(3 * HOUR)

    assert [name for _, name in seen.runs] == ["b", "b", "b"]
    assert len(caplog.records) == 1
    assert "out of order" in caplog.text


def test_a_schedule_whose_rule_is_not_known_is_left_to_others() -> None:
    """B16: two doubles at one store stand for two workers."""
    seen = Seen()
    knows = Handlers()
    knows.rule(Twice())
    first = double(handlers=knows)
    first.schedule(knows.contents.rules["twice"], Audit(), name="s")
    other = double(seen, store=first._store, clock=first.clock, start=None)  # pyright: ignore[reportPrivateUsage]
    other.schedule(HOUR, Audit("plain"), name="t")

    other.run_for(2 * HOUR)
    assert [name for _, name in seen.runs] == ["t", "t"]
    assert len(only_named(other, "s").next_runs) == 1
    first.drain()

    assert only_named(first, "s").last_run == START + HOUR


def test_declared_schedules_are_there_from_the_start() -> None:
    """B19, B55: what workers would put, without a call."""
    seen = Seen()
    handlers = Handlers(name="reports")
    name = handlers.schedule(HOUR, Audit("declared"))
    jobs = double(seen, handlers=handlers)

    jobs.assert_recurring(HOUR, Audit("declared"))
    handlers.schedule("@daily", SendMail(1), name="late")
    jobs.assert_recurring("@daily", SendMail)
    jobs.run_for(HOUR)

    assert seen.runs == [(START + HOUR, name)]
    assert [info.owner for info in jobs.inspect.schedules()] == ["reports", "reports"]


def test_two_declarations_under_one_name_are_refused() -> None:
    """B19: the same again is fine."""
    handlers = Handlers()
    handlers.schedule(HOUR, Audit(), name="s")
    handlers.schedule(HOUR, Audit(), name="s")
    with pytest.raises(InvalidSchedule, match="declared already"):
        handlers.schedule(HOUR, Audit("other"), name="s")
    other = Handlers(name="other")
    other.schedule(HOUR, Audit(), name="s")

    with pytest.raises(InvalidSchedule, match="two Handlers declare"):
        TestingJobs(handlers=[handlers, other])


def test_two_rules_under_one_name_are_refused() -> None:
    """B14"""
    handlers, other = Handlers(), Handlers()
    handlers.rule(Twice())
    with pytest.raises(InvalidSchedule, match="two rules"):
        handlers.rule(Twice())
    other.rule(Twice())

    with pytest.raises(InvalidSchedule, match="two rules"):
        TestingJobs(handlers=[handlers, other])


def test_a_declared_schedule_knows_its_rule() -> None:
    """B14: it need not be made known twice."""
    seen = Seen()
    handlers = Handlers()
    handlers.schedule(Twice(), Audit())

    double(seen, handlers=handlers).run_for(DAY)

    assert len(seen.runs) == 2


def test_a_reset_forgets_schedules_but_not_what_is_declared() -> None:
    """API 5: handlers stay, and with them what they declare; it begins anew."""
    seen = Seen()
    handlers = Handlers()
    handlers.schedule(HOUR, Audit(), name="declared")
    jobs = double(seen, handlers=handlers)
    jobs.schedule(HOUR, Audit("called"), name="called")
    jobs.run_for(30 * MINUTE)

    jobs.reset()

    assert [info.name for info in jobs.inspect.schedules()] == ["declared"]
    jobs.run_for(HOUR)
    assert seen.runs == [(START + 90 * MINUTE, "declared")]


def test_recurring_looks_at_spec_and_job() -> None:
    """B20, B55"""
    jobs = double()
    jobs.schedule("0 9 * * *", Audit("a"), timezone="Europe/Berlin", name="nightly")

    jobs.assert_recurring("0 9 * * *")
    jobs.assert_recurring("0  9 * * *", Audit)
    jobs.assert_recurring("0 9 * * *", Audit("a"))
    jobs.assert_recurring("0 9 * * *", Audit(what=ANY))
    jobs.assert_recurring("nightly", Audit("a"))
    with pytest.raises(InvalidSchedule):
        jobs.assert_recurring("not a spec")


def test_a_failed_assertion_lists_the_schedules_that_there_are() -> None:
    """B55"""
    jobs = double()
    with pytest.raises(AssertionError, match="there is none at all"):
        jobs.assert_recurring("@daily")
    jobs.schedule("0 9 * * *", Audit("a"), timezone="Europe/Berlin", name="nightly")
    jobs.schedule(HOUR, SendMail(1), name="hourly", queue="mail")

    with pytest.raises(AssertionError) as failure:
        jobs.assert_recurring("0 9 * * *", SendMail(2), msg="after the move")

    assert str(failure.value) == (
        "after the move\n"
        "no schedule '0 9 * * *' of SendMail(user_id=2, locale='en')\n"
        "  schedules (2):\n"
        "    hourly: '@every 1h' SendMail(user_id=1, locale='en')  queue='mail', next in 1:00:00\n"
        "    nightly: '0 9 * * *' Europe/Berlin Audit(what='a')  queue='default', next in 8:00:00\n"
        "  clock 2030-01-01T00:00:00Z (+0s, virtual), seed 0"
    )


def test_a_schedule_that_has_ended_is_not_recurring() -> None:
    """B18"""
    jobs = double()
    jobs.schedule(HOUR, Audit(), limit=1)
    jobs.assert_recurring(HOUR)
    jobs.run_for(HOUR)

    with pytest.raises(AssertionError, match="ended"):
        jobs.assert_recurring(HOUR)


def test_a_schedule_of_the_type_s_options_and_the_defaults() -> None:
    """API 2: the job of a tick takes them as any job does, but for its time."""
    jobs = double(defaults={"priority": 5, "delay": HOUR, "metadata": {"of": "defaults"}})
    records: list[JobRecord[Any]] = []

    with jobkit.metadata(by="block"):
        jobs.schedule(MINUTE, SendMail(1), metadata={"of": "call"})
    jobs.run_for(MINUTE)

    records += jobs.queued(SendMail)
    assert [(r.priority, r.run_at) for r in records] == [(5, START + MINUTE)]
    assert records[0].metadata == {"of": "call", "by": "block"}


def test_hooks_at_enqueue_see_a_schedule_s_job() -> None:
    """API 4: once, when it is scheduled."""
    jobs = double()
    calls: list[object] = []

    @jobs.on_enqueue
    def hook(job: object, options: Any) -> Any:
        calls.append(job)
        return {**options, "queue": "chosen"}

    jobs.schedule(HOUR, SendMail(1))
    jobs.run_for(3 * HOUR)

    assert calls == [SendMail(1)]
    jobs.assert_queued(SendMail, 3, queue="chosen")
