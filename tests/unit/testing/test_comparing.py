"""`report`: two timelines of the same test, and what it says where they part."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

import jobkit
from jobkit.memory.store import MemoryStore
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Store
from jobkit_testing import TestingJobs, report
from jobkit_testing.places import describe_store, open_store
from jobkit_testing.telling import decode_told, tell
from tests.servers import RedisServer, free_port
from tests.unit.testing.samples import (
    HOUR,
    SECOND,
    START,
    Audit,
    Flaky,
    SendMail,
    Slow,
    done,
    fail_at_first,
    jobs_of,
)


@dataclass(frozen=True)
class Login:
    user: str
    password: str = field(metadata={"sensitive": True})


def _everything(store: Store | None, *, start: timedelta = timedelta(0)) -> TestingJobs:
    """Let happen what can happen; ids and instants stand in payloads, results and messages."""
    jobs = TestingJobs(start=START + start, store=store, handlers=())

    @jobs.register
    async def slow(job: Slow) -> None:
        await asyncio.sleep(job.seconds)

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> str:
        ctx.checkin("half", done=1, total=2)
        ctx.enqueue(Audit(ctx.id), delay=SECOND)
        return ctx.id

    jobs.register(fail_at_first)
    jobs.register(done, job=Audit)
    jobs.schedule(timedelta(minutes=10), Audit("tick"), limit=2)
    jobs.enqueue_many([SendMail(1), Flaky(1), Slow(), SendMail(2)], queue="a", unique=True)
    jobs.enqueue(Audit("cancelled"), queue="b", metadata={"by": "ann"}).cancel()
    jobs.enqueue(Audit("gone"), queue="b", delay=HOUR).delete()
    jobs.run_for(HOUR / 2)
    return jobs


@pytest.mark.parametrize("backend", ["memory", "fakeredis", "redis"])
def test_stores_that_agree_have_no_report(backend: str, redis_server: RedisServer) -> None:
    """B55: every field that a store keeps, in every event."""
    on_memory = _everything(None)

    with open_store(backend, url=redis_server.url, clock=on_memory.clock) as store:
        other = _everything(store)

        assert report(on_memory.timeline, other.timeline) == ""
    assert len(other.timeline.events) > 30


def test_ids_and_instants_are_no_difference() -> None:
    """They stand as the numbers of jobs, also inside of payloads and results, and as `+1s`."""
    one, other = TestingJobs(start=START), TestingJobs(start=START + HOUR, seed=1)
    for jobs in (one, other):

        @jobs.register
        def send(job: SendMail, ctx: jobkit.JobContext) -> str:
            ctx.enqueue(Audit(ctx.id), delay=SECOND)
            return ctx.id

        jobs.perform(SendMail(1), retention=HOUR)

    assert report(one.timeline, other.timeline) == ""


def test_different_starts_are_named_as_a_possible_reason() -> None:
    one, other = _everything(None), _everything(None, start=HOUR)

    told = report(one.timeline, other.timeline)

    assert "Give both one start: @pytest.mark.jobkit(start=" in told


def test_a_report_shows_the_first_difference_with_all_that_a_reader_needs() -> None:
    one, other = jobs_of(done), TestingJobs(start=START, seed=3)
    other.register(done, job=SendMail)
    for jobs, tries in ((one, 2), (other, 3)):
        jobs.enqueue(SendMail(1))
        jobs.enqueue(SendMail(2), max_retries=tries)

    assert _lines(report(one.timeline, other.timeline)) == [
        "memory (a) and memory (b) differ at event 2",
        "",
        "The same test on two stores must give one timeline. Where it takes nothing from the",
        "real clock, from chance or from outside, this is a bug of jobkit: please report it,",
        "with this text.",
        "",
        "```text",
        "both              +0s  #1 enqueued SendMail(user_id=1, locale='en') on 'default'",
        "memory (a)        +0s  #2 enqueued SendMail(user_id=2, locale='en') on 'default'",
        "memory (b)        +0s  #2 enqueued SendMail(user_id=2, locale='en') on 'default'",
        "",
        "job #2 after that",
        "! options",
        '    memory (a)  {"max_retries":2}',
        '    memory (b)  {"max_retries":3}',
        "  queue: default",
        "  type: send-mail",
        "  payload: SendMail(user_id=2, locale='en')",
        "  priority: 0",
        "  run_at: None",
        "  delay: 0",
        "  metadata: none",
        "  retention: None",
        "  unique: None",
        "  schedule: None",
        "",
        "memory (a): start 2030-01-01T00:00:00Z, seed 0, events 2; jobkit *, Python *",
        "memory (b): start 2030-01-01T00:00:00Z, seed 3, events 2; jobkit *, Python *",
        "The two had different seeds: their ids and delays differ for that reason alone.",
        "```",
    ]


def test_one_that_stops_earlier_differs_there() -> None:
    one, other = jobs_of(done), jobs_of(done)
    for jobs in (one, other):
        jobs.enqueue(SendMail(1))
    other.drain()

    told = _lines(report(one.timeline, other.timeline))

    assert told[0] == "memory (a) and memory (b) differ at event 2"
    assert "memory (a)             nothing more happened" in told
    assert {"memory (a): no job", "memory (b): job #1 after that"} <= set(told)
    assert "    memory (a)  (no such field)" in told


def test_secrets_differ_without_being_shown() -> None:
    one, other = jobs_of(), jobs_of()
    one.enqueue(Login("ann", "hunter2"))
    other.enqueue(Login("ann", "swordfish"))

    told = report(one.timeline, other.timeline)

    assert "! bytes of the payload" in told
    assert "hunter2" not in told
    assert "swordfish" not in told


def test_long_texts_are_shown_where_they_differ() -> None:
    one, other = jobs_of(), jobs_of()
    for jobs, end in ((one, "abc"), (other, "abd")):
        jobs.enqueue(SendMail(1), metadata={"text": "x" * 1000 + end})

    told = report(one.timeline, other.timeline)

    assert 'xabc"}' in told
    assert 'xabd"}' in told
    assert max(map(len, told.splitlines())) < 250


def test_a_timeline_travels_as_text() -> None:
    told = tell(_everything(None).timeline)

    assert decode_told(told.encode()) == told


def test_stores_are_named_with_their_versions(redis_server: RedisServer) -> None:
    gone = RedisStore(Connections(address_of(f"redis://127.0.0.1:{free_port()}")))
    real = RedisStore(Connections(address_of(redis_server.url)))

    assert describe_store(gone) == "a Redis that is out of reach"
    version = ".".join(map(str, redis_server.binary.version))
    assert describe_store(real) == f"Redis {version}"
    assert describe_store(MemoryStore()) == "memory"
    assert describe_store(cast(Any, _Mine())) == "_Mine"
    real.close()


class _Mine:
    """Some store of somebody's."""


def _lines(text: str) -> list[str]:
    """Return the lines without versions."""
    return [
        f"{line.partition('; jobkit ')[0]}; jobkit *, Python *" if "; jobkit " in line else line
        for line in text.splitlines()
    ]
