"""What a `TestingJobs` is, and how it begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import jobkit
import jobkit_testing
from jobkit.protocols import AsyncQueue, Queue
from jobkit_testing import TestingJobs, VirtualClock
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    START,
    Audit,
    SendMail,
    done,
    jobs_of,
    untyped,
)

NAIVE = datetime(2030, 1, 1)  # noqa: DTZ001


@dataclass
class _Mutable:
    tags: list[str]


def test_it_satisfies_the_protocols() -> None:
    """B5"""
    jobs = TestingJobs()

    assert isinstance(jobs, Queue)
    assert isinstance(jobs.aio, AsyncQueue)
    assert jobs.aio is jobs.aio


def test_a_producer_needs_no_handlers() -> None:
    """B5"""
    jobs = jobs_of()

    handle = jobs.enqueue(SendMail(7), queue="mail")

    assert (handle.type, handle.queue, handle.created) == ("send-mail", "mail", True)
    assert handle.record().payload == SendMail(7)


def test_nothing_runs_until_told() -> None:
    """B56"""
    ran: list[Audit] = []
    jobs = jobs_of(start=START)
    jobs.register(ran.append, job=Audit)

    jobs.start()
    jobs.enqueue(Audit())
    jobs.clock.advance(HOUR)

    assert ran == []
    jobs.assert_queued_total(1)


def test_it_begins_at_start_with_seed_0() -> None:
    jobs = TestingJobs(start=START)

    assert (jobs.clock.now(), jobs.seed) == (START, 0)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(jobkit.InvalidOption, match="no time zone"):
        TestingJobs(start=NAIVE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": START, "clock": VirtualClock()}, "start and clock exclude each other"),
        ({"seed": "7"}, "seed='7': give an int"),
        ({"seed": True}, "give an int"),
        ({"enqueue_timeout": 5}, "enqueue_timeout=5"),
        ({"enqueue_timeout": MINUTE}, "at most 50 seconds"),
        ({"max_payload": 0}, "max_payload=0"),
        ({"defaults": {"prioritty": 1}}, "did you mean 'priority'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    """B57"""
    with pytest.raises(jobkit.InvalidOption, match=message):
        TestingJobs(**options)


def test_it_validates_as_production_does() -> None:
    """B55: the same engine refuses the same things, and stores nothing."""
    jobs = jobs_of(max_payload=20)

    with pytest.raises(jobkit.InvalidOption, match="did you mean 'priority'"):
        untyped(jobs).enqueue(SendMail(1), prioritty=1)
    with pytest.raises(jobkit.InvalidJob, match="the payload has"):
        jobs.enqueue(SendMail(1, locale="x" * 100))
    with pytest.raises(jobkit.InvalidJob, match=r"SendMail\.user_id"):
        jobs.enqueue(SendMail(untyped("x")))

    jobs.assert_empty()


def test_a_handler_and_a_caller_cannot_reach_the_stored_job() -> None:
    """B7: every attempt gets a copy of its own."""
    seen: list[list[str]] = []
    jobs = jobs_of()
    job = _Mutable(tags=["a"])

    @jobs.register
    def spoil(job: _Mutable, ctx: jobkit.JobContext) -> None:
        seen.append(list(job.tags))
        job.tags.clear()
        if ctx.attempt == 1:
            raise ValueError

    jobs.enqueue(job)
    job.tags.append("b")
    jobs.run_for(HOUR)

    assert seen == [["a"], ["a"]]
    assert jobs.assert_performed(_Mutable).one.payload == _Mutable(tags=["a"])


def test_the_defaults_of_a_backend_hold() -> None:
    """B55"""
    jobs = jobs_of(defaults={"queue": "mail", "priority": 3})

    jobs.enqueue(SendMail(1))

    jobs.assert_queued(SendMail, 1, queue="mail", priority=3)


def test_handlers_are_given_as_in_production() -> None:
    handlers = jobkit.Handlers()
    handlers.register(done)
    jobs = jobs_of(handlers=[handlers])

    assert jobs.perform(SendMail(1)).state == "succeeded"


def test_it_is_a_context_manager() -> None:
    with TestingJobs() as jobs:
        jobs.enqueue(Audit())
        jobs.assert_not_empty()


def test_its_repr_tells_what_waits_and_where_it_stands() -> None:
    jobs = jobs_of(seed=7)
    jobs.enqueue(Audit())

    assert repr(jobs) == "<TestingJobs 1 waiting, 2030-01-01T00:00:00+00:00, seed=7>"


def test_waiting_for_a_job_returns_what_has_ended_and_refuses_to_wait() -> None:
    """B57"""
    jobs = jobs_of(done)
    handle = jobs.enqueue(SendMail(1))

    with pytest.raises(jobkit.NotSupported, match=r"is queued, .* call jobs\.drain\(\)"):
        handle.wait(timeout=MINUTE)
    jobs.drain()

    assert handle.wait().state == "succeeded"


@pytest.mark.parametrize("make", [TestingJobs, jobkit.MemoryJobs])
def test_waiting_takes_a_duration(make: Callable[[], jobkit.Queue]) -> None:
    """B57: on every backend."""
    handle = make().enqueue(SendMail(1))
    seconds: Any = 5

    with pytest.raises(jobkit.InvalidOption, match="wait: timeout=5"):
        handle.wait(seconds)


def test_reset_forgets_jobs_and_what_happened_and_keeps_handlers_and_clock() -> None:
    jobs = jobs_of(done)
    handle = jobs.enqueue(SendMail(1))
    jobs.perform(SendMail(2))
    jobs.enqueue(Audit(), delay=HOUR)
    jobs.clock.advance(MINUTE)

    jobs.reset()

    assert jobs.inspect.stats().types == {}
    jobs.assert_empty()
    jobs.assert_performed(SendMail, 0)
    assert str(jobs.timeline) == ""
    assert jobs.clock.now() == START + MINUTE
    with pytest.raises(jobkit.JobNotFound):
        handle.record()
    assert jobs.perform(SendMail(3)).state == "succeeded"
    assert "#1 enqueued SendMail(user_id=3" in str(jobs.timeline)


def test_start_checks_its_options() -> None:
    with pytest.raises(jobkit.InvalidOption, match="concurrency=0"):
        jobs_of().start(concurrency=0)


def test_start_says_which_queues_later_runs_serve() -> None:
    """B51"""
    jobs = jobs_of(done)
    jobs.enqueue(Audit("a"), queue="a")
    jobs.enqueue(Audit("b"), queue="b")

    jobs.start(queues=["b"])
    jobs.start(queues=["b"])
    first = jobs.drain()
    jobs.shutdown()
    jobs.shutdown(timeout=MINUTE)
    second = jobs.drain()

    assert [job.what for job in first.ran.jobs] == ["b"]
    assert [job.what for job in second.ran.jobs] == ["a"]


def test_shutdown_is_fine_without_a_start_and_checks_its_timeout() -> None:
    """B52"""
    jobs = jobs_of()

    jobs.shutdown()
    with pytest.raises(jobkit.InvalidOption, match="must not be negative"):
        jobs.shutdown(timeout=timedelta(days=-1))


def test_what_is_not_there_yet_is_refused_by_name() -> None:
    """B57"""
    jobs = jobs_of()

    with pytest.raises(jobkit.NotSupported, match="run"):
        jobs.run()


def test_jobs_are_found_and_cancelled_by_id_too() -> None:
    """B43, B44"""
    jobs = jobs_of()
    handle = jobs.enqueue(SendMail(1), queue="mail")

    assert jobs.inspect.get(handle.id).queue == "mail"
    assert jobs.inspect.cancel(handle.id)

    jobs.assert_cancelled(SendMail(1), 1)
    with pytest.raises(jobkit.JobNotFound, match="unknown"):
        jobs.inspect.get("unknown")


def test_a_transaction_publishes_at_its_end_or_not_at_all() -> None:
    """B40"""
    jobs = jobs_of()

    with jobs.transaction() as tx:
        tx.enqueue(SendMail(1))
        jobs.assert_empty()
    with suppress(ValueError), jobs.transaction() as tx:
        tx.enqueue(SendMail(2))
        raise ValueError

    jobs.assert_queued_exactly(SendMail(1))


def test_the_public_names_are_loaded_when_they_are_used() -> None:
    assert {"TestingJobs", "VirtualClock"} <= set(dir(jobkit_testing))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = untyped(jobkit_testing).Nothing


def test_a_time_in_another_zone_is_the_same_instant() -> None:
    jobs = jobs_of()

    jobs.enqueue(SendMail(1), run_at=datetime.fromisoformat("2030-01-01T02:00:00+01:00"))

    jobs.assert_queued(SendMail, 1, run_at=datetime(2030, 1, 1, 1, tzinfo=UTC))


def test_what_could_not_be_made_has_a_repr() -> None:
    """pytest shows it, with the traceback of the error."""
    assert repr(TestingJobs.__new__(TestingJobs)) == "<TestingJobs that could not be made>"
