"""Timeouts of sync handlers: the clock passes their deadline while they run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from freezegun import freeze_time

import jobkit
from jobkit_testing import VirtualClock
from tests.unit.testing.samples import HOUR, MINUTE, SECOND, START, SendMail, Slow, jobs_of


def test_a_handler_that_moves_the_clock_past_its_deadline_has_timed_out() -> None:
    """B28"""
    jobs = jobs_of()
    seen: list[tuple[bool, object, object]] = []

    @jobs.register
    def slow(job: Slow, ctx: jobkit.JobContext) -> None:
        assert ctx.deadline == START + 30 * SECOND
        jobs.clock.advance(29 * SECOND)
        assert not ctx.cancelled.is_set()
        jobs.clock.advance(MINUTE)
        timed_out_at = jobs.inspect.get(ctx.id).timed_out_at
        seen.append((ctx.cancelled.wait(0), ctx.cancelled.reason, timed_out_at))

    record = jobs.perform(Slow(), raises=False)

    assert seen == [(True, "timeout", START + 30 * SECOND)]
    assert record.attempts[0].outcome == "timed_out"
    assert record.attempts[0].finished_at == START + 89 * SECOND
    assert record.duration == 89 * SECOND


def test_a_timeout_escapes_as_timeout_error_with_what_the_handler_raised() -> None:
    jobs = jobs_of()

    @jobs.register
    def slow(job: Slow) -> None:
        jobs.clock.advance(MINUTE)
        raise OSError("too late")

    with pytest.raises(TimeoutError, match="then raised OSError: too late") as caught:
        jobs.perform(Slow())

    assert isinstance(caught.value.__cause__, OSError)


def test_the_children_of_a_job_that_timed_out_are_dropped() -> None:
    """B41"""
    jobs = jobs_of()

    @jobs.register
    def slow(job: Slow, ctx: jobkit.JobContext) -> None:
        ctx.enqueue(SendMail(1))
        jobs.clock.advance(MINUTE)

    jobs.perform(Slow(), raises=False)

    jobs.assert_not_queued(SendMail)


def test_the_timeout_of_a_call_wins_over_that_of_the_type() -> None:
    """B28"""
    jobs = jobs_of()

    @jobs.register
    def slow(job: Slow) -> None:
        jobs.clock.advance(MINUTE)

    assert jobs.perform(Slow(), timeout=HOUR).state == "succeeded"
    assert jobs.perform(Slow(), timeout=None).state == "succeeded"


def test_a_deadline_that_was_met_leaves_no_alarm() -> None:
    jobs = jobs_of()
    jobs.register(_nothing)

    jobs.perform(Slow())

    assert jobs.clock.until_alarm() is None


def test_travelling_back_does_not_bring_the_deadline_nearer() -> None:
    jobs = jobs_of()

    @jobs.register
    def slow(job: Slow) -> None:
        jobs.clock.travel_to(START - HOUR)
        jobs.clock.advance(29 * SECOND)

    assert jobs.perform(Slow()).state == "succeeded"


def test_time_that_moves_unseen_is_noticed_at_the_end_of_the_handler() -> None:
    """B28: freezegun tells nobody that it has moved the time."""
    with freeze_time("2030-01-01") as frozen:
        jobs = jobs_of(clock=VirtualClock.follow_system())

        @jobs.register
        def slow(job: Slow) -> str:
            frozen.tick(timedelta(minutes=1))
            return "done"

        record = jobs.perform(Slow(), raises=False)

    assert record.state == "retrying"
    assert record.attempts[0].outcome == "timed_out"
    assert record.timed_out_at == START + MINUTE


def _nothing(job: Slow) -> None: ...
