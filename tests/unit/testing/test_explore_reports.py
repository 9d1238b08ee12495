"""`explore`: which doubles take part, and what is told when a scenario is not what it seems."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable
from datetime import datetime

import pytest

import jobkit
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import HOUR, START, SendMail, Slow, jobs_of, message_of, untyped

SEEDS = range(40)


def naive(mails: list[int]) -> jobkit.Handlers:
    """Make a handler that sends a mail again in each run."""
    handlers = jobkit.Handlers()

    @handlers.register
    async def send(job: SendMail) -> None:
        await asyncio.sleep(1)
        mails.append(job.user_id)
        await asyncio.sleep(1)

    return handlers


def over_the_same_store(jobs: TestingJobs, handlers: jobkit.Handlers) -> TestingJobs:
    return TestingJobs(store=jobs.store, clock=jobs.clock, handlers=handlers)


def on_its_own(_: TestingJobs, handlers: jobkit.Handlers) -> TestingJobs:
    return TestingJobs(handlers=handlers)


@pytest.mark.parametrize(
    ("make", "worker"), [(over_the_same_store, "testing.2-2"), (on_its_own, "testing-2")]
)
def test_a_double_that_the_scenario_makes_takes_part(
    make: Callable[[TestingJobs, jobkit.Handlers], TestingJobs], worker: str
) -> None:
    """B56: so each seed may have whole `Handlers` of its own; it begins where the others do."""

    def scenario(jobs: TestingJobs) -> None:
        mails: list[int] = []
        own = make(jobs, naive(mails))
        assert own.clock.now() == START
        assert own.is_explored
        own.enqueue(SendMail(7))
        own.run_for(HOUR)
        assert mails == [7]

    told = message_of(lambda: jobs_of().explore(scenario, seeds=SEEDS))

    assert "fails, with these faults" in told
    assert f"#1 started SendMail(user_id=7, locale='en'), attempt 1, by {worker}" in told
    assert message_of(lambda: jobs_of().explore(scenario, seeds=SEEDS)) == told


@pytest.mark.parametrize("make", [over_the_same_store, on_its_own])
def test_all_that_take_part_do_their_jobs(
    make: Callable[[TestingJobs, jobkit.Handlers], TestingJobs],
) -> None:
    """B37: a handler that knows the job again passes, on two doubles in turn."""

    def scenario(jobs: TestingJobs) -> None:
        mails, handlers = set[str](), jobkit.Handlers()

        @handlers.register
        async def send(job: SendMail, ctx: jobkit.JobContext) -> None:
            await asyncio.sleep(1)
            mails.add(ctx.id)
            await asyncio.sleep(1)

        jobs.register(_slow)
        jobs.enqueue_many([Slow(1), Slow(2)])
        own = make(jobs, handlers)
        own.enqueue_many([SendMail(1), SendMail(2)])
        own.run_for(HOUR)
        jobs.run_for(HOUR)
        assert len(mails) == 2
        own.assert_performed(SendMail, 2)
        jobs.assert_performed(Slow, 2)
        assert own.audit() == jobs.audit() == []

    jobs_of().explore(scenario, seeds=SEEDS)


async def _slow(job: Slow) -> None:
    await asyncio.sleep(job.seconds)


def test_one_that_is_made_outside_or_afterwards_takes_no_part() -> None:
    def scenario(jobs: TestingJobs) -> None:
        jobs.register(_send)
        jobs.enqueue(SendMail(1))
        jobs.drain()

    jobs_of().explore(scenario, seeds=range(2))

    assert not jobs_of().is_explored


def _send(job: SendMail) -> None: ...


def _outside() -> Callable[[TestingJobs], None]:
    outer = jobs_of(handlers=naive([]))

    def scenario(_: TestingJobs) -> None:
        outer.enqueue(SendMail(1))
        outer.drain()

    return scenario


def _by_perform(jobs: TestingJobs) -> None:
    jobs.register(_send)
    jobs.perform(SendMail(1))


def _without_a_handler(jobs: TestingJobs) -> None:
    jobs.enqueue(SendMail(1))
    jobs.drain()


@pytest.mark.parametrize("scenario", [_outside(), _by_perform, _without_a_handler])
def test_a_scenario_that_runs_nothing_that_is_explored_is_refused(
    scenario: Callable[[TestingJobs], None],
) -> None:
    """B57: it would pass with any handler."""
    with pytest.raises(jobkit.InvalidOption, match="so nothing was explored: let it enqueue on"):
        jobs_of().explore(scenario, seeds=range(3))


def test_seeds_that_are_no_seeds_are_refused() -> None:
    """B57"""
    with pytest.raises(jobkit.InvalidOption, match=r"seeds=5: give ints, such as range\(500\)"):
        jobs_of().explore(_by_perform, seeds=untyped(5))


def _failing(jobs: TestingJobs) -> None:
    jobs.register(_send)
    jobs.enqueue(SendMail(1))
    jobs.drain()
    untyped(jobs).typo()


def test_what_fails_in_every_order_is_not_blamed_on_the_order() -> None:
    told = message_of(lambda: jobs_of().explore(_failing, seeds=SEEDS))

    assert told.splitlines()[0] == (
        "explore: seed 0 fails without any fault, in every order that was tried: with one worker "
        "as well"
    )
    assert "  AttributeError: 'TestingJobs' object has no attribute 'typo'" in told


def _timed(jobs: TestingJobs) -> None:
    """Fail by the instant alone, in milliseconds."""
    jobs.register(_send)
    jobs.enqueue(SendMail(1))
    jobs.drain()
    raise AssertionError(jobs.clock.now().isoformat())


def test_what_is_printed_runs_the_same_again() -> None:
    """B56: without a start of its own a double begins now, which is told."""
    fixed = message_of(lambda: jobs_of().explore(_timed, seeds=[3]))
    assert fixed.endswith("\nrun it again: jobs.explore(scenario, seeds=[3])")

    told = message_of(lambda: TestingJobs().explore(_timed, seeds=[3], workers=3))
    assert "run it again: jobs.explore(scenario, seeds=[3], workers=3)\n" in told
    found = re.search(r'start=datetime\.fromisoformat\("(.*)"\)', told)
    assert found is not None
    start = datetime.fromisoformat(found[1])
    again = message_of(lambda: TestingJobs(start=start).explore(_timed, seeds=[3], workers=3))
    assert again.splitlines()[:-1] == told.splitlines()[:-2]


def test_a_scenario_that_fails_once_and_never_again_is_not_blamed_on_a_fault() -> None:
    runs = itertools.count()

    def scenario(jobs: TestingJobs) -> None:
        jobs.register(_send)
        jobs.enqueue(SendMail(1))
        jobs.drain()
        assert next(runs) != 5, "the fifth"

    told = message_of(lambda: jobs_of().explore(scenario, seeds=SEEDS))

    assert told.startswith("explore: seed 5 failed, and did not when it was repeated: the scenario")
    assert "  AssertionError: the fifth" in told
    assert "run it again" not in told


def test_a_scenario_that_leaks_is_told_by_a_seed_that_had_passed() -> None:
    mails: set[str] = set()

    def scenario(jobs: TestingJobs) -> None:
        @jobs.register
        def send(job: Slow, ctx: jobkit.JobContext) -> None:
            mails.add(ctx.id)

        jobs.enqueue(Slow())
        jobs.run_for(HOUR)
        assert len(mails) == 1

    told = message_of(lambda: jobs_of().explore(scenario, seeds=range(3, 9)))

    assert told.startswith("explore: seed 4 failed, and seed 3, which had passed, fails now: the")
    assert "let it make what its handlers change" in told
