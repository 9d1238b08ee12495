"""Workers that die before, while or after they run a job."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import jobkit
from tests.unit.testing.faulty import LEASE, Counting, Once, keep
from tests.unit.testing.samples import (
    HOUR,
    SECOND,
    START,
    Audit,
    Flaky,
    Narrow,
    SendMail,
    Slow,
    done,
    fail_at_first,
    jobs_of,
)


def test_a_crash_before_the_run_leaves_the_job_running_under_a_dead_worker_s_lease() -> None:
    """B37"""
    counting = Counting()
    jobs = counting.jobs
    jobs.faults.crash(SendMail, when="before_run")
    handle = jobs.enqueue(SendMail(1))

    report = jobs.drain()

    assert counting.calls == []
    assert handle.record().state == "running"
    assert report.left["future"] == 1
    assert not report
    assert jobs.faults.pending == ()


@pytest.mark.parametrize(("when", "calls"), [("before_run", 1), ("before_ack", 2)])
def test_after_a_crash_another_worker_takes_over_when_the_lease_is_over(
    when: Any, calls: int
) -> None:
    """B37: to the millisecond; counted as a loss, not as an error."""
    counting = Counting()
    jobs = counting.jobs
    jobs.faults.crash(SendMail, when=when)
    handle = jobs.enqueue(SendMail(1))
    jobs.drain()

    early = jobs.run_for(LEASE - SECOND)
    late = jobs.run_for(SECOND)

    record = handle.record()
    assert (early.succeeded, late.succeeded) == (0, 2)  # with the audit
    assert counting.calls == [1] * calls
    assert (record.state, record.losses, record.starts, record.attempt) == ("succeeded", 1, 2, 1)
    assert record.attempts[0].outcome == "lost"
    assert record.attempts[0].worker == "testing"
    assert record.worker == "testing-2"
    assert record.started_at == START + LEASE


def test_what_a_crashed_attempt_enqueued_is_dropped() -> None:
    """B41"""
    counting = Counting()
    counting.jobs.faults.crash(SendMail, when="before_ack")
    counting.jobs.enqueue(SendMail(1))

    counting.jobs.drain()
    counting.jobs.assert_not_queued(Audit)
    counting.jobs.run_for(LEASE)

    counting.jobs.assert_performed(Audit, 1)


def test_after_a_crash_behind_the_settlement_nothing_runs_again_and_no_hook_is_called() -> None:
    """B30"""
    counting = Counting()
    jobs, heard = counting.jobs, list[str]()
    jobs.hooks(jobkit.Hooks(on_success=lambda record, _: heard.append(record.type)))
    jobs.faults.crash(SendMail, when="after_ack")
    handle = jobs.enqueue(SendMail(1))

    report = jobs.drain()
    jobs.run_for(2 * LEASE)

    assert report.succeeded == 2
    assert counting.calls == [1]
    assert heard == ["audit"]
    assert (handle.record().state, handle.record().losses) == ("succeeded", 0)


def test_a_lost_job_runs_before_those_that_came_after_it() -> None:
    """B37: at the front of its priority."""
    counting = Counting()
    jobs = counting.jobs
    jobs.faults.crash(SendMail(1), when="before_run")
    jobs.enqueue(SendMail(1))
    jobs.drain()
    jobs.enqueue_many([SendMail(2), SendMail(3)], delay=LEASE)

    jobs.run_for(LEASE)

    assert counting.calls == [1, 2, 3]


def test_the_third_loss_makes_the_job_dead() -> None:
    """B37: poison; its hook is called."""
    counting = Counting()
    jobs, heard = counting.jobs, list[str]()
    jobs.hooks(jobkit.Hooks(on_dead=lambda record, _: heard.append(record.id)))
    for _ in range(3):
        jobs.faults.crash(SendMail, when="before_ack")
    handle = jobs.enqueue(SendMail(1))

    jobs.run_for(3 * LEASE)

    assert counting.calls == [1, 1, 1]
    assert handle.record().losses == 3
    assert jobs.assert_dead(SendMail, 1).one.error.outcome == "lost"  # type: ignore[union-attr]
    assert heard == [handle.id]


def test_a_job_that_may_run_once_only_is_dead_after_a_crash() -> None:
    """B37: `on_lost="dead"`."""
    jobs = jobs_of()
    calls: list[object] = []
    jobs.register(calls.append, job=Once)
    jobs.faults.crash(Once, when="before_ack")
    jobs.enqueue(Once())

    jobs.run_for(LEASE)

    assert len(calls) == 1
    jobs.assert_dead(Once, 1)


def test_a_limited_type_is_held_up_by_the_lease_of_a_dead_worker() -> None:
    """B26: a slot is a lease."""
    jobs = jobs_of(done)
    jobs.faults.crash(Narrow(1), when="before_run")
    jobs.enqueue_many([Narrow(1), Narrow(2)])

    report = jobs.drain()

    assert report.left == {"future": 1, "paused": 0, "limited": 1, "no handler": 0}
    assert jobs.run_for(LEASE).succeeded == 2


def test_the_job_is_taken_over_however_the_clock_is_moved() -> None:
    """B37: somebody in the fleet lives, so there is no holiday."""
    counting = Counting()
    counting.jobs.faults.crash(SendMail, when="before_ack")
    counting.jobs.enqueue(SendMail(1))
    counting.jobs.drain()

    counting.jobs.clock.advance(24 * HOUR)

    assert counting.calls == [1]
    counting.jobs.assert_queued(SendMail, 1)
    assert counting.jobs.drain().succeeded == 2
    assert counting.jobs.assert_performed(SendMail).one.attempts[0].finished_at == START + LEASE


def test_a_longer_lease_takes_longer() -> None:
    counting = Counting()
    counting.jobs.start(lease=2 * HOUR)
    counting.jobs.faults.crash(SendMail, when="before_ack")
    counting.jobs.enqueue(SendMail(1))
    counting.jobs.drain()

    counting.jobs.run_for(2 * HOUR - SECOND)
    assert counting.calls == [1]
    counting.jobs.run_for(SECOND)
    assert counting.calls == [1, 1]


def test_a_crash_may_wait_for_a_later_attempt() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.faults.crash(Flaky, when="before_ack", attempt=2)
    handle = jobs.enqueue(Flaky(1))

    jobs.run_for(10 * SECOND)

    assert [each.outcome for each in handle.record().attempts] == ["failed"]
    assert handle.record().state == "running"
    jobs.run_for(LEASE)
    assert [each.outcome for each in handle.record().attempts] == ["failed", "lost", "succeeded"]
    assert (handle.record().state, handle.record().attempt) == ("succeeded", 2)


def test_a_crash_hits_the_job_with_this_payload() -> None:
    counting = Counting()
    counting.jobs.faults.crash(SendMail(2), when="before_run")
    counting.jobs.enqueue_many([SendMail(1), SendMail(2), SendMail(3)])

    counting.jobs.drain()

    assert counting.calls == [1, 3]


def test_a_running_job_of_a_dead_worker_that_is_cancelled_ends_cancelled() -> None:
    """B44: lost, it is not run again."""
    counting = Counting()
    counting.jobs.faults.crash(SendMail, when="before_ack")
    handle = counting.jobs.enqueue(SendMail(1))
    counting.jobs.drain()

    assert handle.cancel()
    counting.jobs.run_for(LEASE)

    assert counting.calls == [1]
    counting.jobs.assert_cancelled(SendMail, 1)


def test_a_failed_assertion_of_a_handler_escapes_from_a_crash() -> None:
    jobs = jobs_of()

    @jobs.register
    def check(job: SendMail) -> None:
        raise AssertionError("not what the test expects")

    jobs.faults.crash(SendMail, when="before_ack")
    jobs.enqueue(SendMail(1))

    with pytest.raises(AssertionError, match="not what the test expects"):
        jobs.drain()


def test_what_else_a_handler_raises_is_lost_with_its_worker() -> None:
    jobs = jobs_of(fail_at_first)
    jobs.faults.crash(Flaky, when="before_ack")

    assert jobs.perform(Flaky(1)).state == "running"
    assert jobs.perform(Flaky(1), raises=False).state == "retrying"


def test_a_worker_that_dies_takes_the_jobs_with_it_whose_handlers_run_others() -> None:
    jobs = jobs_of(keep)

    @jobs.register
    def outer(job: SendMail) -> None:
        jobs.perform(Audit())

    jobs.faults.crash(Audit, when="before_run")
    handle = jobs.enqueue(SendMail(1))

    jobs.drain()
    assert handle.record().state == "running"
    jobs.run_for(LEASE)

    assert handle.record().state == "succeeded"
    assert handle.record().losses == 1
    jobs.assert_performed(Audit, 2)


def test_async_handlers_crash_as_well() -> None:
    jobs = jobs_of()
    calls: list[int] = []

    @jobs.register
    async def slow(job: Slow) -> None:
        calls.append(1)
        await asyncio.sleep(10)

    jobs.faults.crash(Slow, when="before_ack")
    handle = jobs.enqueue(Slow())

    jobs.run_for(LEASE + 20 * SECOND)

    assert len(calls) == 2
    assert handle.record().losses == 1
    jobs.assert_performed(Slow, 1)


def test_while_a_job_waits_for_its_lease_to_end_a_handler_may_let_time_pass() -> None:
    jobs = jobs_of(done)

    @jobs.register
    async def slow(job: Slow) -> None:
        await asyncio.sleep(25)

    jobs.faults.crash(SendMail, when="before_ack")
    jobs.enqueue(SendMail(1))
    jobs.drain()
    jobs.enqueue(Slow())
    jobs.enqueue(Slow())

    report = jobs.drain()

    assert report.succeeded == 3
    assert report.ran.jobs == (Slow(), Slow(), SendMail(1))
