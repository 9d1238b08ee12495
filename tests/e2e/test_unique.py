"""Unique jobs through every client: memory, Redis and the double, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import jobkit
from jobkit import Duplicate, InvalidOption, JobContext, MemoryJobs, RedisJobs, Unique
from jobkit_testing import TestingJobs
from tests.conftest import SERVERS, RedisServers
from tests.e2e.backends import breaches
from tests.e2e.handling import do_nothing

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@jobkit.job(name="e2e.Import")
@dataclass(frozen=True)
class Import:
    """Unique only where a call says so."""

    user: int
    ratio: float = 1.0
    tags: list[str] = field(default_factory=list[str])
    day: str = ""


def per_user(job: Sync) -> str:
    return f"user-{job.user}"


@jobkit.job(name="e2e.Sync", unique=Unique(key=per_user, until="done"))
@dataclass(frozen=True)
class Sync:
    """Unique by its type's own option."""

    user: int
    note: str = ""


class Client:
    """One face of a backend: its methods, each to its end."""

    def __init__(self, jobs: Any, runner: asyncio.Runner | None) -> None:
        self.jobs = jobs
        self.runner = runner
        self.face: Any = jobs if runner is None else jobs.aio

    def do(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call a method of a face or a handle."""
        result = method(*args, **options)
        return result if self.runner is None else self.runner.run(result)

    def enqueue(self, job: object, **options: Any) -> Any:
        return self.do(self.face.enqueue, job, **options)

    def enqueue_many(self, *jobs: object, **options: Any) -> Any:
        return self.do(self.face.enqueue_many, jobs, **options)

    def in_transaction(self, *jobs: object, into: list[Any] | None = None, **options: Any) -> Any:
        """Enqueue each of these in one transaction, and return the handles."""
        handles: list[Any] = [] if into is None else into
        if self.runner is None:
            with self.face.transaction() as tx:
                handles += [tx.enqueue(job, **options) for job in jobs]
            return handles

        async def run() -> None:
            async with self.face.transaction() as tx:
                handles.extend([await tx.enqueue(job, **options) for job in jobs])

        self.runner.run(run())
        return handles

    def drain(self) -> None:
        """Run everything that is due."""
        if isinstance(self.jobs, TestingJobs):
            self.jobs.drain(raises=False)
        else:
            self.jobs.drain(timeout=MINUTE)

    def record(self, handle: Any) -> Any:
        return self.do(handle.record)


@pytest.fixture(params=["memory", *SERVERS, "testing"])
def backend(
    request: pytest.FixtureRequest, redis_servers: RedisServers, namespace: str
) -> Iterator[Any]:
    """Give each kind of backend; audited at the end."""
    if request.param in ("memory", "testing"):
        jobs: Any = MemoryJobs() if request.param == "memory" else TestingJobs()
    else:
        jobs = RedisJobs(redis_servers(request.param).url, namespace=namespace)
    with jobs:
        yield jobs
        jobs.shutdown(timeout=timedelta(0))
        assert breaches(jobs) == []


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, backend: Any) -> Iterator[Client]:
    """Give both faces of a backend."""
    if request.param == "sync":
        yield Client(backend, None)
        return
    with asyncio.Runner() as runner:
        yield Client(backend, runner)
        runner.run(backend.aio.close())


def test_a_second_enqueue_returns_the_first_ones_handle(client: Client) -> None:
    """B21: equal but for the order of fields, numbers and defaults; another payload is another."""
    first = client.enqueue(Import(1), unique=True)
    second = client.enqueue(Import(user=1, ratio=1, tags=[]), unique=True, delay=HOUR)
    other = client.enqueue(Import(2), unique=True)
    plain = client.enqueue(Import(1))

    handles = (first, second, other, plain)
    assert [handle.created for handle in handles] == [True, False, True, True]
    assert second == first
    assert (second.type, second.queue) == ("e2e.Import", "default")
    assert client.record(second).run_at == client.record(first).run_at
    assert len({*handles}) == 3


def test_a_key_is_free_again_once_its_span_is_over(client: Client) -> None:
    """B22: here by the end of the job."""
    client.jobs.register(do_nothing, job=Import)
    first = client.enqueue(Import(1), unique=Unique(until="done"))
    client.drain()

    second = client.enqueue(Import(1), unique=Unique(until="done"))

    assert client.record(first).state == "succeeded"
    assert second.created
    assert second != first


def number(job: Import) -> str:
    return str(job.user)


def no_text(job: Import) -> Any:
    return job.user


def no_key(_: Import) -> str:
    return ""


def no_field(job: Import) -> str:
    return str(vars(job)["nobody"])


def test_a_key_may_be_given_or_made_of_the_job(client: Client) -> None:
    """B21: it does not mind the payload then."""
    fixed = [client.enqueue(Import(n), unique=Unique(key="the-one")) for n in (1, 2)]
    made = [client.enqueue(Import(1, day=day), unique=Unique(key=number)) for day in ("mon", "tue")]

    assert [handle.created for handle in (*fixed, *made)] == [True, False, True, False]
    keys = [client.record(handle).unique_key for handle in (*fixed, *made)]
    assert keys == ["the-one", "the-one", "1", "1"]


def test_a_type_may_be_unique_and_a_call_may_say_otherwise(client: Client) -> None:
    """B21: call over type."""
    first = client.enqueue(Sync(1, "a"))
    second = client.enqueue(Sync(1, "b"))
    third = client.enqueue(Sync(1, "c"), unique=False)

    assert [first.created, second.created, third.created] == [True, False, True]
    assert client.record(first).unique_key == "user-1"
    assert client.record(third).unique_key is None


def test_on_conflict_raise_raises_duplicate_with_a_handle(client: Client) -> None:
    """B21: nothing of the call is stored."""
    option = Unique(on_conflict="raise", key="k")
    first = client.enqueue(Import(1), unique=option)

    with pytest.raises(Duplicate, match="unique key 'k'") as one:
        client.enqueue(Import(2), unique=option)
    with pytest.raises(Duplicate) as many:
        client.enqueue_many(Sync(3), Import(4), unique=option)

    assert one.value.handle == many.value.handle == first
    assert type(one.value.handle) is type(first)
    assert one.value.handle.created is False
    assert client.record(one.value.handle).payload == Import(1)
    assert client.enqueue(Sync(3), unique=option).created


def test_on_conflict_replace_changes_a_waiting_job(client: Client) -> None:
    """B21: its payload and metadata; its time and priority stay."""
    option = Unique(on_conflict="replace", key="k")
    client.enqueue(Import(1), unique=option, delay=HOUR, priority=-1, metadata={"by": "ann"})

    handle = client.enqueue(Import(2, tags=["new"]), unique=option, metadata={"by": "bob"})

    record = client.record(handle)
    assert handle.created is False
    assert record.payload == Import(2, tags=["new"])
    assert record.metadata == {"by": "bob"}
    assert (record.priority, record.run_at - record.enqueued_at) == (-1, HOUR)


def test_jobs_of_one_call_may_share_a_key(client: Client) -> None:
    """B21, B40: with each other, and with what is there."""
    there = client.enqueue(Import(1), unique=True)

    handles = client.enqueue_many(Import(2), Import(1), Import(3), Import(2), unique=True)

    assert [handle.created for handle in handles] == [True, False, True, False]
    assert (handles[1], handles[3]) == (there, handles[0])


def test_a_transaction_looks_at_keys_when_it_publishes(client: Client) -> None:
    """B40: twice the same key: the second handle leads to the first job."""
    there = client.enqueue(Import(1), unique=True)

    one, two, three = client.in_transaction(Import(2), Import(1), Import(2), unique=True)

    assert (one.created, two.created, three.created) == (True, False, False)
    assert (two, three) == (there, one)
    assert client.record(three).payload == Import(2)


def test_a_transaction_that_meets_a_duplicate_stores_nothing(client: Client) -> None:
    """B21, B40: it raises at the end of the block; its handles lead nowhere."""
    there = client.enqueue(Import(1), unique=True)
    handles: list[Any] = []
    option = Unique(on_conflict="raise")

    with pytest.raises(Duplicate) as caught:
        client.in_transaction(Import(2), Import(1), into=handles, unique=option)

    assert caught.value.handle == there
    assert [handle.created for handle in handles] == [None, None]
    assert client.enqueue(Import(2), unique=True).created


def test_an_ended_job_is_not_retried_while_another_holds_its_key(client: Client) -> None:
    """B22: by its handle and by inspect, now and later; free again, it takes the key."""
    client.jobs.register(do_nothing, job=Sync)
    ended = client.enqueue(Sync(1))
    client.drain()
    holder = client.enqueue(Sync(1), delay=HOUR)
    inspect, later = client.face.inspect, datetime.now(UTC) + 2 * HOUR

    for ask, arguments in (
        (ended.retry, ()),
        (ended.reschedule, (later,)),
        (inspect.retry, (ended.id,)),
        (inspect.reschedule, (ended.id, later)),
    ):
        with pytest.raises(Duplicate, match="'user-1'") as caught:
            client.do(ask, *arguments)
        assert caught.value.handle == holder
        assert client.record(caught.value.handle).state == "scheduled"

    assert client.record(ended).state == "succeeded"
    assert client.do(holder.cancel)
    client.do(ended.retry)
    assert client.enqueue(Sync(1)) == ended


def test_children_are_unique_when_their_parent_succeeds(client: Client) -> None:
    """B41: one that raises on a conflict is refused where it is enqueued."""
    refused: list[str] = []

    def run(job: Sync, ctx: JobContext) -> None:
        for _ in range(2):
            ctx.enqueue(Import(1), unique=True)
        with pytest.raises(InvalidOption, match="on_conflict='raise'") as caught:
            ctx.enqueue(Import(7), unique=Unique(on_conflict="raise"))
        refused.append(str(caught.value))
        with pytest.raises(InvalidOption, match="on_conflict='raise'") as caught:
            ctx.enqueue_many([Import(7)], unique=Unique(on_conflict="raise"))
        refused.append(str(caught.value))

    client.jobs.register(run, job=Sync)
    parent = client.enqueue(Sync(1))
    client.drain()

    assert client.record(parent).state == "succeeded", client.record(parent).error
    assert len(refused) == 2
    assert client.enqueue(Import(1), unique=True).created is False
    assert client.enqueue(Import(7), unique=True).created


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("yes", "give True, False or a Unique"),
        (Unique(key=""), "key= takes"),
        (Unique(key=7), "key= takes"),  # type: ignore[arg-type]
        (Unique(until="start"), "until= takes"),  # type: ignore[arg-type]
        (Unique(on_conflict="ignore"), "on_conflict= takes"),  # type: ignore[arg-type]
        (Unique(ttl=timedelta(0)), "ttl= must be longer than zero; or None"),
        (Unique(ttl=60), "ttl= give a datetime.timedelta"),  # type: ignore[arg-type]
        (Unique(key=no_text), "returned 1: give a str"),
        (Unique(key=no_key), "returned '': give a str"),
        (Unique(key=no_field), "raised KeyError"),
    ],
)
def test_a_wrong_option_is_refused_and_nothing_is_stored(
    client: Client, option: Any, complaint: str
) -> None:
    """B57"""
    with pytest.raises(InvalidOption, match=complaint):
        client.enqueue_many(Import(1), unique=option)

    assert client.enqueue(Import(1), unique=True).created
