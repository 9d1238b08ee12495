"""Unique jobs in the double: assertions, `perform`, `inline`, and what the timeline tells."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

import jobkit
from jobkit import Duplicate, JobContext, Unique, WrongState
from tests.unit.testing.samples import HOUR, Audit, SendMail, done, jobs_of


@jobkit.job(unique=Unique(key=lambda job: f"user-{job.user}", until="done"))
@dataclass(frozen=True)
class Sync:
    user: int
    note: str = ""


def do_nothing(job: Sync) -> None:
    """Succeed."""


def test_assertions_match_the_unique_key() -> None:
    """B55: of jobs that wait, have run, or were told so by a call."""
    jobs = jobs_of(done)
    jobs.enqueue(Sync(1))
    jobs.enqueue(SendMail(1), unique=Unique(key="x" * 500))
    jobs.enqueue(SendMail(2))

    jobs.assert_queued(Sync, 1, unique_key="user-1")
    jobs.assert_not_queued(Sync, unique_key="user-2")
    jobs.assert_queued(SendMail(1), 1, unique_key="x" * 500)
    jobs.assert_not_queued(SendMail, unique_key="x" * 499)
    jobs.drain(only=SendMail)
    jobs.assert_performed(SendMail, 1, unique_key="x" * 500)


def test_a_failed_assertion_shows_the_key() -> None:
    """B55"""
    jobs = jobs_of()
    jobs.enqueue(Sync(1))
    jobs.enqueue(Sync(2), unique=False)

    with pytest.raises(AssertionError, match="unique_key: 'user-1', expected 'user-9'"):
        jobs.assert_queued(Sync(1), unique_key="user-9")
    with pytest.raises(AssertionError, match="unique_key: None, expected 'user-2'"):
        jobs.assert_queued(Sync(2), unique_key="user-2")


def test_a_duplicate_is_not_enqueued() -> None:
    """B55: neither for assertions nor for `enqueued_by`."""
    jobs = jobs_of()
    jobs.enqueue(Sync(1))

    with jobs.enqueued_by() as enqueued:
        jobs.enqueue(Sync(1, "again"))
        jobs.enqueue(Sync(2))

    assert enqueued.jobs == (Sync(2),)
    jobs.assert_queued_total(2)


def test_reset_frees_keys() -> None:
    jobs = jobs_of()
    jobs.enqueue(Sync(1))

    jobs.reset()

    assert jobs.enqueue(Sync(1)).created


def test_a_key_ends_with_the_virtual_time() -> None:
    """B22"""
    jobs = jobs_of()
    first = jobs.enqueue(Audit(), unique=Unique(ttl=HOUR))
    jobs.clock.advance(HOUR)

    assert jobs.enqueue(Audit(), unique=True) != first


def test_perform_of_an_equal_duplicate_runs_the_one_that_waits() -> None:
    """B21: as the handle of an enqueue would lead to that one."""
    ran: list[Sync] = []
    jobs = jobs_of()
    jobs.register(ran.append, job=Sync)
    waiting = jobs.enqueue(Sync(1))

    record = jobs.perform(Sync(1))

    assert record.id == waiting.id
    assert ran == [Sync(1)]
    jobs.assert_empty()


def test_perform_that_replaces_runs_the_new_content() -> None:
    """B21"""
    ran: list[Sync] = []
    jobs = jobs_of()
    jobs.register(ran.append, job=Sync)
    jobs.enqueue(Sync(1, "old"))

    jobs.perform(Sync(1, "new"), unique=Unique(key="user-1", on_conflict="replace"))

    assert ran == [Sync(1, "new")]


def test_perform_does_not_run_another_payload_instead() -> None:
    """B21: it says who is in the way, and what to do."""
    jobs = jobs_of()
    jobs.register(do_nothing, job=Sync)
    waiting = jobs.enqueue(Sync(1, "a"))

    with pytest.raises(WrongState, match=rf"{waiting.id} .*'user-1' and has another payload"):
        jobs.perform(Sync(1, "b"))
    with pytest.raises(Duplicate):
        jobs.perform(Sync(1, "b"), unique=Unique(key="user-1", on_conflict="raise"))

    assert jobs.perform(Sync(1, "b"), unique=False).state == "succeeded"
    jobs.assert_queued_total(1)


def test_perform_does_not_run_what_is_to_wait() -> None:
    """B8, B21"""
    jobs = jobs_of()
    jobs.register(do_nothing, job=Sync)
    jobs.enqueue(Sync(1), delay=HOUR)

    with pytest.raises(WrongState, match="and waits until 2030-01-01T01:00:00"):
        jobs.perform(Sync(1))

    jobs.assert_queued_total(1)


def test_perform_inside_of_the_job_that_holds_the_key() -> None:
    """B21: it runs already."""
    found: list[str] = []
    jobs = jobs_of()

    def run(job: Sync) -> None:
        with pytest.raises(WrongState) as caught:
            jobs.perform(job)
        found.append(str(caught.value))

    jobs.register(run, job=Sync)
    jobs.enqueue(Sync(1))
    jobs.drain()

    assert len(found) == 1
    assert "and is running" in found[0]


def test_inline_runs_a_key_once_at_a_time() -> None:
    """B21: the first is done when the second is enqueued; and a duplicate runs nothing."""
    ran: list[Sync] = []
    jobs = jobs_of()
    jobs.register(ran.append, job=Sync)
    jobs.enqueue(Sync(3), delay=HOUR)

    with jobs.inline():
        jobs.enqueue(Sync(1))
        jobs.enqueue(Sync(1))
        jobs.enqueue(Sync(3))

    assert ran == [Sync(1), Sync(1)]


def test_the_timeline_tells_of_stored_children_only() -> None:
    """B41, B55"""
    jobs = jobs_of()

    def run(job: Audit, ctx: JobContext) -> None:
        ctx.enqueue(Sync(1, job.what))
        ctx.enqueue(Sync(2, job.what))

    jobs.register(run, job=Audit)
    jobs.enqueue(Sync(1))
    jobs.enqueue(Audit("a"))

    with jobs.enqueued_by(Sync) as enqueued:
        jobs.drain(only=Audit)

    assert enqueued.jobs == (Sync(2, "a"),)


def test_a_tick_of_a_unique_type_holds_no_key() -> None:
    """B16, B21: each tick makes exactly one job; `overlap="skip"` is for schedules."""
    jobs = jobs_of()
    held = jobs.enqueue(Sync(1), delay=10 * HOUR)
    jobs.schedule(HOUR, Sync(1))

    jobs.run_for(2 * HOUR)

    ticks = [record for record in jobs.queued(Sync) if record.id != held.id]
    assert len(ticks) == 2
    assert [record.unique_key for record in ticks] == [None, None]
