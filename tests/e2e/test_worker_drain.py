"""`drain`: until nothing is left that is due and can be run here."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobkit import Enqueuer, JobContext
from jobkit.worker import WorkingJobs
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Alone, Flaky, Ping, Pong
from tests.e2e.waiting import Gate

MINUTE = timedelta(minutes=1)


def test_drain_without_a_worker_runs_one_and_reports(jobs: WorkingJobs) -> None:
    """B53"""
    jobs.register(do_nothing, job=Ping)

    @jobs.register
    def fail(job: Flaky) -> None:
        raise ValueError

    good = jobs.enqueue_many([Ping(n) for n in range(3)])
    bad = jobs.enqueue(Flaky(), max_retries=0)
    later = jobs.enqueue(Ping(), delay=timedelta(hours=1))
    unknown = jobs.enqueue(Pong())

    report = jobs.drain(timeout=MINUTE)

    assert jobs.worker is None
    assert (report.succeeded, report.dead) == (3, 1)
    assert report
    assert {record.id for record in report.ran} == {bad.id, *(h.id for h in good)}
    assert report.left == {"future": 1, "paused": 0, "limited": 0, "no handler": 1}
    assert later.record().state == "scheduled"
    assert unknown.record().state == "queued"
    assert not jobs.drain(timeout=MINUTE)


def test_drain_runs_what_its_jobs_enqueue(jobs: WorkingJobs) -> None:
    """B53"""

    @jobs.register
    def countdown(job: Ping, ctx: JobContext) -> None:
        if job.n:
            ctx.enqueue(Ping(job.n - 1))

    jobs.enqueue(Ping(10))

    assert jobs.drain(timeout=MINUTE).succeeded == 11


@pytest.mark.parametrize("how", ["ctx", "jobs"])
def test_drain_runs_what_its_jobs_enqueue_elsewhere(jobs: WorkingJobs, how: str) -> None:
    """B53"""

    @jobs.register
    def spread(job: Ping, ctx: JobContext) -> None:
        to: Enqueuer = ctx if how == "ctx" else jobs
        if job.n:
            to.enqueue(Ping(job.n - 1), queue=f"q{job.n % 4}")

    jobs.start(queues=["q0", "q1", "q2", "q3"], poll=timedelta(seconds=30))
    last = [jobs.enqueue(Ping(9), queue="q0") for _ in range(3)]
    report = jobs.drain(timeout=MINUTE)
    again = jobs.drain(timeout=MINUTE)

    assert [handle.record().state for handle in last] == ["succeeded"] * 3
    assert report.left == dict.fromkeys(("future", "paused", "limited", "no handler"), 0)
    assert not again


def test_drain_waits_for_the_limited(jobs: WorkingJobs) -> None:
    """B26, B53"""
    jobs.register(do_nothing, job=Alone)
    jobs.enqueue_many([Alone(n) for n in range(20)])

    assert jobs.drain(timeout=MINUTE).succeeded == 20


def test_drain_gives_up_after_its_timeout(jobs: WorkingJobs) -> None:
    """B53"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    handle = jobs.enqueue(Ping())

    with pytest.raises(TimeoutError, match="drain"):
        jobs.drain(timeout=timedelta(milliseconds=200))

    assert handle.record().state == "queued"
    gate.open()


def test_drain_says_what_it_did_not_come_to(jobs: WorkingJobs) -> None:
    """B53: jobs that wait for a slot are ready, not held back by a limit."""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.enqueue_many(map(Ping, range(5)))
    jobs.start(concurrency=2)
    gate.wait_for(2)

    with pytest.raises(TimeoutError, match=r"running here: 2, waiting: .*'ready': 3"):
        jobs.drain(timeout=timedelta(milliseconds=10))

    gate.open()
    jobs.drain(timeout=MINUTE)
