"""`perform` and `run_next`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

import jobkit
from jobkit.errors import InvalidHandler, InvalidOption, WrongState
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    START,
    Audit,
    Flaky,
    Narrow,
    SendMail,
    done,
    fail_at_first,
    jobs_of,
    untyped,
)


@dataclass(frozen=True)
class _Unhandled:
    pass


@jobkit.job(keep_dead=False)
@dataclass(frozen=True)
class _Unkept:
    pass


def test_it_runs_this_job_past_others_and_returns_its_record() -> None:
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> dict[str, int]:
        return {"sent": job.user_id}

    jobs.enqueue(SendMail(1), priority=-5)

    record = jobs.perform(SendMail(2), priority=5)

    assert record.state == "succeeded"
    assert record.payload == SendMail(2)
    assert record.result == {"sent": 2}
    assert (record.attempt, record.starts, record.worker) == (1, 1, "testing")
    assert record == jobs.inspect.get(record.id)
    jobs.assert_queued_exactly(SendMail(1))


def test_the_exception_of_the_handler_escapes_after_the_outcome_is_settled() -> None:
    jobs = jobs_of(fail_at_first)

    with pytest.raises(ConnectionError, match="no route, attempt 1") as caught:
        jobs.perform(Flaky())

    assert caught.traceback[-1].name == "fail_at_first"
    record = jobs.assert_queued(Flaky, 1).one
    assert record.state == "retrying"
    assert record.run_at == START + 10 * MINUTE / 60
    assert record.error is not None
    assert record.error.error_type == "ConnectionError"


def test_without_raises_the_record_tells_of_the_failure() -> None:
    jobs = jobs_of(fail_at_first)

    record = jobs.perform(Flaky(), raises=False)

    assert record.state == "retrying"
    assert record.retries_left == 1


def test_the_cause_of_an_exception_is_kept() -> None:
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> None:
        raise ValueError("outer") from KeyError("inner")

    with pytest.raises(ValueError, match="outer") as caught:
        jobs.perform(SendMail(1))

    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        asyncio.CancelledError(),
        GeneratorExit(),
        StopIteration(7),
        ExceptionGroup("group", [OSError()]),
    ],
)
def test_whatever_a_handler_raises_is_a_failure_and_escapes(error: BaseException) -> None:
    """B32"""
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        jobs.perform(SendMail(1))
    record = jobs.perform(SendMail(2), raises=False)

    assert caught.value is error
    assert record.state == "retrying"
    jobs.assert_failed(SendMail, 2)


def test_a_type_without_a_handler_is_refused_and_not_stored() -> None:
    jobs = jobs_of(done, fail_at_first)

    with pytest.raises(InvalidHandler) as caught:
        jobs.perform(_Unhandled())

    assert "_Unhandled has no handler here" in str(caught.value)
    assert "audit" in str(caught.value)
    assert "send-mail" in str(caught.value)
    jobs.assert_empty()
    assert not jobs.timeline.events


def test_a_job_for_later_is_refused_and_not_stored() -> None:
    jobs = jobs_of(done)

    with pytest.raises(InvalidOption, match="leave out run_at and delay"):
        jobs.perform(SendMail(1), delay=HOUR)
    with pytest.raises(InvalidOption, match="leave out run_at and delay"):
        jobs.perform(SendMail(1), run_at=START + HOUR)

    jobs.assert_empty()


def test_a_job_that_is_overdue_runs() -> None:
    """B8"""
    jobs = jobs_of(done)

    assert jobs.perform(SendMail(1), run_at=START - HOUR).state == "succeeded"


def test_the_delay_of_the_defaults_does_not_hold_it_back() -> None:
    jobs = jobs_of(done, defaults={"delay": HOUR})

    jobs.enqueue(SendMail(1))

    assert jobs.perform(SendMail(2)).run_at == START
    jobs.assert_queued(SendMail(1), 1, delay=HOUR)


def test_a_limited_type_that_is_full_is_refused_and_not_stored() -> None:
    """B26"""
    jobs = jobs_of()
    refusals: list[Exception] = []

    @jobs.register
    def outer(job: Narrow) -> None:
        with pytest.raises(WrongState, match="max_concurrency is 1") as caught:
            jobs.perform(Narrow(2))
        refusals.append(caught.value)

    jobs.perform(Narrow(1))

    assert len(refusals) == 1
    jobs.assert_performed(Narrow, 1)
    jobs.assert_empty()


def test_a_handler_may_perform_another_job() -> None:
    jobs = jobs_of()
    order: list[str] = []

    @jobs.register
    def outer(job: Narrow) -> None:
        order.append("outer")
        jobs.clock.advance(HOUR)  # far past the lease, which is kept all the same
        assert jobs.perform(Audit()).state == "succeeded"
        order.append("outer again")

    @jobs.register
    def inner(job: Audit) -> None:
        order.append("inner")

    record = jobs.perform(Narrow())

    assert order == ["outer", "inner", "outer again"]
    assert (record.state, record.losses, record.starts) == ("succeeded", 0, 1)


def test_a_lease_is_kept_while_a_handler_moves_the_clock() -> None:
    """B37: heartbeats are simulated; nobody else claims the job meanwhile."""
    jobs = jobs_of()
    runs: list[int] = []

    @jobs.register
    def outer(job: SendMail, ctx: jobkit.JobContext) -> None:
        runs.append(job.user_id)
        jobs.clock.advance(HOUR)
        jobs.run_next()

    jobs.enqueue_many([SendMail(1), SendMail(2)])
    report = jobs.drain()

    assert runs == [1, 2]
    assert report.succeeded == 1  # the other one belongs to the inner run
    jobs.assert_performed(SendMail, 2)


def test_wrong_options_are_refused_as_by_enqueue() -> None:
    """B55"""
    with pytest.raises(InvalidOption, match="priority='x'"):
        jobs_of(done).perform(SendMail(1), priority=untyped("x"))
    with pytest.raises(InvalidOption, match="unique='x'"):
        jobs_of(done).perform(SendMail(1), unique=untyped("x"))


def test_run_next_runs_one_job_that_is_due() -> None:
    """B9: lower priority first."""
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1))
    jobs.enqueue(SendMail(2), priority=-1)
    jobs.enqueue(SendMail(3), delay=HOUR)

    ran = [jobs.run_next() for _ in range(3)]

    assert [record and record.payload for record in ran] == [SendMail(2), SendMail(1), None]


def test_run_next_lets_the_exception_escape_unless_told_not_to() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.enqueue_many([Flaky(), Flaky()])

    with pytest.raises(ConnectionError):
        jobs.run_next()
    record = jobs.run_next(raises=False)

    assert record is not None
    assert record.state == "retrying"


@pytest.mark.parametrize("verdict", ["raise", "return"])
@pytest.mark.parametrize(
    ("make", "state"),
    [
        (lambda: jobkit.Retry(delay=HOUR, reason="later"), "retrying"),
        (lambda: jobkit.Snooze(HOUR), "scheduled"),
        (lambda: jobkit.Discard("nothing to do"), "cancelled"),
        (lambda: jobkit.Dead("no use"), "dead"),
    ],
)
def test_signals_never_escape(verdict: str, make: Any, state: str) -> None:
    """B35"""
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> object:
        if verdict == "raise":
            raise make()
        return make()

    record = jobs.perform(SendMail(1))

    assert record.state == state
    assert record == jobs.inspect.get(record.id)


def test_a_job_that_cannot_be_kept_is_still_returned() -> None:
    """B36"""
    jobs: TestingJobs = jobs_of()

    @jobs.register
    def bury(job: _Unkept) -> None:
        raise jobkit.Dead("no use")

    record = jobs.perform(_Unkept())

    assert record.state == "dead"
    assert record.error is not None
    jobs.assert_dead(_Unkept, 1)
    with pytest.raises(jobkit.JobNotFound):
        jobs.inspect.get(record.id)
