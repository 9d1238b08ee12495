"""`run_for` and `run_until`."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

import jobkit
from jobkit.errors import InvalidOption
from jobkit_testing import runs
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    Audit,
    Flaky,
    SendMail,
    done,
    fail_at_first,
    jobs_of,
    untyped,
)


def test_it_moves_the_clock_from_event_to_event() -> None:
    """B8: each job starts at its due time, not later and not earlier."""
    jobs = jobs_of()
    starts: list[datetime] = []

    @jobs.register
    def note(job: Audit) -> None:
        starts.append(jobs.clock.now())

    jobs.enqueue(Audit(), delay=MINUTE)
    jobs.enqueue(Audit(), delay=SECOND, queue="b")
    jobs.enqueue(Audit(), delay=timedelta(milliseconds=1), queue="c")
    jobs.enqueue(Audit(), delay=2 * HOUR)

    report = jobs.run_for(HOUR)

    assert starts == [START + timedelta(milliseconds=1), START + SECOND, START + MINUTE]
    assert jobs.clock.now() == START + HOUR
    assert (report.succeeded, report.left["future"]) == (3, 1)


def test_what_is_due_at_the_end_runs() -> None:
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1), delay=HOUR)
    jobs.enqueue(SendMail(2), delay=HOUR + timedelta(milliseconds=1))

    assert jobs.run_for(HOUR).ran.jobs == (SendMail(1),)


def test_retries_run_at_their_times() -> None:
    """B33, B34"""
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky(failures=9))

    jobs.run_for(MINUTE)

    record = jobs.assert_dead(Flaky).one
    starts = [attempt.started_at for attempt in record.attempts]
    assert starts == [START, START + 10 * SECOND, START + 20 * SECOND]
    assert record.finished_at == START + 20 * SECOND


def test_the_backoff_grows_by_default_and_is_the_same_on_every_run() -> None:
    """B34"""

    def starts() -> list[datetime]:
        jobs = jobs_of()

        @jobs.register
        def fail(job: Audit) -> None:
            raise OSError

        handle = jobs.enqueue(Audit(), max_retries=4)
        jobs.run_for(HOUR)
        return [attempt.started_at for attempt in handle.record().attempts]

    first = starts()
    waits = [later - earlier for earlier, later in pairwise(first)]

    assert first == starts()
    assert len(first) == 5
    assert all(0.8 <= wait / (SECOND * 1.6**n) <= 1.2 for n, wait in enumerate(waits))


def test_a_snoozed_job_keeps_its_attempts() -> None:
    """B35"""
    jobs = jobs_of()
    attempts: list[int] = []

    @jobs.register
    def snooze(job: Audit, ctx: jobkit.JobContext) -> object:
        attempts.append(ctx.attempt)
        return jobkit.Snooze(HOUR) if len(attempts) < 3 else None

    jobs.enqueue(Audit())
    report = jobs.run_for(3 * HOUR)

    assert attempts == [1, 1, 1]
    assert (report.snoozed, report.succeeded) == (2, 1)


def test_failures_do_not_escape_unless_asked_for() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky(), delay=MINUTE)

    with pytest.raises(ConnectionError):
        jobs.run_for(HOUR, raises=True)

    assert jobs.clock.now() == START + MINUTE
    assert jobs.run_for(HOUR).succeeded == 1


def test_with_nothing_to_do_the_clock_still_moves() -> None:
    jobs = jobs_of()

    assert not jobs.run_for(HOUR)

    assert jobs.clock.now() == START + HOUR


def test_jobs_without_a_handler_do_not_stop_the_time() -> None:
    jobs = jobs_of(done)
    jobs.enqueue(Flaky(), delay=SECOND)
    jobs.enqueue(SendMail(1), delay=MINUTE)

    report = jobs.run_for(HOUR)

    assert report.succeeded == 1
    assert report.left["no handler"] == 1


def test_a_handler_may_move_the_clock_past_the_end() -> None:
    jobs = jobs_of()

    @jobs.register
    def slow(job: Audit) -> None:
        jobs.clock.advance(2 * HOUR)

    jobs.enqueue(Audit())
    jobs.enqueue(Audit(), delay=MINUTE)

    assert jobs.run_for(HOUR).succeeded == 2
    assert jobs.clock.now() == START + 4 * HOUR


def test_a_negative_or_wrong_duration_is_refused() -> None:
    with pytest.raises(InvalidOption, match="must not be negative"):
        jobs_of().run_for(-SECOND)
    with pytest.raises(InvalidOption, match="timedelta"):
        jobs_of().run_for(untyped(5))


@pytest.mark.parametrize("moves", [False, True])
def test_a_job_that_enqueues_itself_without_delay_does_not_run_for_ever(
    moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobkit_testing.runs.LIMIT", 500)
    jobs = jobs_of()

    @jobs.register
    def again(job: Audit) -> None:
        jobs.enqueue(Audit())
        if moves:
            jobs.clock.advance(HOUR)

    jobs.enqueue(Audit())

    with pytest.raises(AssertionError, match=r"run_for stopped at 500.*\n.*x audit"):
        jobs.run_for(HOUR)


def test_a_year_of_hourly_jobs_runs() -> None:
    jobs = jobs_of()

    @jobs.register
    def hourly(job: Audit) -> None:
        jobs.enqueue(Audit(), delay=HOUR)

    jobs.enqueue(Audit())

    assert jobs.run_for(timedelta(days=365)).succeeded == 365 * 24 + 1


def test_run_until_an_instant() -> None:
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1), delay=HOUR)

    report = jobs.run_until(START + HOUR)

    assert report.succeeded == 1
    assert jobs.clock.now() == START + HOUR


@pytest.mark.parametrize("wrong", [START - SECOND, START.replace(tzinfo=None)])
def test_run_until_refuses_the_past_and_naive_instants(wrong: datetime) -> None:
    with pytest.raises(InvalidOption, match="run_until"):
        jobs_of().run_until(wrong)


def test_run_until_a_condition_holds_stops_right_there() -> None:
    jobs = jobs_of(done)
    sent = jobs.enqueue_many([SendMail(n) for n in range(5)], delay=MINUTE)

    report = jobs.run_until(lambda: sent[2].record().state == "succeeded")

    assert report.succeeded == 3
    assert jobs.clock.now() == START + MINUTE


def test_a_condition_that_holds_already_runs_nothing() -> None:
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1))

    assert not jobs.run_until(lambda: True)


def test_a_condition_that_never_holds_fails_and_says_what_waits() -> None:
    jobs = jobs_of(done)
    jobs.enqueue_many([SendMail(1), Flaky()])

    with pytest.raises(AssertionError, match="does not hold, and nothing is left") as caught:
        jobs.run_until(lambda: False)

    assert "waiting: no handler: 1; ran: 1 x send-mail" in str(caught.value)


def test_a_condition_that_never_holds_names_the_schedules_that_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "LONGEST_RUN", 50)
    jobs = jobs_of(done)
    jobs.schedule(MINUTE, SendMail(1), name="tick")
    jobs.enqueue(Flaky())

    with pytest.raises(AssertionError) as caught:
        jobs.run_until(lambda: False)

    assert (
        str(caught.value)
        .splitlines()[0]
        .endswith("does not hold after 50 attempts, at 2030-01-01T00:50:00+00:00")
    )
    assert str(caught.value).splitlines()[1:] == [
        "  schedules that go on: tick",
        "  waiting: no handler: 1; ran: 50 x send-mail",
    ]


def test_a_condition_may_hold_at_the_last_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LONGEST_RUN", 3)
    jobs = jobs_of(done)
    jobs.schedule(MINUTE, SendMail(1))

    assert jobs.run_until(lambda: len(jobs.timeline.ended) == 3).succeeded == 3


def test_a_condition_that_never_holds_tells_what_goes_round_at_one_instant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "LONGEST_RUN", 3)
    jobs = jobs_of()

    @jobs.register
    def again(job: SendMail, ctx: jobkit.JobContext) -> None:
        ctx.enqueue(job)

    jobs.enqueue(SendMail(1))

    with pytest.raises(AssertionError, match="Does a job enqueue itself") as caught:
        jobs.run_until(lambda: False)

    assert "due: send-mail: 1" in str(caught.value)


def test_run_until_lets_exceptions_escape_if_asked() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky())

    with pytest.raises(ConnectionError):
        jobs.run_until(lambda: False, raises=True)
    assert jobs.run_until(START + HOUR).succeeded == 1
