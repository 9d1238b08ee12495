"""TestingJobs over a store that the test gives: one in memory, and a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, IntEnum
from typing import Any

import pytest

import jobkit
from jobkit.memory.store import MemoryStore
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Store
from jobkit_testing.workshop import WORKER
from tests.servers import RedisServer
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    Audit,
    Flaky,
    SendMail,
    Slow,
    done,
    fail_at_first,
    jobs_of,
    untyped,
)


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, namespace: str) -> Iterator[Store]:
    """Give a fresh store, and close and audit it at the end."""
    if request.param == "memory":
        yield MemoryStore()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    store = RedisStore(Connections(address_of(server.url)), namespace=f"double-{namespace}")
    yield store
    store.close()


def _story(store: Store | None) -> str:
    jobs = jobs_of(fail_at_first, store=store)

    @jobs.register
    async def slow(job: Slow) -> None:
        await asyncio.sleep(job.seconds)

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> int:
        ctx.enqueue(Audit(str(job.user_id)), delay=SECOND)
        return job.user_id

    jobs.register(done, job=Audit)
    jobs.enqueue_many([SendMail(1), Flaky(9), Slow(), SendMail(2)], queue="a")
    jobs.enqueue(SendMail(3), queue="b", delay=HOUR)
    jobs.enqueue(Audit("cancelled"), queue="b").cancel()
    report = jobs.run_for(HOUR / 2)
    return "\n".join(
        [
            jobs.timeline.story(),
            repr(jobs.queued().records),
            repr([jobs.assert_dead(kind).records for kind in (Flaky, Slow)]),
            repr(jobs.assert_performed(SendMail).records),
            repr(jobs.assert_cancelled(Audit).records),
            repr(report),
        ]
    )


def test_every_store_tells_the_same_story(store: Store) -> None:
    """B55: byte for byte what the default store tells."""
    assert _story(store) == _story(None)


def _story_of_faults(store: Store | None) -> str:
    jobs = jobs_of(fail_at_first, done, store=store)
    jobs.faults.crash(Flaky, when="before_ack", attempt=2)
    jobs.faults.crash(SendMail(1), when="before_run")
    jobs.faults.crash(SendMail(2), when="after_ack")
    jobs.faults.duplicate(SendMail(3), copies=3)
    jobs.faults.lose_lease(SendMail(4))
    for _ in range(3):
        jobs.faults.crash(Audit, when="before_run")
    jobs.enqueue_many([Flaky(1), *map(SendMail, range(1, 5)), Audit()])
    jobs.faults.enqueue(jobkit.BackendUnavailable, stored=True)
    with pytest.raises(jobkit.BackendUnavailable):
        jobs.enqueue(SendMail(5))
    report = jobs.run_for(3 * MINUTE)
    assert jobs.faults.pending == ()
    jobs.faults.skew(MINUTE)
    jobs.enqueue(SendMail(6), delay=MINUTE)
    jobs.run_for(MINUTE)
    return "\n".join(
        [
            jobs.timeline.story(),
            repr(jobs.assert_performed(SendMail, 6).records),
            repr(jobs.assert_performed(Flaky, 1).records),
            repr(jobs.assert_dead(Audit, 1).records),
            repr(report),
        ]
    )


def test_faults_are_the_same_on_every_store(store: Store) -> None:
    """B37, B38, B55: what crashes, gets lost or is delivered twice ends the same way."""
    assert _story_of_faults(store) == _story_of_faults(None)
    assert store.audit("default") == []


def test_a_job_is_delivered_again_on_every_store(store: Store) -> None:
    """B37: with the same id, and nothing is left of it."""
    jobs, calls, mails = jobs_of(store=store), list[str](), set[str]()

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        calls.append(ctx.id)
        mails.add(ctx.id)
        ctx.enqueue(Audit())

    jobs.assert_idempotent(SendMail(1), observe=lambda: mails)

    assert len(calls) >= 8
    assert len(mails) == 1
    jobs.assert_queued_exactly(Audit)
    assert store.audit("default") == []


def test_its_invariants_hold_afterwards(store: Store) -> None:
    _story(store)

    assert [breach for queue in ("a", "b") for breach in store.audit(queue)] == []


def test_two_of_them_may_share_a_store(store: Store) -> None:
    producer, consumer = jobs_of(store=store, seed=1), jobs_of(done, store=store, seed=2)

    producer.enqueue(SendMail(1))
    consumer.assert_queued(SendMail(1), 1)
    assert consumer.drain().succeeded == 1
    producer.enqueue(SendMail(2))
    assert consumer.drain().succeeded == 1

    producer.assert_empty()
    producer.assert_performed(SendMail, 2)


def test_two_workers_of_a_store_take_turns(store: Store) -> None:
    one, other = jobs_of(done, store=store, seed=1), jobs_of(done, store=store, seed=2)
    one.enqueue_many([SendMail(n) for n in range(4)])

    ran = [jobs.run_next() for jobs in (one, other, one, other)]

    assert [record and record.state for record in ran] == ["succeeded"] * 4


def test_reset_empties_the_store(store: Store) -> None:
    jobs = jobs_of(done, store=store)
    jobs.perform(SendMail(1))
    jobs.enqueue(SendMail(2), delay=HOUR)

    jobs.reset()

    jobs.assert_empty()
    jobs.assert_performed(SendMail, 0)


def test_a_given_store_is_left_open() -> None:
    store = _Closable()

    with jobs_of(store=store) as jobs:
        jobs.enqueue(SendMail(1))

    assert not store.is_closed


class _Queues(str, Enum):  # noqa: UP042  # StrEnum has the value in f-strings, this has not
    MAIL = "mail"


class _Priorities(IntEnum):
    LOW = 9


def test_names_and_numbers_may_be_members_of_enums(store: Store) -> None:
    """B57: stored as what they are, so that every worker finds the job."""
    jobs = jobs_of(done, store=store)
    handle = jobs.enqueue(SendMail(1), queue=_Queues.MAIL, priority=_Priorities.LOW)
    handle.set_priority(_Priorities.LOW)
    jobs.enqueue(SendMail(2), queue="mail")

    found = jobs.inspect.get(handle.id)
    by_text = jobs.drain(queue="mail", only=SendMail)
    jobs.enqueue(SendMail(3), queue="mail")
    by_enum = jobs.drain(queue=_Queues.MAIL)
    jobs.enqueue(SendMail(4), queue="mail")
    jobs.start(queues={_Queues.MAIL: 1})
    started = jobs.drain()

    assert (f"{found.queue}", found.priority) == ("mail", 9)
    assert [report.succeeded for report in (by_text, by_enum, started)] == [2, 1, 1]


def test_between_runs_there_is_no_worker() -> None:
    store = MemoryStore()
    jobs = jobs_of(done, store=store)

    jobs.perform(SendMail(1))

    assert WORKER not in untyped(store)._queues["default"].crew.workers


def test_a_job_that_a_dead_worker_held_is_taken_over_and_counted_as_lost(store: Store) -> None:
    """B37"""
    crashed, alive = jobs_of(store=store, seed=1), jobs_of(done, store=store, seed=2)

    @crashed.register
    def crash(job: SendMail) -> None:
        # As if the process had died here: nobody renews its lease, and it never settles.
        for _ in range(4):
            alive.clock.advance(10 * SECOND)
            alive.run_next()

    crashed.perform(SendMail(1))

    record = alive.assert_performed(SendMail, 1).one
    assert (record.losses, record.starts) == (1, 2)
    assert record.finished_at is not None
    assert record.finished_at - START <= timedelta(seconds=35 + 5)
    assert "lost" in str(crashed.timeline)


class _Closable(MemoryStore):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def test_two_doubles_over_one_store_keep_all_their_jobs(store: Store) -> None:
    """B6, B58: also with one seed and one start; none takes the other's jobs for copies."""
    one, other = (jobs_of(store=store) for _ in range(2))

    handles = [one.enqueue(SendMail(1)), other.enqueue(SendMail(2))]

    assert handles[0].id != handles[1].id
    one.assert_queued_total(2)


def test_a_double_over_the_own_store_of_another_keeps_its_jobs() -> None:
    """B6: none takes the other's jobs for copies, whoever brought the store."""
    one = jobs_of()
    other = jobs_of(store=one.store)

    handles = [one.enqueue(SendMail(1)), other.enqueue(SendMail(2))]

    assert handles[0].id != handles[1].id
    assert all(handle.created for handle in handles)
    one.assert_queued_total(2)
    other.assert_queued_total(2)


def test_the_worker_of_one_double_loses_no_leases_of_another(store: Store) -> None:
    """B37: what another double at the same store runs meanwhile is another worker's."""
    one, other = (jobs_of(store=store) for _ in range(2))
    other.register(done, job=SendMail)

    @one.register
    def run_the_other(job: Audit) -> None:
        other.faults.lose_lease(SendMail)
        other.perform(SendMail(1))

    record = one.perform(Audit("x"))

    assert (record.state, record.losses) == (jobkit.JobState.SUCCEEDED, 0)


def test_a_store_may_be_of_any_class() -> None:
    """B6: also one that has no hash, or of whose end nobody can hear."""

    @dataclass
    class Unhashable(MemoryStore):
        path: str = ""

        def __post_init__(self) -> None:
            super().__init__()

    class Slotted:
        __slots__ = ("_store",)

        def __init__(self) -> None:
            self._store = MemoryStore()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

    for store in (Unhashable(), untyped(Slotted())):
        one, other = (jobs_of(store=store) for _ in range(2))
        assert one.enqueue(SendMail(1)).id != other.enqueue(SendMail(1)).id
        other.assert_queued_total(2)


def test_a_store_is_not_kept_by_those_who_count_its_doubles() -> None:
    """B56: a later one at the same address begins at the first ids again."""
    ids: set[str] = set()

    for _ in range(20):
        ids.add(jobs_of(store=MemoryStore()).enqueue(SendMail(1)).id)

    assert len(ids) == 1
