"""B27 in a test: what is paused stays, and the report says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

import jobkit
from jobkit.store import Queues
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import MINUTE, Audit, SendMail, done, jobs_of


@jobkit.job(name="mail.New", aliases=["mail.Old"])
@dataclass(frozen=True)
class Renamed:
    """Had another name."""


def test_a_paused_queue_keeps_its_jobs_and_the_report_says_so() -> None:
    """B27, B53"""
    jobs = jobs_of(done)
    jobs.enqueue(SendMail(1), queue="mail")
    jobs.enqueue(SendMail(2))
    jobs.inspect.pause(queue="mail")

    paused = jobs.drain()
    jobs.inspect.resume(queue="mail")
    resumed = jobs.drain()

    assert [mail.user_id for mail in paused.ran.jobs] == [2]
    assert dict(paused.left) == {"future": 0, "paused": 1, "limited": 0, "no handler": 0}
    assert [mail.user_id for mail in resumed.ran.jobs] == [1]
    assert resumed.left["paused"] == 0


@pytest.mark.parametrize("kind", [SendMail, "send-mail"])
def test_a_type_is_paused_by_class_or_name_also_in_queues_to_come(kind: str | type) -> None:
    """B27: over all queues."""
    jobs = jobs_of(done)
    jobs.inspect.pause(type=kind)

    jobs.enqueue(SendMail(1), queue="new")
    jobs.enqueue(SendMail(2))
    report = jobs.drain()

    assert not report
    assert report.left["paused"] == 2
    assert jobs.inspect.is_paused(type=kind)
    jobs.inspect.resume(type=SendMail)
    assert jobs.drain().succeeded == 2
    assert not jobs.inspect.is_paused(type=kind)


def test_the_three_flags_are_independent() -> None:
    """B27: `is_paused` tells of one flag alone."""
    inspect = jobs_of(done).inspect
    flags: list[dict[str, str]] = [
        {"queue": "mail"},
        {"type": "send-mail"},
        {"queue": "mail", "type": "send-mail"},
    ]
    for flag in flags:
        inspect.pause(**flag)

        assert [inspect.is_paused(**each) for each in flags] == [each == flag for each in flags]
        inspect.resume(**flag)
    assert not any(inspect.is_paused(**each) for each in flags)


def test_perform_refuses_what_is_paused() -> None:
    """B27: past others, but not past a pause; nothing is stored."""
    jobs = jobs_of(done)
    jobs.inspect.pause(queue="mail")
    jobs.inspect.pause(type=SendMail)

    with pytest.raises(jobkit.WrongState, match=r"send-mail is paused.*not stored"):
        jobs.perform(SendMail(1))
    jobs.inspect.resume(type=SendMail)
    with pytest.raises(jobkit.WrongState, match="queue 'mail' is paused"):
        jobs.perform(SendMail(1), queue="mail")

    jobs.assert_empty()
    assert jobs.perform(SendMail(1)).state == "succeeded"


def test_run_next_inline_and_time_pass_over_what_is_paused() -> None:
    """B27: however jobs are run."""
    jobs = jobs_of(done)
    jobs.inspect.pause(type=SendMail)

    with jobs.inline():
        jobs.enqueue(SendMail(1))
        jobs.enqueue(Audit("a"))
    jobs.enqueue(SendMail(2), delay=MINUTE)
    passed = jobs.run_for(2 * MINUTE)
    following = jobs.run_next()

    jobs.assert_performed(Audit, 1)
    jobs.assert_queued(SendMail, 2)
    assert (passed.left["paused"], passed.left["future"]) == (2, 0)
    assert following is None


def test_neither_queue_nor_type_is_refused() -> None:
    """B27, B57"""
    inspect = jobs_of(done).inspect

    for act in (inspect.pause, inspect.resume, inspect.is_paused):
        with pytest.raises(jobkit.InvalidOption, match="give queue=, type= or both"):
            act()
        with pytest.raises(jobkit.InvalidOption, match="queue='a b'"):
            act(queue="a b")
        with pytest.raises(jobkit.InvalidOption, match="type='a b'"):
            act(type="a b")
        with pytest.raises(jobkit.InvalidOption, match="int is not a dataclass"):
            act(type=int)


def test_an_alias_stands_for_its_type() -> None:
    """B1, B27: they share the pause."""
    jobs = TestingJobs()
    ran: list[Renamed] = []
    jobs.register(ran.append, job=Renamed)
    jobs.enqueue(Renamed())

    jobs.inspect.pause(type="mail.Old")

    assert jobs.inspect.is_paused(type=Renamed)
    assert not jobs.drain()
    jobs.inspect.resume(type="mail.New")
    assert not jobs.inspect.is_paused(type="mail.Old")
    assert jobs.drain().succeeded == 1
    assert ran == [Renamed()]


def test_reset_forgets_pauses() -> None:
    """B55"""
    jobs = jobs_of(done)
    jobs.inspect.pause(queue="mail")
    jobs.inspect.pause(queue="mail", type=SendMail)
    jobs.inspect.pause(type=SendMail)

    jobs.reset()

    jobs.enqueue(SendMail(1), queue="mail")
    assert jobs.drain().succeeded == 1


def test_reset_forgets_pauses_where_no_queue_was_used() -> None:
    """B55"""
    jobs = TestingJobs()
    jobs.inspect.pause(type="send-mail")

    jobs.reset()

    assert not jobs.inspect.is_paused(type="send-mail")


def test_looking_brings_no_queue_into_being() -> None:
    """B42: reads never write."""
    jobs = TestingJobs()

    assert not jobs.inspect.is_paused(queue="mail")
    assert not jobs.inspect.is_paused(queue="mail", type="send-mail")

    assert jobs._sender(Queues()) == ()  # pyright: ignore[reportPrivateUsage]  # for the store


def test_the_async_twin_pauses_too() -> None:
    """B5, B27"""
    jobs = jobs_of(done)

    async def scenario() -> tuple[bool, bool, int, int]:
        inspect = jobs.aio.inspect
        await jobs.aio.enqueue(SendMail(1))
        await inspect.pause(type=SendMail)
        before = await inspect.is_paused(type=SendMail)
        kept = (await jobs.aio.drain()).left["paused"]
        await inspect.resume(type=SendMail)
        after = await inspect.is_paused(type=SendMail)
        return before, after, kept, (await jobs.aio.drain()).succeeded

    assert asyncio.run(scenario()) == (True, False, 1, 1)
