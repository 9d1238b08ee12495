"""How a worker divides its slots over its queues."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from jobkit import JobContext, JobHandle
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import collecting, looking
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually

LONG = timedelta(seconds=30)


def note_queues(jobs: WorkingJobs) -> list[str]:
    """Register a handler that notes the queue of each job, in the order in which they run."""
    ran: list[str] = []

    def note(ctx: JobContext) -> None:
        ran.append(ctx.queue)

    jobs.register(looking(note), job=Ping)
    return ran


def started_at(handle: JobHandle[Ping]) -> datetime:
    """Return when a job that has run was claimed for a free slot."""
    started = handle.record().started_at
    assert started is not None
    return started


@pytest.mark.parametrize("concurrency", [1, 7, 32])
def test_queues_share_by_weight_while_both_are_backed_up(
    jobs: WorkingJobs, concurrency: int
) -> None:
    """B11: nine to one gives 90 %, whatever the number of slots."""
    ran = note_queues(jobs)
    for queue in ("mail", "default"):
        jobs.enqueue_many([Ping(i) for i in range(600)], queue=queue)

    jobs.start(queues={"mail": 9, "default": 1}, concurrency=concurrency)
    jobs.drain(timeout=LONG)

    assert len(ran) == 1200
    backed_up = Counter(ran[:600])  # of mail, 540 of its 600
    assert 0.88 <= backed_up["mail"] / 600 <= 0.92


def test_names_alone_share_evenly(jobs: WorkingJobs) -> None:
    """B11: every weight is 1."""
    ran = note_queues(jobs)
    for queue in ("a", "b", "c"):
        jobs.enqueue_many([Ping(i) for i in range(100)], queue=queue)

    jobs.start(queues=["a", "b", "c"], concurrency=4)
    jobs.drain(timeout=LONG)

    counts = Counter(ran[:150])
    assert all(abs(counts[queue] - 50) <= 4 for queue in ("a", "b", "c"))


def test_slots_that_one_queue_does_not_need_go_to_the_other(jobs: WorkingJobs) -> None:
    """B11: weights hold nobody back while there is room."""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.enqueue_many([Ping(i) for i in range(5)], queue="default")

    jobs.start(queues={"mail": 1000, "default": 1}, concurrency=5)

    gate.wait_for(5)
    gate.open()


def test_a_queue_that_was_empty_gets_no_credit(jobs: WorkingJobs) -> None:
    """B11: when it is backed up again, its share is what its weight says."""
    ran = note_queues(jobs)
    jobs.enqueue_many([Ping(i) for i in range(500)], queue="default")
    jobs.start(queues={"mail": 1, "default": 1}, concurrency=4)
    jobs.drain(timeout=LONG)
    jobs.shutdown()
    ran.clear()
    for queue in ("mail", "default"):
        jobs.enqueue_many([Ping(i) for i in range(200)], queue=queue)

    jobs.start(queues={"mail": 1, "default": 1}, concurrency=4)
    jobs.drain(timeout=LONG)

    assert abs(Counter(ran[:200])["mail"] - 100) <= 4


@pytest.mark.parametrize("concurrency", [1, 8])
def test_strict_drains_in_the_order_given(jobs: WorkingJobs, concurrency: int) -> None:
    """B11: whatever was enqueued first."""
    ran = note_queues(jobs)
    handles = {
        queue: jobs.enqueue_many([Ping(i) for i in range(40)], queue=queue)
        for queue in ("low", "high", "middle")
    }

    jobs.start(queues=["high", "middle", "low"], strict=True, concurrency=concurrency)
    jobs.drain(timeout=LONG)

    # By the store's clock: handlers of one claim run side by side, and end when they like.
    claimed = {queue: [started_at(handle) for handle in of] for queue, of in handles.items()}
    assert len(ran) == 120
    assert max(claimed["high"]) <= min(claimed["middle"])
    assert max(claimed["middle"]) <= min(claimed["low"])
    if concurrency == 1:
        assert ran == ["high"] * 40 + ["middle"] * 40 + ["low"] * 40


def test_strict_gives_the_next_queue_what_stayed_free(jobs: WorkingJobs) -> None:
    """B11: an order, not a barrier."""
    gate, queues = Gate(), list[str]()

    def hold(ctx: JobContext) -> None:
        queues.append(ctx.queue)
        gate.enter()

    jobs.register(looking(hold), job=Ping)
    jobs.enqueue_many([Ping(i) for i in range(2)], queue="high")
    jobs.enqueue_many([Ping(i) for i in range(9)], queue="low")

    jobs.start(queues=["high", "low"], strict=True, concurrency=5)

    gate.wait_for(5)
    assert Counter(queues) == {"high": 2, "low": 3}
    gate.open()


def test_strict_looks_at_the_first_queue_after_every_job(make_jobs: MakeJobs) -> None:
    """B11: what a handler enqueues ahead is next, not what was next before."""
    jobs = make_jobs()
    ran: list[int] = []

    def low(job: Ping) -> None:
        ran.append(job.n)
        if job.n == 3:
            jobs.enqueue(Pong(100), queue="high")

    jobs.register(low)
    jobs.register(collecting(ran), job=Pong)
    jobs.enqueue_many([Ping(i) for i in range(20)], queue="low")

    jobs.start(queues=["high", "low"], strict=True, concurrency=1)
    eventually(lambda: len(ran) == 21)

    assert ran.index(100) == 4
