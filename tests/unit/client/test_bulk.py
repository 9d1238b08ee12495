"""`jobs.inspect`: retry, delete and prune many jobs (B45)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import jobkit
from jobkit import InvalidOption, JobState, WrongState
from jobkit_testing import TestingJobs

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Charge:
    order: int


@dataclass(frozen=True)
class Refund:
    order: int


class Bank:
    """A backend whose handlers fail until they are told to work."""

    def __init__(self) -> None:
        self.works = False
        self.jobs = TestingJobs(start=datetime(2030, 1, 1, tzinfo=UTC))
        self.jobs.register(self.charge)
        self.jobs.register(self.refund)

    def charge(self, job: Charge) -> None:
        if not self.works:
            raise jobkit.Dead("no bank")

    def refund(self, job: Refund) -> None:
        if not self.works:
            raise jobkit.Dead("no bank")

    def bury(self, number: int, **options: Any) -> None:
        """Let charges and refunds die, one a minute."""
        for order in range(number):
            self.jobs.enqueue(Charge(order), **options)
            self.jobs.enqueue(Refund(order), **options)
            self.jobs.drain(raises=False)
            self.jobs.clock.advance(MINUTE)


def test_all_dead_jobs_are_retried_and_counted() -> None:
    """B45: of a queue, of a type, or all; what dies again is left dead."""
    bank = Bank()
    bank.bury(2)
    bank.bury(1, queue="other")
    retry = bank.jobs.inspect.retry_all_dead

    counts = [retry(queue="other", type=Refund), retry(queue="other", type=Refund)]
    bank.jobs.drain(raises=False)
    bank.works = True
    counts += [retry(type=Charge), retry(), retry()]

    assert counts == [1, 0, 3, 3, 0]
    assert bank.jobs.drain().succeeded == 6


def test_all_dead_jobs_are_deleted_and_counted() -> None:
    """B45, B46"""
    bank = Bank()
    bank.bury(2)
    waiting = bank.jobs.enqueue(Charge(9))

    counts = [
        bank.jobs.inspect.delete_all_dead(type="no.such.type"),
        bank.jobs.inspect.delete_all_dead(type=Charge),
        bank.jobs.inspect.delete_all_dead(),
    ]

    assert counts == [0, 2, 2]
    assert [r.id for r in bank.jobs.inspect.jobs().items] == [waiting.id]


def test_prune_deletes_what_is_old_and_keeps_the_newest() -> None:
    """B45: with both, a job has to be past both."""
    bank = Bank()
    bank.bury(4)
    prune = bank.jobs.inspect.prune

    counts = [
        prune(state="dead", older_than=timedelta(hours=1)),
        prune(state="dead", older_than=3 * MINUTE, keep=7),
        prune(state=JobState.DEAD, older_than=3 * MINUTE, keep=1),
        prune(state="dead", keep=3),
        prune(state="dead", older_than=timedelta(0)),
        prune(state="succeeded", keep=0),
    ]

    assert counts == [0, 1, 3, 1, 3, 0]


def test_a_retention_of_its_own_is_by_age_alone() -> None:
    """B36, B45: `keep` leaves such a job, `older_than` does not."""
    bank = Bank()
    bank.bury(1, retention=timedelta(days=9))

    assert bank.jobs.inspect.prune(state="dead", keep=0) == 0
    assert bank.jobs.inspect.prune(state="dead", older_than=MINUTE) == 2


def test_a_pruned_payload_is_gone_and_the_record_stays() -> None:
    """B45: such a job cannot be retried, by its id or with others."""
    bank = Bank()
    handle = bank.jobs.enqueue(Charge(7), metadata={"user": "7"})
    bank.jobs.drain(raises=False)

    count = bank.jobs.inspect.prune(state="dead", older_than=timedelta(0), payload_only=True)

    record = bank.jobs.inspect.get(handle.id)
    assert count == 1
    assert (record.payload, record.raw, record.metadata) == (None, b"", {"user": "7"})
    assert record.error is not None
    for action in (handle.retry, lambda: handle.reschedule(bank.jobs.clock.now())):
        with pytest.raises(WrongState, match="its payload was pruned"):
            action()
    assert bank.jobs.inspect.retry_all_dead() == 0
    assert handle.delete()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "prune: give older_than=, keep= or both"),
        ({"payload_only": True}, "prune: give older_than=, keep= or both"),
        ({"older_than": -MINUTE}, "prune: older_than=.*not below zero"),
        ({"older_than": 60}, "prune: older_than=60"),
        ({"keep": -1}, "prune: keep=-1"),
        ({"keep": True}, "prune: keep=True"),
        ({"keep": 1, "payload_only": 1}, "prune: payload_only=1"),
        (
            {"keep": 1, "state": "queued"},
            "state='queued': give one that is final: dead, cancelled, suc",
        ),
        ({"keep": 1, "state": "gone"}, "prune: state='gone': give one of"),
    ],
)
def test_what_prune_cannot_mean_is_refused(asked: dict[str, Any], words: str) -> None:
    """B45, B57: and nothing is deleted."""
    bank = Bank()
    bank.bury(1)

    options: dict[str, Any] = {"state": "dead"} | asked
    with pytest.raises(InvalidOption, match=words):
        bank.jobs.inspect.prune(**options)

    assert bank.jobs.inspect.jobs(state="dead").total == 2


def test_bad_queues_and_types_are_refused_by_name() -> None:
    """B45, B57"""
    inspect = Bank().jobs.inspect

    with pytest.raises(InvalidOption, match="retry_all_dead: queue='no queue'"):
        inspect.retry_all_dead(queue="no queue")
    with pytest.raises(InvalidOption, match="delete_all_dead: type='no type'"):
        inspect.delete_all_dead(type="no type")


def test_the_async_twin_does_the_same() -> None:
    """B5, B45"""
    bank = Bank()
    bank.bury(2)
    inspect = bank.jobs.aio.inspect

    async def act() -> list[int]:
        return [
            await inspect.prune(state="dead", keep=3),
            await inspect.delete_all_dead(type=Refund),
            await inspect.retry_all_dead(),
        ]

    assert sum(asyncio.run(act())) == 4
