"""The getters."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

import jobkit
from jobkit.report import Matches
from jobkit.store import NewJob, Push
from tests.unit.testing.samples import (
    HOUR,
    Audit,
    Flaky,
    SendMail,
    done,
    fail_at_first,
    jobs_of,
)


@jobkit.job(name="resize", aliases=["resize-image"])
@dataclass(frozen=True)
class _Resize:
    path: str


def test_queued_lists_what_waits_in_the_order_of_enqueueing() -> None:
    jobs = jobs_of()
    jobs.enqueue(SendMail(1), queue="z", priority=5)
    jobs.enqueue(Audit(), queue="a", delay=HOUR)
    jobs.clock.travel_to(jobs.clock.now() - HOUR)
    jobs.enqueue(SendMail(2), queue="a")

    assert jobs.queued().jobs == (SendMail(1), Audit(), SendMail(2))
    assert jobs.queued(SendMail).jobs == (SendMail(1), SendMail(2))
    assert jobs.queued(SendMail(2)).one.queue == "a"
    assert jobs.queued(SendMail(3)).records == ()


def test_matches_are_a_sequence_of_records() -> None:
    jobs = jobs_of()
    first, second = jobs.enqueue_many([SendMail(1), SendMail(2)])

    found = jobs.queued(SendMail)

    assert isinstance(found, Matches)
    assert found.ids == (first.id, second.id)
    assert [record.payload for record in found] == [SendMail(1), SendMail(2)]
    assert found[1].id == second.id
    assert found.where(lambda mail: mail.user_id == 2).one.id == second.id
    assert len(found[:1]) == 1
    with pytest.raises(AssertionError, match="exactly one job was expected"):
        _ = found.one


def test_get_first_gives_a_payload_and_takes_nothing() -> None:
    jobs = jobs_of()
    jobs.enqueue(Audit(), priority=9)
    jobs.enqueue(SendMail(1))
    jobs.enqueue(SendMail(2))

    assert jobs.get_first() == Audit()
    assert jobs.get_first_of(SendMail).user_id == 1
    assert jobs.get_first_of(SendMail).user_id == 1
    jobs.assert_queued_total(3)


def test_get_first_fails_if_nothing_waits() -> None:
    with pytest.raises(AssertionError, match="no job waits"):
        jobs_of().get_first()


def test_what_cannot_be_decoded_here_is_found_by_type_and_shown_raw() -> None:
    """B3"""
    jobs = jobs_of()
    _push(jobs, b'{"user_id":"seven"}')

    assert jobs.queued(SendMail).one.payload is None
    assert jobs.assert_queued(SendMail, 1).one.raw == b'{"user_id":"seven"}'
    with pytest.raises(AssertionError, match="seven"):
        jobs.get_first_of(SendMail)
    with pytest.raises(AssertionError, match="payload: does not decode"):
        jobs.assert_queued(SendMail(7))


def test_a_job_enqueued_under_an_old_name_is_of_the_type() -> None:
    """B1"""
    jobs = jobs_of()
    _push(jobs, b'{"path":"a.png"}', type="resize-image")

    assert jobs.queued(_Resize).one.payload == _Resize("a.png")


def test_enqueued_by_has_what_the_block_enqueued_alone() -> None:
    jobs = jobs_of(fail_at_first, _sign_up)
    jobs.enqueue(Flaky())
    jobs.enqueue(SendMail(1))

    with jobs.enqueued_by() as found:
        jobs.drain(raises=False)
        jobs.enqueue(SendMail(2))
    jobs.enqueue(SendMail(3))

    assert found.jobs == (Audit("signed up"), SendMail(2))


def test_enqueued_by_can_be_asked_inside_of_the_block_and_stays_after_it() -> None:
    jobs = jobs_of(done)

    with jobs.enqueued_by(SendMail) as found:
        assert not found
        jobs.enqueue(SendMail(1))
        jobs.enqueue(Audit())
        assert found.one.state == "queued"
        jobs.drain(only=SendMail)
    jobs.reset()

    assert found.one.payload == SendMail(1)
    assert found.one.state == "succeeded"


def test_enqueued_by_takes_an_instance_too() -> None:
    jobs = jobs_of()

    with jobs.enqueued_by(SendMail(2)) as found:
        jobs.enqueue_many([SendMail(1), SendMail(2)])

    assert found.one.payload == SendMail(2)


def test_enqueued_by_knows_jobs_that_are_gone() -> None:
    jobs = jobs_of()

    with jobs.enqueued_by() as found:
        jobs.enqueue(SendMail(1), delay=HOUR).delete()

    assert found.one.payload == SendMail(1)
    assert found.one.state == "scheduled"


def test_blocks_of_enqueued_by_may_be_nested() -> None:
    jobs = jobs_of()

    with jobs.enqueued_by() as outer:
        jobs.enqueue(SendMail(1))
        with jobs.enqueued_by() as inner:
            jobs.enqueue(SendMail(2))
        jobs.enqueue(SendMail(3))

    assert [mail.user_id for mail in outer.jobs] == [1, 2, 3]
    assert [mail.user_id for mail in inner.jobs] == [2]


def test_enqueued_by_survives_an_exception_of_the_block() -> None:
    jobs = jobs_of()

    seen: list[Matches[Any]] = []
    with suppress(ValueError), jobs.enqueued_by() as found:
        seen.append(found)
        jobs.enqueue(SendMail(1))
        raise ValueError

    assert seen[0].jobs == (SendMail(1),)


def _push(jobs: Any, payload: bytes, type: str = "send-mail") -> None:
    new = NewJob(id="01J0000000000000000000000A", queue="default", type=type, payload=payload)
    jobs._store.run(Push(jobs=(new,), channel="other", request=1), now=0)


def _sign_up(job: SendMail, ctx: jobkit.JobContext) -> None:
    ctx.enqueue(Audit("signed up"))
