"""`explore`: workers interleaved by a seed, and what a scenario may be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

import jobkit
from jobkit.memory.store import MemoryStore
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    SECOND,
    START,
    Audit,
    Narrow,
    SendMail,
    Slow,
    done,
    jobs_of,
    untyped,
)
from tests.unit.testing.scenarios import SEEDS, nothing, told_of


def test_a_handler_that_takes_its_time_keeps_its_lease() -> None:
    """B37: without any fault, nobody loses anything."""

    def scenario(jobs: TestingJobs) -> None:
        @jobs.register
        async def slow(job: Slow) -> None:
            await asyncio.sleep(25)

        jobs.register(done, job=SendMail)
        jobs.start(lease=10 * SECOND)
        jobs.enqueue_many([Slow(), Slow(), SendMail(1)])
        jobs.enqueue(SendMail(2), delay=12 * SECOND)
        jobs.run_for(MINUTE)
        told = str(jobs.timeline)
        assert "lost" not in told or "fault:" in told
        if "fault:" not in told:
            assert jobs.assert_performed(SendMail(2)).one.started_at in (
                START + 12 * SECOND,
                START + 25 * SECOND,
            )

    jobs_of().explore(scenario, seeds=SEEDS)


def test_two_workers_work_at_the_same_time() -> None:
    spans: set[object] = set()

    def scenario(jobs: TestingJobs) -> None:
        @jobs.register
        async def slow(job: Slow) -> None:
            await asyncio.sleep(25)

        jobs.enqueue_many([Slow(), Slow()])
        jobs.drain()
        if "fault:" not in str(jobs.timeline):
            spans.add(jobs.clock.now() - START)

    jobs_of().explore(scenario, seeds=SEEDS)

    assert spans == {timedelta(seconds=25)}


def test_each_seed_has_the_handlers_options_and_start_of_the_original() -> None:
    handlers = jobkit.Handlers()
    calls: list[tuple[str, str]] = []
    jobs = jobs_of(handlers=handlers, defaults={"queue": "mail"})

    @jobs.register
    def send(job: SendMail, ctx: jobkit.JobContext) -> None:
        calls.append((ctx.id, ctx.queue))

    @handlers.register
    def audit(job: Audit) -> None: ...

    @jobs.middleware
    def wrap(ctx: jobkit.JobContext, call_next: Callable[[], object]) -> object:
        ctx.values["wrapped"] = True
        return call_next()

    def scenario(fresh: TestingJobs) -> None:
        assert fresh is not jobs
        assert fresh.clock.now() == START
        fresh.assert_empty()
        fresh.enqueue_many([SendMail(1), Audit()])
        fresh.drain()
        fresh.assert_performed(Audit, 1, queue="mail")

        @fresh.register  # one of its own, each time
        def narrow(job: Narrow) -> None: ...

    jobs.enqueue(SendMail(1))
    jobs.explore(scenario, seeds=range(5))

    assert len({ident for ident, _ in calls}) == 5
    assert {queue for _, queue in calls} == {"mail"}
    jobs.assert_queued_total(1)


def test_what_the_scenario_asks_for_happens_too() -> None:
    def scenario(jobs: TestingJobs) -> None:
        jobs.register(done, job=SendMail)
        jobs.register(_sleep)
        jobs.faults.crash(SendMail, when="before_ack")
        jobs.faults.duplicate(Slow)
        jobs.enqueue_many([SendMail(1), Slow(1)])
        jobs.faults.enqueue(jobkit.BackendUnavailable, stored=False)
        with pytest.raises(jobkit.BackendUnavailable):
            jobs.enqueue(Audit())
        jobs.drain()
        assert jobs.faults.pending == ()
        assert jobs.assert_performed(SendMail, 1).one.losses >= 1
        assert jobs.assert_performed(Slow, 1).one.losses >= 1

    jobs_of().explore(scenario, seeds=range(20))


async def _sleep(job: Slow) -> None:
    await asyncio.sleep(job.seconds)


def test_a_handler_may_run_jobs_itself() -> None:
    def scenario(jobs: TestingJobs) -> None:
        jobs.register(done, job=Audit)

        @jobs.register
        def send(job: SendMail) -> None:
            jobs.perform(Audit())
            jobs.drain(only=Audit)

        jobs.enqueue_many([SendMail(1), SendMail(2)])
        jobs.run_for(HOUR / 2)
        jobs.assert_performed(SendMail, 2)

    jobs_of().explore(scenario, seeds=SEEDS)


def test_a_run_until_leaves_what_is_under_way_and_the_next_run_goes_on() -> None:
    def scenario(jobs: TestingJobs) -> None:
        ended: list[float] = []

        @jobs.register
        async def slow(job: Slow) -> None:
            await asyncio.sleep(job.seconds)
            ended.append(job.seconds)

        jobs.enqueue_many([Slow(1), Slow(20)])
        jobs.run_until(lambda: bool(ended))
        if len(jobs.timeline.events) % 2:
            return  # with a handler that is under way
        jobs.run_for(HOUR)
        assert set(ended) == {1.0, 20.0}

    jobs_of().explore(scenario, seeds=SEEDS)


def test_a_handler_that_waits_for_ever_fails_the_scenario() -> None:
    def scenario(jobs: TestingJobs) -> None:
        @jobs.register
        async def hang(job: SendMail) -> None:
            await asyncio.Event().wait()

        jobs.enqueue(SendMail(1))
        jobs.drain()

    assert "WaitsForReal: the handler" in told_of(scenario, seeds=[0])


def test_a_scenario_does_not_run_by_the_async_twin() -> None:
    def scenario(jobs: TestingJobs) -> None:
        asyncio.run(_drain(jobs))

    assert "NotSupported: explore: handlers run on a loop of its own" in told_of(scenario)


async def _drain(jobs: TestingJobs) -> None:
    await jobs.aio.drain()


async def _explore() -> None:
    jobs_of().explore(nothing)


async def _scenario(jobs: TestingJobs) -> None: ...


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: jobs_of().explore(untyped("x")), jobkit.InvalidOption, "a plain function"),
        (lambda: jobs_of().explore(untyped(_scenario)), jobkit.InvalidOption, "plain function"),
        (lambda: jobs_of().explore(nothing, workers=0), jobkit.InvalidOption, "workers=0"),
        (lambda: jobs_of().explore(nothing, seeds=[]), jobkit.InvalidOption, "seeds is empty"),
        (lambda: jobs_of().explore(nothing, seeds=untyped("a")), jobkit.InvalidOption, "seed 'a'"),
        (lambda: jobs_of(store=MemoryStore()).explore(nothing), jobkit.NotSupported, "store="),
        (lambda: asyncio.run(_explore()), RuntimeError, "call jobs.explore from a plain test"),
    ],
    ids=["text", "async", "no worker", "no seed", "no int", "store", "loop"],
)
def test_what_cannot_be_explored_is_refused(
    call: Callable[[], object], error: type[Exception], words: str
) -> None:
    """B57"""
    with pytest.raises(error, match=words):
        call()
