"""`explore`: workers interleaved by a seed, and things going wrong in ways that it chooses."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable
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
    Flaky,
    Narrow,
    SendMail,
    Slow,
    done,
    fail_at_first,
    jobs_of,
    message_of,
    untyped,
)

SEEDS = range(40)


def nothing(jobs: TestingJobs) -> None:
    """Be a scenario."""


def told_of(scenario: Callable[[TestingJobs], None], seeds: Iterable[int] = SEEDS) -> str:
    return message_of(lambda: jobs_of().explore(scenario, seeds=seeds))


def naive(jobs: TestingJobs) -> None:
    """Send a mail again in each run."""
    mails: list[int] = []

    @jobs.register
    def send(job: SendMail) -> None:
        mails.append(job.user_id)

    jobs.enqueue(SendMail(7))
    jobs.run_for(HOUR)

    assert mails == [7]


def test_a_handler_that_must_run_once_is_found_out_by_one_fault() -> None:
    told = told_of(naive)

    assert re.match(r"explore: seed \d+ fails, with these faults", told)
    assert re.findall(r"^  (\d)\. testing-\d (?:crashed|lost)", told, re.MULTILINE) == ["1"]
    assert "#1 SendMail(user_id=7, locale='en')" in told
    assert "  AssertionError: assert [7, 7] == [7]" in told
    assert "#1 started SendMail(user_id=7, locale='en'), attempt 1, by testing-2" in told
    assert "run it again: jobs.explore(scenario, seeds=[" in told


def test_the_same_seed_tells_the_same_again() -> None:
    """B56"""
    told = told_of(naive)
    found = re.search(r"seeds=\[(\d+)\]", told)

    assert found is not None
    assert told_of(naive, seeds=[int(found[1])]) == told


def test_the_cause_is_what_the_scenario_raised() -> None:
    with pytest.raises(AssertionError) as caught:
        jobs_of().explore(naive, seeds=SEEDS)

    assert isinstance(caught.value.__cause__, AssertionError)


def test_a_handler_that_knows_the_job_again_passes() -> None:
    def scenario(jobs: TestingJobs) -> None:
        mails: set[str] = set()

        @jobs.register
        def send(job: SendMail, ctx: jobkit.JobContext) -> None:
            mails.add(ctx.id)

        jobs.enqueue_many([SendMail(7), SendMail(8)])
        jobs.drain()
        assert len(mails) == 2

    jobs_of().explore(scenario, seeds=SEEDS)


def test_tasks_that_disturb_each_other_at_an_await_are_found_without_any_fault() -> None:
    def scenario(jobs: TestingJobs) -> None:
        balance = {"ann": 0}

        @jobs.register
        async def add(job: SendMail) -> None:
            before = balance["ann"]
            await asyncio.sleep(0)
            balance["ann"] = before + job.user_id

        jobs.enqueue_many([SendMail(1), SendMail(2)])
        jobs.drain()
        assert balance["ann"] == 3 or "fault:" in str(jobs.timeline)

    told = told_of(scenario)

    assert "fails without any fault, by the order of the steps alone" in told
    jobs_of().explore(scenario, seeds=SEEDS, workers=1)  # one after the other it is right


def test_a_handler_that_notes_its_work_first_and_then_dies_is_found() -> None:
    """What `assert_idempotent` cannot see: the mail is never sent."""

    def scenario(jobs: TestingJobs) -> None:
        noted: set[str] = set()
        mails: list[int] = []

        @jobs.register
        async def send(job: SendMail, ctx: jobkit.JobContext) -> None:
            if ctx.id in noted:
                return
            noted.add(ctx.id)
            await asyncio.sleep(1)
            mails.append(job.user_id)

        jobs.enqueue(SendMail(7))
        jobs.run_for(HOUR)
        assert mails == [7]

    told = told_of(scenario)

    assert "crashed in the handler" in told or "told the handler so" in told


def test_a_sync_handler_is_interrupted_where_it_enqueues() -> None:
    def scenario(jobs: TestingJobs) -> None:
        jobs.register(done, job=Audit)
        running: set[str] = set()

        @jobs.register
        def send(job: SendMail, ctx: jobkit.JobContext) -> None:
            running.add(ctx.id)
            jobs.enqueue(Audit())
            alone.append(len(running))
            running.discard(ctx.id)

        alone: list[int] = []
        jobs.enqueue_many([SendMail(1), SendMail(2)])
        jobs.run_for(HOUR)
        assert set(alone) == {1}

    told = told_of(scenario)

    assert "AssertionError: assert {1, 2} == {1}" in told or "assert {2" in told


def test_workers_die_and_enqueues_fail_in_the_middle_of_a_handler() -> None:
    seen: Counter[str] = Counter()

    def scenario(jobs: TestingJobs) -> None:
        jobs.register(done, job=Audit)

        @jobs.register
        def send(job: SendMail) -> None:
            jobs.enqueue(Audit("a"))
            jobs.enqueue(Audit("b"))

        handle = jobs.enqueue(SendMail(1))
        jobs.run_for(HOUR / 2)
        assert handle.record().state == "succeeded"
        jobs.assert_performed(Audit("b"))
        seen.update(re.findall(r"fault: .*", str(jobs.timeline)))

    jobs_of().explore(scenario, seeds=range(100))

    told = "\n".join(seen)
    for words in (
        "before an enqueue",
        "behind an enqueue",
        "not stored",
        "BackendUnavailable, stored",
    ):
        assert words in told


def test_what_a_fault_made_a_handler_raise_does_not_escape() -> None:
    """An enqueue that fails is a failed attempt, as in production."""

    def scenario(jobs: TestingJobs) -> None:
        jobs.register(done, job=Audit)

        @jobs.register
        def send(job: SendMail) -> None:
            jobs.enqueue(Audit())

        jobs.enqueue(SendMail(1))
        jobs.drain()
        jobs.run_for(HOUR)
        jobs.assert_performed(SendMail, 1)

    jobs_of().explore(scenario, seeds=SEEDS)


def test_what_a_handler_raises_by_itself_escapes() -> None:
    def scenario(jobs: TestingJobs) -> None:
        @jobs.register
        def send(job: SendMail) -> None:
            raise ConnectionError("no mail server")

        jobs.enqueue(SendMail(1))
        jobs.drain()

    told = told_of(scenario)

    assert "fails without any fault" in told
    assert "  ConnectionError: no mail server" in told


def test_faults_that_were_not_needed_are_left_out() -> None:
    def scenario(jobs: TestingJobs) -> None:
        runs: list[str] = []

        @jobs.register
        async def slow(job: Slow, ctx: jobkit.JobContext) -> None:
            runs.append(ctx.id)
            await asyncio.sleep(1)

        jobs.enqueue_many([Slow(), Slow(), Slow()])
        jobs.run_for(HOUR)
        assert max(Counter(runs).values()) < 3, "it ran three times"

    told = told_of(scenario, seeds=range(300))

    assert told.count("  1. testing-") == 1
    assert "  2. testing-" in told
    assert "  3. " not in told


def test_every_job_is_done_whatever_befalls_the_workers() -> None:
    """B37, B38, B41: at least once, the store's invariants hold, and nothing is left."""

    def scenario(jobs: TestingJobs) -> None:
        ran: Counter[object] = Counter()

        @jobs.register
        def send(job: SendMail, ctx: jobkit.JobContext) -> None:
            jobs.enqueue(Audit("direct"))
            ctx.enqueue(Audit(f"of {job.user_id}"))

        @jobs.register
        async def audit(job: Audit) -> None:
            await asyncio.sleep(40)  # longer than a lease, which its worker keeps
            ran[job.what] += 1

        @jobs.register
        async def slow(job: Slow) -> None:
            await asyncio.sleep(job.seconds)
            await jobs.aio.enqueue(Audit("slow"))

        @jobs.register
        def narrow(job: Narrow) -> None:
            ran[job.number] += 1

        jobs.register(fail_at_first)
        jobs.enqueue_many([SendMail(1), Slow(20), Flaky(1), Narrow(1), Narrow(2)])
        jobs.schedule(MINUTE, SendMail(2), limit=2)
        jobs.drain(raises=False)
        jobs.run_for(5 * HOUR)

        jobs.assert_empty()
        assert jobs.audit() == []
        assert {"direct", "slow", "of 1", "of 2", 1, 2} <= ran.keys()
        for kind, times in ((SendMail, 3), (Slow, 1), (Flaky, 1), (Narrow, 2)):
            jobs.assert_performed(kind, times)
        succeeded = [job.what for job in jobs.assert_performed(Audit).jobs]
        assert succeeded.count("of 1") == 1

    jobs_of().explore(scenario, seeds=range(25), workers=3)


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
