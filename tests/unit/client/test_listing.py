"""`jobs.inspect.jobs`: lists of jobs over states, queues and types (B47)."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

import jobkit
from jobkit import InvalidOption, JobState
from jobkit_testing import TestingJobs

MINUTE = timedelta(minutes=1)


@jobkit.job(name="list.Charge", aliases=["list.Pay"])
@dataclass(frozen=True)
class Charge:
    order: int


@jobkit.job(name="list.Pay2")
@dataclass(frozen=True)
class Mail:
    to: int


def a_shop() -> TestingJobs:
    """Give a backend with jobs in five states of two queues: 16 charges and 4 mails."""
    jobs = TestingJobs(start=datetime(2030, 1, 1, tzinfo=UTC))

    @jobs.register
    def charge(job: Charge) -> None:
        if job.order >= 8:
            raise jobkit.Dead("no such order")

    for queue in ("fast", "slow"):
        for order in (1, 2, 8, 9):
            jobs.enqueue(Charge(order), queue=queue)
            jobs.drain()
            jobs.clock.advance(MINUTE)
        jobs.enqueue(Charge(3), queue=queue, delay=MINUTE)
        jobs.enqueue(Charge(4), queue=queue, delay=2 * MINUTE)
        jobs.enqueue(Charge(5), queue=queue).cancel()
        jobs.enqueue(Charge(6), queue=queue)
        jobs.enqueue(Mail(7), queue=queue)
        jobs.enqueue(Mail(8), queue=queue)
    return jobs


def order_of(record: jobkit.JobRecord[Any]) -> tuple[str, int]:
    """Return which charge this is."""
    assert isinstance(record.payload, Charge)
    return record.queue, record.payload.order


def pages(jobs: TestingJobs, **asked: Any) -> list[jobkit.Page[jobkit.JobRecord[Any]]]:
    """Read a list to its end."""
    found = [jobs.inspect.jobs(**asked)]
    while (cursor := found[-1].cursor) is not None:
        found.append(jobs.inspect.jobs(**asked, cursor=cursor))
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20, 1000])
def test_a_list_of_everything_shows_each_job_once(limit: int) -> None:
    """B47: what runs or waits first, then what has ended, newest first; in one order."""
    jobs = a_shop()

    found = pages(jobs, limit=limit)

    items = [record for page in found for record in page.items]
    assert {page.total for page in found} == {20}
    assert all(len(page.items) == limit for page in found[:-1])
    assert len({record.id for record in items}) == len(items) == 20
    assert [record.id for record in items] == [record.id for record in pages(jobs)[0].items]
    states = list(dict.fromkeys(record.state.value for record in items))
    assert states == ["queued", "scheduled", "dead", "cancelled", "succeeded"]
    dead = [order_of(r) for r in items if r.state is JobState.DEAD]
    assert dead == [("fast", 9), ("fast", 8), ("slow", 9), ("slow", 8)]


def test_a_list_is_of_a_state_a_queue_and_a_type() -> None:
    """B47: with the total of what was asked for."""
    jobs = a_shop()

    totals = {
        "dead": jobs.inspect.jobs(state="dead").total,
        "slow": jobs.inspect.jobs(queue="slow").total,
        "charges": jobs.inspect.jobs(type=Charge).total,
        "charges by name": jobs.inspect.jobs(type="list.Charge", state=JobState.QUEUED).total,
        "mails": jobs.inspect.jobs(type=Mail, queue="fast").total,
        "of no type": jobs.inspect.jobs(type="no.such", queue="fast").total,
        "of no queue": jobs.inspect.jobs(queue="none").total,
    }

    assert totals == {
        "dead": 4,
        "slow": 10,
        "charges": 16,
        "charges by name": 1,
        "mails": 2,
        "of no type": 0,
        "of no queue": 0,
    }
    assert {r.type for r in jobs.inspect.jobs(type=Mail).items} == {"list.Pay2"}


def test_a_class_stands_for_its_aliases_and_a_name_for_itself() -> None:
    """B1, B47: what was stored under an old name is found by the class."""
    jobs = TestingJobs()

    @jobkit.job(name="list.Pay")
    @dataclass(frozen=True)
    class Pay:
        order: int

    jobs.enqueue(Pay(1))
    jobs.enqueue(Charge(2))

    assert jobs.inspect.jobs(type=Charge).total == 2
    assert jobs.inspect.jobs(type="list.Charge").total == 1
    assert jobs.inspect.jobs(type="list.Pay").total == 1


def test_a_list_goes_on_while_jobs_come_and_go() -> None:
    """B47: what stays is shown once."""
    jobs = a_shop()
    first = jobs.inspect.jobs(state="dead", limit=2)

    for record in first.items:
        jobs.inspect.delete(record.id)
    jobs.enqueue(Charge(10), queue="fast")
    jobs.drain()
    second = jobs.inspect.jobs(state="dead", limit=2, cursor=first.cursor)

    assert [order_of(r) for r in second.items] == [("slow", 9), ("slow", 8)]
    assert (second.total, second.cursor) == (3, None)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"state": "lost"}, "jobs: state='lost': give one of running, queued"),
        ({"queue": "no queue"}, "jobs: queue='no queue': "),
        ({"type": "no type"}, "jobs: type='no type': "),
        ({"type": int}, "jobs: type=<class 'int'>: .*not a dataclass"),
        ({"limit": 0}, "jobs: limit=0: give an int from 1 to 1000"),
        ({"limit": 1001}, "limit=1001"),
        ({"limit": True}, "limit=True"),
        ({"cursor": ""}, "jobs: cursor='' is none of a list of jobs"),
        ({"cursor": "é!"}, "is none of a list"),
        ({"cursor": "aGVsbG8"}, "is none of a list"),
        ({"cursor": 7}, "cursor=7 is none of a list"),
    ],
)
def test_what_is_asked_wrongly_is_refused_by_name(asked: dict[str, Any], words: str) -> None:
    """B47, B57"""
    with pytest.raises(InvalidOption, match=words):
        a_shop().inspect.jobs(**asked)


def test_a_cursor_fits_the_list_that_gave_it() -> None:
    """B47: no page of another list is shown instead."""
    jobs = a_shop()
    cursor = jobs.inspect.jobs(state="dead", limit=1).cursor
    assert cursor is not None

    others: list[dict[str, Any]] = [{}, {"state": "queued"}, {"state": "dead", "queue": "slow"}]
    for other in others:
        with pytest.raises(InvalidOption, match="is of a list of another state, queue or type"):
            jobs.inspect.jobs(cursor=cursor, **other)


def test_a_cursor_that_was_tampered_with_is_refused() -> None:
    """B47: whatever it says."""
    jobs = a_shop()
    cursor = jobs.inspect.jobs(limit=1).cursor
    assert cursor is not None

    words: list[Any] = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    changes: list[dict[int, Any]] = [
        {1: "lost"},
        {2: "no queue"},
        {1: "dead", 3: "queued"},
        {3: "no type"},
        {4: 2**60},
        {4: "1"},
        {5: "x" * 1000},
        {5: "é"},
    ]

    for change in changes:
        bent = [change.get(place, word) for place, word in enumerate(words)]
        text = urlsafe_b64encode(msgspec.json.encode(bent)).decode().rstrip("=")
        with pytest.raises(InvalidOption, match="is none of a list"):
            jobs.inspect.jobs(cursor=text)


def test_the_async_twin_lists_the_same() -> None:
    """B5, B47"""
    jobs = a_shop()

    async def listed() -> list[jobkit.Page[jobkit.JobRecord[Any]]]:
        first = await jobs.aio.inspect.jobs(limit=12)
        return [first, await jobs.aio.inspect.jobs(limit=12, cursor=first.cursor)]

    assert asyncio.run(listed()) == pages(jobs, limit=12)
