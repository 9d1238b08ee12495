"""What assertions hold, and what they return."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import ANY

import pytest

import jobkit
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    Address,
    Audit,
    Flaky,
    Login,
    Order,
    SendMail,
    Slow,
    done,
    fail_at_first,
    jobs_of,
    untyped,
)

ORDER = Order(
    7, Address("Bern", "Gasse 1"), tags=["a", "b"], headers={"x": "1", "y": "2"}, amount=0.3
)


def test_empty_counts_all_that_waits() -> None:
    jobs = jobs_of()
    jobs.assert_empty()
    jobs.assert_queued_total(0)

    jobs.enqueue(Audit())
    jobs.enqueue(Audit(), delay=HOUR)

    jobs.assert_not_empty()
    jobs.assert_queued_total(2)


def test_empty_fails_if_something_waits_and_not_empty_if_nothing_does() -> None:
    jobs = jobs_of()
    with pytest.raises(AssertionError, match="no job waits, expected some"):
        jobs.assert_not_empty()

    jobs.enqueue(Audit(), delay=HOUR)

    with pytest.raises(AssertionError, match="1 job waits, expected none"):
        jobs.assert_empty()
    with pytest.raises(AssertionError, match="1 job waits, expected 2"):
        jobs.assert_queued_total(2)


def test_a_job_that_waits_for_its_retry_is_queued() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky())

    jobs.drain(raises=False)

    jobs.assert_queued(Flaky, 1, state="retrying")
    jobs.assert_queued(Flaky, 1, state=jobkit.JobState.RETRYING)


def test_a_class_matches_any_payload_and_an_instance_an_equal_one() -> None:
    jobs = jobs_of()
    jobs.enqueue(SendMail(1))
    jobs.enqueue(SendMail(2))

    jobs.assert_queued(SendMail)
    jobs.assert_queued(SendMail, 2)
    assert jobs.assert_queued(SendMail(2), 1).one.payload == SendMail(2)
    jobs.assert_queued(SendMail(3), 0)
    jobs.assert_not_queued(SendMail(3))
    jobs.assert_not_queued(Audit)


@pytest.mark.parametrize("times", [0, 1, 3])
def test_times_is_exact(times: int) -> None:
    jobs = jobs_of()
    jobs.enqueue_many([SendMail(1), SendMail(2)])

    expected = f"2 waiting jobs match SendMail, expected {times or 'none'}"
    with pytest.raises(AssertionError, match=expected):
        jobs.assert_queued(SendMail, times)


@pytest.mark.parametrize("times", [-1, 1.0, True, "1"])
def test_times_is_a_count(times: object) -> None:
    with pytest.raises(jobkit.InvalidOption, match="give an int of at least 0"):
        untyped(jobs_of()).assert_queued(SendMail, times)


def test_any_and_approx_work_as_values_of_fields() -> None:
    jobs = jobs_of()
    jobs.enqueue(ORDER)

    jobs.assert_queued(Order(ANY, ANY, ANY, ANY, untyped(pytest.approx(0.1 + 0.2))), 1)
    jobs.assert_queued(Order(7, Address("Bern", ANY), ["a", ANY], {"x": ANY, "y": "2"}, ANY), 1)
    jobs.assert_not_queued(Order(8, ANY, ANY, ANY, ANY))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"number": 7},
        {"address": {"city": "Bern"}},
        {"address": Address("Bern", "Gasse 1"), "tags": ["a", "b"]},
        {"headers": {"x": "1"}},
        {"amount": pytest.approx(0.1 + 0.2), "number": ANY},
    ],
)
def test_a_part_of_the_payload_is_enough(payload: dict[str, object]) -> None:
    jobs = jobs_of()
    jobs.enqueue(ORDER)

    jobs.assert_queued(Order, 1, payload=payload)


@pytest.mark.parametrize(
    "payload",
    [
        {"number": 8},
        {"address": {"city": "Basel"}},
        {"address": {"town": "Bern"}},
        {"address": Address("Bern")},
        {"headers": {"z": "1"}},
        {"tags": ["a"]},
        {"tags": ("a", "b")},
    ],
)
def test_a_part_that_differs_does_not_match(payload: dict[str, object]) -> None:
    jobs = jobs_of()
    jobs.enqueue(ORDER)

    jobs.assert_not_queued(Order, payload=payload)


def test_an_instance_has_to_equal_all_of_a_mapping() -> None:
    jobs = jobs_of()
    jobs.enqueue(ORDER)

    jobs.assert_not_queued(Order(7, ANY, ANY, {"x": "1"}, ANY))


def test_a_field_that_the_type_does_not_have_is_refused() -> None:
    with pytest.raises(jobkit.InvalidOption, match="no such field; it has locale, user_id"):
        jobs_of().assert_queued(SendMail, payload={"user": 7})


def test_a_condition_looks_at_the_payload() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([SendMail(1), SendMail(2), SendMail(3)])

    matches = jobs.assert_queued(SendMail, 2, where=lambda mail: mail.user_id > 1)

    assert [mail.user_id for mail in matches.jobs] == [2, 3]


def test_queue_priority_metadata_and_state_are_compared() -> None:
    jobs = jobs_of()
    jobs.enqueue(SendMail(1), queue="mail", priority=3, metadata={"user": "7", "trace": "x"})

    jobs.assert_queued(
        SendMail, 1, queue="mail", priority=3, metadata={"user": "7"}, state="queued"
    )
    jobs.assert_not_queued(SendMail, queue="default")
    jobs.assert_not_queued(SendMail, priority=0)
    jobs.assert_not_queued(SendMail, metadata={"user": "8"})
    jobs.assert_not_queued(SendMail, metadata={"other": "7"})
    jobs.assert_not_queued(SendMail, state="scheduled")


def test_run_at_and_delay_are_exact() -> None:
    jobs = jobs_of()
    jobs.clock.advance(MINUTE)
    jobs.enqueue(SendMail(1), delay=HOUR)

    jobs.assert_queued(SendMail, 1, run_at=START + MINUTE + HOUR)
    jobs.assert_queued(SendMail, 1, delay=HOUR)
    jobs.assert_not_queued(SendMail, run_at=START + MINUTE + HOUR + SECOND)
    jobs.assert_not_queued(SendMail, delay=HOUR - timedelta(milliseconds=1))


def test_a_tolerance_goes_both_ways_and_includes_its_end() -> None:
    jobs = jobs_of()
    jobs.enqueue(SendMail(1), delay=HOUR)

    jobs.assert_queued(SendMail, delay=HOUR + SECOND, tolerance=SECOND)
    jobs.assert_queued(SendMail, run_at=START + HOUR - SECOND, tolerance=SECOND)
    jobs.assert_not_queued(SendMail, delay=HOUR + 2 * SECOND, tolerance=SECOND)


def test_the_clock_s_own_now_is_a_run_at_that_matches() -> None:
    jobs = jobs_of(clock=None)
    jobs.enqueue(SendMail(1), run_at=jobs.clock.now() + HOUR)

    jobs.assert_queued(SendMail, 1, delay=HOUR)
    jobs.assert_queued(SendMail, 1, run_at=jobs.clock.now() + HOUR)


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"quue": "mail"}, "did you mean 'queue'"),
        ({"run_at": START.replace(tzinfo=None)}, "has no time zone"),
        ({"delay": 5}, "give a datetime.timedelta"),
        ({"tolerance": SECOND}, "tolerance is for run_at or delay"),
        ({"run_at": START, "delay": HOUR}, "run_at and delay exclude each other"),
        ({"state": "waiting"}, "give one of scheduled, queued"),
        ({"state": "dead"}, "a waiting job is queued, retrying, scheduled"),
    ],
)
def test_a_wrong_condition_is_refused(match: dict[str, object], message: str) -> None:
    """B57: nothing that was asked is ignored."""
    with pytest.raises(jobkit.InvalidOption, match=message):
        untyped(jobs_of()).assert_not_queued(SendMail, **match)


def test_a_field_given_as_a_keyword_says_where_it_belongs() -> None:
    with pytest.raises(jobkit.InvalidOption) as caught:
        untyped(jobs_of()).assert_queued(SendMail, user_id=7)

    assert str(caught.value) == (
        "assert_queued: 'user_id' is a field of SendMail: "
        "write payload={'user_id': 7} or SendMail(user_id=7)"
    )


def test_a_secret_given_as_a_keyword_is_not_repeated() -> None:
    with pytest.raises(jobkit.InvalidOption) as caught:
        untyped(jobs_of()).assert_queued(Login, password="hunter2")

    assert "hunter2" not in str(caught.value)


def test_a_field_that_makes_no_job_by_itself_is_asked_for_as_a_part() -> None:
    with pytest.raises(jobkit.InvalidOption) as caught:
        untyped(jobs_of()).assert_queued(SendMail, locale="en")

    assert str(caught.value) == (
        "assert_queued: 'locale' is a field of SendMail: write payload={'locale': 'en'}"
    )


def test_a_number_by_name_is_told_that_it_is_positional() -> None:
    with pytest.raises(jobkit.InvalidOption) as caught:
        untyped(jobs_of()).assert_queued(SendMail, count=2)

    assert str(caught.value) == (
        "assert_queued: unknown option 'count'; there are delay, metadata, msg, payload, priority, "
        "queue, run_at, state, tolerance, unique_key, where. How many is said by position: "
        "assert_queued(SendMail, 2)"
    )


@pytest.mark.parametrize("wrong", [None, 7, "send-mail", int])
def test_what_is_no_job_is_refused(wrong: object) -> None:
    jobs = untyped(jobs_of())

    with pytest.raises(jobkit.InvalidJob, match=r"assert_queued: .* give a dataclass, or"):
        jobs.assert_queued(wrong)
    with pytest.raises(
        jobkit.InvalidJob, match=r"faults\.crash: .* is not a job; give a dataclass"
    ):
        jobs.faults.crash(wrong)


def test_exactly_these_and_no_others() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([SendMail(1), Audit("a"), SendMail(2)])

    jobs.assert_queued_exactly(SendMail(2), Audit, SendMail(1))
    jobs.assert_queued_exactly(SendMail, SendMail(ANY), Audit)
    jobs.assert_queued_exactly(SendMail, Audit("a"), SendMail(2), ordered=True)
    for specs in [
        (SendMail, SendMail),
        (SendMail, SendMail, Audit, Audit),
        (SendMail(3), SendMail, Audit),
        (),
    ]:
        with pytest.raises(AssertionError):
            jobs.assert_queued_exactly(*specs)
    with pytest.raises(AssertionError, match="in another order"):
        jobs.assert_queued_exactly(Audit, SendMail(1), SendMail(2), ordered=True)


def test_a_wide_spec_leaves_the_job_that_a_narrow_one_needs() -> None:
    jobs = jobs_of()
    jobs.enqueue_many([SendMail(1), SendMail(2)])

    jobs.assert_queued_exactly(SendMail, SendMail(1))


def test_no_specs_at_all_means_that_nothing_waits() -> None:
    jobs_of().assert_queued_exactly()


def test_performed_are_those_that_ran_and_succeeded() -> None:
    jobs = jobs_of(done, fail_at_first)
    jobs.enqueue(SendMail(1))
    jobs.enqueue(Flaky())
    jobs.assert_performed(SendMail, 0)

    jobs.drain(raises=False)

    jobs.assert_performed(SendMail(1), 1)
    jobs.assert_performed(Flaky, 0)
    jobs.assert_not_queued(SendMail)


def test_performed_does_not_depend_on_how_long_records_are_kept() -> None:
    """B36"""
    jobs = jobs_of(done)
    jobs.perform(SendMail(1), retention=timedelta(0))
    jobs.perform(SendMail(2))

    jobs.run_for(timedelta(days=7))
    jobs.perform(SendMail(3))

    assert [mail.user_id for mail in jobs.assert_performed(SendMail, 3).jobs] == [1, 2, 3]


def test_failed_are_those_whose_last_attempt_failed_or_timed_out() -> None:
    """B28, B33"""
    jobs = jobs_of(fail_at_first, _oversleep)
    jobs.enqueue(Flaky(failures=9))
    jobs.enqueue(Flaky(failures=1))
    jobs.enqueue(Slow())

    jobs.drain(raises=False)
    jobs.assert_failed(Flaky, 2)
    jobs.assert_failed(Slow, 1)
    jobs.run_for(HOUR)

    jobs.assert_failed(Flaky(failures=9), 1)
    jobs.assert_failed(Flaky, 1)
    jobs.assert_performed(Flaky(failures=1), 1)


def test_a_job_that_asked_to_be_buried_is_dead_and_has_not_failed() -> None:
    """B35"""
    jobs = jobs_of(_bury)

    jobs.perform(Audit())

    jobs.assert_dead(Audit, 1)
    jobs.assert_failed(Audit, 0)


def test_dead_are_those_that_ran_out_of_retries() -> None:
    """B36"""
    jobs = jobs_of(fail_at_first)
    jobs.enqueue(Flaky(failures=9))

    jobs.run_for(HOUR)

    record = jobs.assert_dead(Flaky, 1).one
    assert [attempt.outcome for attempt in record.attempts] == ["failed"] * 3


def test_cancelled_are_those_cancelled_while_they_waited_too() -> None:
    """B44"""
    jobs = jobs_of()
    waiting = jobs.enqueue(SendMail(1))
    jobs.enqueue(SendMail(2), retention=timedelta(0)).cancel()

    assert waiting.cancel()
    assert not waiting.cancel()

    jobs.assert_cancelled(SendMail, 2)
    jobs.assert_empty()


def test_msg_adds_words() -> None:
    with pytest.raises(AssertionError, match=r"\Amails go out at once:\nno waiting job"):
        jobs_of().assert_queued(SendMail, msg="mails go out at once:")


def _oversleep(job: Slow) -> None:
    ctx = jobkit.current_job()
    assert ctx is not None
    ctx.cancelled.set("timeout")


def _bury(job: Audit) -> None:
    raise jobkit.Dead("no")
