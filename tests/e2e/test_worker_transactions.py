"""Batches that are published together, or not at all."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from jobkit import (
    Dead,
    Discard,
    Enqueuer,
    InvalidJob,
    JobContext,
    Retry,
    Snooze,
    WrongState,
)
from jobkit.worker import WorkingJobs
from tests.e2e.handling import do_nothing, looking
from tests.e2e.jobtypes import SOON, Flaky, Mailed, Ping, Pong
from tests.e2e.waiting import Gate, eventually, heard

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


class Children:
    """Notes which children ran."""

    def __init__(self, jobs: WorkingJobs) -> None:
        self.ran: list[int] = []
        self._lock = threading.Lock()
        jobs.register(self.run, job=Pong)
        jobs.register(self.run_mailed, job=Mailed)

    def run(self, job: Pong) -> None:
        with self._lock:
            self.ran.append(job.n)

    def run_mailed(self, job: Mailed) -> None:
        with self._lock:
            self.ran.append(job.n)


def fail(enqueuer: Enqueuer, kept: list[Enqueuer]) -> None:
    """Enqueue in a transaction that raises."""
    with enqueuer.transaction() as tx:
        tx.enqueue(Pong(2))
        kept.append(tx)
        raise LookupError


def test_a_transaction_publishes_at_its_end(jobs: WorkingJobs) -> None:
    """B40"""
    jobs.register(do_nothing, job=Ping)
    jobs.start()

    with jobs.transaction() as tx:
        first = tx.enqueue(Ping(1))
        rest = tx.enqueue_many([Ping(2), Ping(3)])
        assert first.created is None
        assert not jobs.drain(timeout=MINUTE)

    assert [handle.created for handle in (first, *rest)] == [True] * 3
    assert [handle.wait(MINUTE).state for handle in (first, *rest)] == ["succeeded"] * 3


def test_a_transaction_that_raises_publishes_nothing(jobs: WorkingJobs) -> None:
    """B40"""
    jobs.register(do_nothing, job=Pong)

    kept: list[Enqueuer] = []

    with pytest.raises(LookupError):
        fail(jobs, kept)

    assert not jobs.drain(timeout=MINUTE)
    with pytest.raises(WrongState):
        kept[0].enqueue(Ping())


def test_an_inner_block_that_raises_drops_its_own(jobs: WorkingJobs) -> None:
    """B40"""
    children = Children(jobs)

    with jobs.transaction() as tx:
        tx.enqueue(Pong(1))
        with pytest.raises(LookupError):
            fail(tx, [])
        with tx.transaction() as inner:
            inner.enqueue(Pong(3))
        tx.enqueue(Pong(4))
    jobs.drain(timeout=MINUTE)

    assert sorted(children.ran) == [1, 3, 4]


def test_a_wrong_job_in_a_transaction_is_refused_where_it_stands(jobs: WorkingJobs) -> None:
    """B40"""
    children = Children(jobs)

    with jobs.transaction() as tx:
        tx.enqueue(Pong(1))
        with pytest.raises(InvalidJob):
            tx.enqueue_many([Pong(2), "no job"])  # type: ignore[list-item]
    jobs.drain(timeout=MINUTE)

    assert children.ran == [1]


def test_a_transaction_over_several_queues_is_one_step(jobs: WorkingJobs) -> None:
    """B4, B40"""
    children = Children(jobs)

    with jobs.transaction() as tx:
        tx.enqueue(Pong(1))
        tx.enqueue(Mailed(2))
        tx.enqueue(Mailed(3), delay=SOON)
    jobs.start()

    eventually(lambda: sorted(children.ran) == [1, 2, 3])


@pytest.mark.parametrize("how", ["sync", "async"])
def test_children_are_published_with_the_success(jobs: WorkingJobs, how: str) -> None:
    """B41"""
    children, gate = Children(jobs), Gate()

    def parent(job: Ping, ctx: JobContext) -> None:
        ctx.enqueue(Pong(1))
        ctx.enqueue_many([Pong(2), Mailed(3)])
        with ctx.transaction() as tx:
            tx.enqueue(Pong(4))
        gate.enter()

    async def parent_async(job: Ping, ctx: JobContext) -> None:
        await ctx.aio.enqueue(Pong(1))
        await ctx.aio.enqueue_many([Pong(2), Mailed(3)])
        async with ctx.aio.transaction() as tx:
            await tx.enqueue(Pong(4))
        await asyncio.to_thread(gate.enter)

    jobs.register(parent if how == "sync" else parent_async, job=Ping)
    jobs.start()
    jobs.enqueue(Ping())
    gate.wait_for(1)
    assert children.ran == []
    gate.open()

    eventually(lambda: sorted(children.ran) == [1, 2, 3, 4])


@pytest.mark.parametrize(
    "end",
    [ValueError("no"), Retry(delay=HOUR), Snooze(HOUR), Dead(), Discard()],
    ids=lambda end: type(end).__name__,
)
@pytest.mark.parametrize("how", ["raise", "return"])
def test_children_are_dropped_by_any_other_end(jobs: WorkingJobs, end: Exception, how: str) -> None:
    """B41"""
    children = Children(jobs)

    @jobs.register
    def parent(job: Ping, ctx: JobContext) -> object:
        ctx.enqueue(Pong(1))
        ctx.enqueue(Mailed(2))
        if how == "raise" or isinstance(end, ValueError):
            raise end
        return end

    jobs.enqueue(Ping())
    jobs.drain(timeout=MINUTE)

    assert children.ran == []


def test_the_children_of_a_timeout_are_dropped(jobs: WorkingJobs) -> None:
    """B41"""
    children = Children(jobs)

    @jobs.register
    def parent(job: Ping, ctx: JobContext) -> None:
        ctx.enqueue(Pong(1))
        ctx.cancelled.wait(20)

    jobs.enqueue(Ping(), timeout=timedelta(milliseconds=30), max_timeout_retries=0)
    report = jobs.drain(timeout=MINUTE)

    assert report.dead == 1
    assert children.ran == []


def test_only_the_successful_attempt_publishes(jobs: WorkingJobs) -> None:
    """B41"""
    children = Children(jobs)

    @jobs.register
    def parent(job: Flaky, ctx: JobContext) -> None:
        ctx.enqueue(Pong(ctx.attempt))
        if ctx.attempt < 3:
            raise ValueError

    jobs.start()
    jobs.enqueue(Flaky()).wait(MINUTE)

    eventually(lambda: children.ran)
    jobs.drain(timeout=MINUTE)
    assert children.ran == [3]


def test_the_children_of_an_attempt_that_was_handed_back_are_dropped(jobs: WorkingJobs) -> None:
    """B41, B52"""
    children, started = Children(jobs), threading.Event()
    again = list[int]()

    @jobs.register
    def parent(job: Ping, ctx: JobContext) -> None:
        ctx.enqueue(Pong(len(again)))
        again.append(1)
        started.set()
        if len(again) == 1:
            ctx.cancelled.wait(20)
            raise InterruptedError

    jobs.start()
    jobs.enqueue(Ping())
    heard(started)
    jobs.shutdown(timeout=timedelta(0))
    jobs.drain(timeout=MINUTE)

    assert children.ran == [1]


def test_what_is_enqueued_on_a_context_after_its_end_is_refused(jobs: WorkingJobs) -> None:
    """B41"""
    kept: list[Enqueuer] = []

    @jobs.register
    def keep(job: Ping, ctx: JobContext) -> None:
        kept.append(ctx)
        with ctx.transaction() as tx:
            kept.append(tx)
        raise Discard("fails or not")

    jobs.enqueue(Ping())
    jobs.drain(timeout=MINUTE)

    for ended in kept:
        with pytest.raises(WrongState, match="has ended"):
            ended.enqueue(Ping())
        with pytest.raises(WrongState, match="has ended"):
            ended.enqueue_many([Ping()])


def test_a_thousand_children_are_one_step(jobs: WorkingJobs) -> None:
    """B41"""
    children = Children(jobs)
    jobs.register(looking(lambda ctx: ctx.enqueue_many([Pong(n) for n in range(1000)])), job=Ping)
    jobs.enqueue(Ping())

    assert jobs.drain(timeout=MINUTE).succeeded == 1001
    assert sorted(children.ran) == list(range(1000))
