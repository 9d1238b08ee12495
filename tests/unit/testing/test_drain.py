"""`drain`, and the report of a run."""

from __future__ import annotations

from datetime import timedelta

import pytest

import jobkit
from jobkit.errors import InvalidOption
from jobkit.store import NewJob, Push
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    SECOND,
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

NOTHING_LEFT = {"future": 0, "paused": 0, "limited": 0, "no handler": 0}


def test_it_runs_what_is_due_and_what_gets_due_by_that() -> None:
    """B53"""
    jobs = jobs_of()

    @jobs.register
    def countdown(job: SendMail) -> None:
        if job.user_id:
            jobs.enqueue(SendMail(job.user_id - 1))

    jobs.enqueue(SendMail(3))
    report = jobs.drain()

    assert [mail.user_id for mail in report.ran.jobs] == [3, 2, 1, 0]
    assert report.succeeded == 4
    assert report.left == NOTHING_LEFT
    jobs.assert_empty()


def test_a_report_is_true_if_anything_ran() -> None:
    jobs = jobs_of(done)

    assert not jobs.drain()
    jobs.enqueue(SendMail(1))
    assert jobs.drain()


def test_a_report_counts_how_attempts_ended() -> None:
    jobs = jobs_of(fail_at_first)

    @jobs.register
    def decide(job: Audit) -> object:
        return {
            "snooze": jobkit.Snooze(HOUR),
            "discard": jobkit.Discard(),
            "dead": jobkit.Dead(),
        }.get(job.what)

    jobs.enqueue_many([Audit("x"), Audit("snooze"), Audit("discard"), Audit("dead"), Flaky()])
    report = jobs.drain(raises=False)

    counts = (report.succeeded, report.retried, report.dead, report.cancelled, report.snoozed)
    assert counts == (1, 1, 1, 1, 1)
    assert [record.state for record in report.ran] == [
        "succeeded",
        "scheduled",
        "cancelled",
        "dead",
        "retrying",
    ]
    assert len(report.ran) == 5


def test_future_jobs_stay_until_they_are_due_to_the_millisecond() -> None:
    """B8"""
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1), delay=MINUTE)

    jobs.clock.advance(MINUTE - timedelta(milliseconds=1))
    before = jobs.drain()
    jobs.clock.advance(timedelta(milliseconds=1))
    after = jobs.drain()

    assert (before.succeeded, before.left["future"]) == (0, 1)
    assert (after.succeeded, after.left["future"]) == (1, 0)


def test_types_without_a_handler_stay_and_are_counted() -> None:
    """B24"""
    jobs = jobs_of(done)
    jobs.enqueue_many([Flaky(), Flaky(), SendMail(1)])

    report = jobs.drain()

    assert report.succeeded == 1
    assert report.left == {**NOTHING_LEFT, "no handler": 2}
    jobs.assert_queued(Flaky, 2, state="queued")


def test_without_any_handler_everything_stays() -> None:
    jobs = jobs_of()
    jobs.enqueue(SendMail(1))

    assert jobs.drain().left["no handler"] == 1


def test_a_full_type_stays_and_is_counted_and_blocks_nobody() -> None:
    """B26"""
    jobs = jobs_of()
    reports: list[jobkit.Report] = []

    @jobs.register
    def narrow(job: Narrow) -> None:
        reports.append(jobs.drain())

    jobs.register(done, job=Audit)
    jobs.enqueue_many([Narrow(1), Narrow(2), Audit()])
    jobs.run_next()

    assert reports[0].left == {**NOTHING_LEFT, "limited": 1}
    assert reports[0].ran.jobs == (Audit(),)


def test_jobs_run_by_priority_then_due_time_then_arrival() -> None:
    """B9"""
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1), delay=2 * SECOND)
    jobs.enqueue(SendMail(2), delay=SECOND)
    jobs.enqueue(SendMail(3), delay=SECOND)
    jobs.enqueue(SendMail(4), delay=3 * SECOND, priority=-1)
    jobs.clock.advance(MINUTE)

    report = jobs.drain()

    assert [mail.user_id for mail in report.ran.jobs] == [4, 2, 3, 1]


def test_all_queues_are_served_by_turns() -> None:
    jobs = jobs_of(done)
    for user_id in (1, 2):
        jobs.enqueue(SendMail(user_id), queue="a")
        jobs.enqueue(SendMail(user_id), queue="b")

    report = jobs.drain()

    assert [record.queue for record in report.ran] == ["a", "b", "a", "b"]


def test_queues_are_served_in_proportion_to_their_weights() -> None:
    """B11: as a worker does, while both are backed up."""
    jobs = jobs_of(done)
    for queue in ("mail", "rest"):
        jobs.enqueue_many([Audit(queue) for _ in range(100)], queue=queue)

    jobs.start(queues={"mail": 9, "rest": 1})
    ran = [job.what for job in jobs.drain().ran.jobs]

    assert ran[:100].count("mail") == 90
    assert len(ran) == 200


def test_strict_drains_in_the_order_given() -> None:
    """B11: what is enqueued ahead meanwhile is next."""
    jobs = jobs_of()
    ran: list[str] = []

    @jobs.register
    def handle(job: Audit) -> None:
        ran.append(job.what)
        if job.what == "low 1":
            jobs.enqueue(Audit("high 3"), queue="high")

    for n in (1, 2):
        jobs.enqueue(Audit(f"low {n}"), queue="low")
        jobs.enqueue(Audit(f"high {n}"), queue="high")
    jobs.start(queues=["high", "low"], strict=True)

    jobs.drain()

    assert ran == ["high 1", "high 2", "low 1", "high 3", "low 2"]


def test_only_some_types_or_queues() -> None:
    jobs = jobs_of(done)

    def refill() -> None:
        jobs.reset()
        jobs.enqueue(SendMail(1), queue="a")
        jobs.enqueue(Audit(), queue="a")
        jobs.enqueue(Audit(), queue="b", delay=HOUR)

    refill()
    assert jobs.drain(only=SendMail).ran.jobs == (SendMail(1),)
    refill()
    assert jobs.drain(only=["audit"]).left == {**NOTHING_LEFT, "future": 1}
    refill()
    assert jobs.drain(only=[SendMail, Audit], queue="b").left["future"] == 1
    refill()
    assert len(jobs.drain(queue=["a"]).ran) == 2
    with pytest.raises(InvalidOption, match="queue='no queue'"):
        jobs.drain(queue="no queue")


def test_it_stops_at_the_first_exception_that_escapes() -> None:
    jobs = jobs_of(fail_at_first, done)
    jobs.enqueue_many([Flaky(), Flaky(), SendMail(1)])

    with pytest.raises(ConnectionError):
        jobs.drain()

    jobs.assert_failed(Flaky, 1)
    jobs.assert_queued(SendMail, 1)


def test_without_raises_nothing_escapes() -> None:
    jobs = jobs_of(fail_at_first, done)
    jobs.enqueue_many([Flaky(), SendMail(1)])

    report = jobs.drain(raises=False)

    assert (report.retried, report.succeeded) == (1, 1)
    assert report.left["future"] == 1


def test_reaching_the_limit_says_what_goes_round() -> None:
    jobs = jobs_of()

    @jobs.register
    def again(job: Audit) -> None:
        jobs.enqueue(Audit())

    jobs.register(done, job=SendMail)
    jobs.enqueue_many([SendMail(1), Audit()])

    with pytest.raises(AssertionError) as caught:
        jobs.drain(limit=50)

    assert str(caught.value) == (
        "drain stopped at limit=50: 50 attempts ran and more are due. Does a job enqueue itself, "
        "or retry without delay?\n"
        "  ran: 49 x audit, 1 x send-mail\n"
        "  due: audit: 1"
    )
    jobs.assert_queued(Audit, 1)


def test_a_job_that_retries_without_delay_goes_round_too() -> None:
    jobs = jobs_of()

    @jobs.register
    def again(job: Audit) -> object:
        return jobkit.Snooze(timedelta(0))

    jobs.enqueue(Audit())

    with pytest.raises(AssertionError, match=r"(?s)limit=7.*7 x audit"):
        jobs.drain(limit=7)


def test_a_limit_that_is_just_enough_is_not_reached() -> None:
    jobs = jobs_of(done)
    jobs.enqueue_many([SendMail(1), SendMail(2), Flaky()])

    assert jobs.drain(limit=2).succeeded == 2


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_limit_is_a_count(limit: int) -> None:
    with pytest.raises(InvalidOption, match="limit="):
        jobs_of().drain(limit=limit)


def test_more_than_a_claim_makes_ready_at_once_is_drained() -> None:
    """B9"""
    jobs = jobs_of(done)
    jobs.enqueue_many([Flaky()] * 1500, delay=SECOND)
    jobs.enqueue(SendMail(1), delay=2 * SECOND)
    jobs.clock.advance(MINUTE)

    report = jobs.drain()

    assert report.succeeded == 1
    assert report.left == {**NOTHING_LEFT, "no handler": 1500}


def test_a_timeout_is_of_virtual_time() -> None:
    jobs = jobs_of()

    @jobs.register
    def slow(job: Audit) -> None:
        jobs.clock.advance(HOUR)

    jobs.enqueue_many([Audit(), Audit(), Audit()])

    with pytest.raises(TimeoutError, match="not done after 1:30:00; due: audit: 1"):
        jobs.drain(timeout=1.5 * HOUR)
    assert jobs.drain(timeout=MINUTE).succeeded == 1
    with pytest.raises(InvalidOption, match="must not be negative"):
        jobs.drain(timeout=-HOUR)


def test_records_of_a_report_are_those_after_each_attempt() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky())

    report = jobs.run_for(HOUR)

    assert [(record.state, record.attempt) for record in report.ran] == [
        ("retrying", 2),
        ("succeeded", 2),
    ]
    assert report.ran[0].run_at == START + 10 * SECOND


def test_a_job_that_does_not_decode_is_dead_without_a_run() -> None:
    """B3"""
    jobs = jobs_of(done)
    new = NewJob(id="01J0000000000000000000000A", queue="q", type="send-mail", payload=b"[]")
    untyped(jobs)._store.run(Push(jobs=(new,), channel="c", request=1), now=0)

    report = jobs.drain()

    assert report.dead == 1
    assert report.ran.one.raw == b"[]"
    assert report.ran.one.payload is None
