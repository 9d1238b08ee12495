"""B27 on real workers: pauses hold at the next claim, and a resume wakes who is idle."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import collecting, do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually, seconds_until

LONG = timedelta(seconds=30)
RARE = timedelta(seconds=20)  # between polls: whatever is sooner was a hint


def test_what_is_paused_stays_and_what_runs_finishes(jobs: WorkingJobs) -> None:
    """B27: a pause holds from the next claim on."""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start(concurrency=1)
    first, second = jobs.enqueue(Ping(1)), jobs.enqueue(Ping(2))
    gate.wait_for(1)

    jobs.inspect.pause(queue="default")
    gate.open()
    report = jobs.drain(timeout=LONG)

    assert first.record().state == "succeeded"
    assert second.record().state == "queued"
    assert report.left["paused"] == 1


def test_a_resumed_queue_is_looked_at_at_once(jobs: WorkingJobs) -> None:
    """B27, B13: nobody waits for a poll."""
    ran: list[int] = []
    jobs.register(collecting(ran), job=Ping)
    jobs.inspect.pause(queue="default")
    jobs.start(poll=RARE)
    jobs.enqueue(Ping(1))
    jobs.drain(timeout=LONG)

    jobs.inspect.resume(queue="default")

    assert seconds_until(lambda: ran == [1]) < 10


def test_a_type_that_is_resumed_over_all_queues_is_looked_at_at_once(jobs: WorkingJobs) -> None:
    """B27, B13: in each of them."""
    ran: list[int] = []
    jobs.register(collecting(ran), job=Ping)
    jobs.register(do_nothing, job=Pong)
    jobs.start(queues=["a", "b"], poll=RARE)
    jobs.inspect.pause(type=Ping)
    jobs.enqueue(Ping(1), queue="a")
    jobs.enqueue(Ping(2), queue="b")
    other = jobs.enqueue(Pong(), queue="a")
    other.wait(LONG)
    kept = jobs.drain(timeout=LONG).left["paused"]

    jobs.inspect.resume(type=Ping)

    assert seconds_until(lambda: sorted(ran) == [1, 2]) < 10
    assert kept == 2


def test_a_type_that_was_paused_before_a_queue_was_used_stays(make_jobs: MakeJobs) -> None:
    """B27: the worker that enters the queue tells it, before its first claim."""
    jobs = make_jobs()
    jobs.register(do_nothing, job=Ping)
    jobs.inspect.pause(type=Ping)
    handle = jobs.enqueue(Ping(), queue="new")

    jobs.start(queues=["new"])
    report = jobs.drain(timeout=LONG)

    assert handle.record().state == "queued"
    assert report.left["paused"] == 1
    assert jobs.inspect.is_paused(type=Ping)


def test_every_worker_heeds_a_pause_of_another_process(redis_make: MakeJobs) -> None:
    """B27: whoever paused."""
    worker, other = redis_make(), redis_make()
    ran: list[int] = []
    worker.register(collecting(ran), job=Ping)
    worker.start(poll=RARE)
    other.enqueue(Ping(1)).wait(LONG)

    asyncio.run(_pause(other))
    other.enqueue(Ping(2))
    kept = worker.drain(timeout=LONG).left["paused"]
    other.inspect.resume(queue="default", type=Ping)

    eventually(lambda: ran == [1, 2], within=10)
    assert kept == 1


async def _pause(jobs: WorkingJobs) -> None:
    await jobs.aio.inspect.pause(queue="default", type=Ping)
    await jobs.aio.close()
