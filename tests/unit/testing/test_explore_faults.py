"""`explore`: what goes wrong in the ways that it chooses, and which handlers that finds out."""

from __future__ import annotations

import asyncio
import linecache
import re
from collections import Counter

import pytest

import jobkit
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import (
    HOUR,
    MINUTE,
    Audit,
    Flaky,
    Narrow,
    SendMail,
    Slow,
    done,
    fail_at_first,
    jobs_of,
)
from tests.unit.testing.scenarios import SEEDS, told_of


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

    found = re.search(r"(crashed in the|told the) handler(?: so)? at send, line (\d+):", told)
    assert found is not None
    assert linecache.getline(__file__, int(found[2])).strip() == "await asyncio.sleep(1)"


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
        "before an enqueue at send, line ",
        "behind an enqueue at send, line ",
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
