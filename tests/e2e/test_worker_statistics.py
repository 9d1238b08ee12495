"""Statistics of real workers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from jobkit import JobContext, Stats
from jobkit.worker import WorkingJobs
from tests.e2e.jobtypes import Flaky, Mailed, Ping

MINUTE = timedelta(minutes=1)


def test_what_workers_did_is_counted(jobs: WorkingJobs) -> None:
    """B49: over all queues, for sync and async readers alike."""

    @jobs.register
    def ping(job: Ping, ctx: JobContext) -> None:
        ctx.enqueue(Mailed(job.n))

    @jobs.register
    async def mailed(job: Mailed) -> None:
        await asyncio.sleep(0)

    @jobs.register
    def flaky(job: Flaky) -> None:
        raise ValueError("no")

    jobs.enqueue_many([Ping(n) for n in range(500)])
    failing = jobs.enqueue_many([Flaky(n) for n in range(3)], max_retries=1)
    jobs.start()
    for handle in failing:
        handle.wait(MINUTE)
    jobs.drain(timeout=MINUTE)

    stats = jobs.inspect.stats()

    async def read() -> Stats:
        async with jobs.aio as aio:
            return await aio.inspect.stats()

    assert asyncio.run(read()).types == stats.types
    assert {name: each.succeeded for name, each in stats.types.items()} == {
        "e2e.Ping": 500,
        "e2e.Mailed": 500,
        "e2e.Flaky": 0,
    }
    flaky_counts = stats.types["e2e.Flaky"]
    assert (flaky_counts.processed, flaky_counts.failed) == (6, 6)
    assert (flaky_counts.retried, flaky_counts.dead) == (3, 3)
    assert sum(minute.total.processed for minute in stats.series) == stats.total.processed == 1006
    assert [*stats.queues] == ["default", "mail"]
