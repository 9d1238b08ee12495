"""The list of workers, with real ones."""

from __future__ import annotations

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta

from jobkit import JobContext
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Mailed, Ping, Pong
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)


def test_a_worker_shows_itself_and_what_it_runs(make_jobs: MakeJobs) -> None:
    """B48: over all its queues; once it has stopped, it is gone."""
    jobs = make_jobs(version="1.2")
    gate = Gate()

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        ctx.checkin("rows", done=1, total=2)
        gate.enter()

    jobs.register(do_nothing, job=Mailed)
    before = datetime.now(UTC)
    assert jobs.inspect.workers() == ()
    jobs.start(concurrency=3)
    handle = jobs.enqueue(Ping())
    gate.wait_for(1)
    eventually(lambda: handle.record().progress)

    (worker,) = jobs.inspect.workers()
    (slot,) = worker.slots

    assert worker.name == handle.record().worker
    assert (worker.host, worker.pid, worker.version) == (socket.gethostname(), os.getpid(), "1.2")
    assert (worker.queues, worker.types) == (("default", "mail"), ("e2e.Mailed", "e2e.Ping"))
    assert (worker.concurrency, worker.live) == (3, True)
    assert before - timedelta(seconds=1) < worker.started_at <= worker.heartbeat_at + MINUTE
    assert (slot.job_id, slot.type, slot.queue) == (handle.id, "e2e.Ping", "default")
    assert slot.since == handle.record().started_at
    assert slot.progress == handle.record().progress

    gate.open()
    handle.wait(MINUTE)
    eventually(lambda: jobs.inspect.workers()[0].slots == ())
    jobs.shutdown()
    assert jobs.inspect.workers() == ()


def test_a_type_registered_late_is_listed(jobs: WorkingJobs) -> None:
    """B48, B51: for async readers too."""
    jobs.register(do_nothing, job=Ping)
    jobs.start()
    eventually(jobs.inspect.workers)
    jobs.register(do_nothing, job=Pong)
    jobs.enqueue(Pong()).wait(MINUTE)

    (worker,) = jobs.inspect.workers()

    async def look() -> None:
        async with jobs.aio as aio:
            (seen,) = await aio.inspect.workers()
            assert (seen.name, seen.types) == (worker.name, worker.types)

    assert worker.types == ("e2e.Ping", "e2e.Pong")
    asyncio.run(look())
