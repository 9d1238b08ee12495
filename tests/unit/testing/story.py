"""A scenario with a bit of everything; run as a program it prints its timeline."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import jobkit
from jobkit_testing import TestingJobs
from tests.unit.testing.samples import (
    HOUR,
    Address,
    Audit,
    Flaky,
    Login,
    Order,
    SendMail,
    Slow,
    done,
    jobs_of,
    message_of,
)


def tell(seed: int) -> str:
    """Return the timeline, and every id and record."""
    jobs = jobs_of(seed=seed)
    for kind in (Audit, Order, Login):
        jobs.register(done, job=kind)

    @jobs.register
    async def slow(job: Slow) -> None:
        await asyncio.sleep(job.seconds)

    @jobs.register
    def flaky(job: Flaky, ctx: jobkit.JobContext) -> None:
        ctx.enqueue(Audit("dropped"))
        raise ConnectionError("no route")

    @jobs.register
    async def send(job: SendMail, ctx: jobkit.JobContext) -> dict[str, int]:
        await asyncio.gather(*(asyncio.sleep(n / 10) for n in range(5)))
        await ctx.aio.enqueue(Audit(f"sent {job.user_id}"), queue=f"audit-{job.user_id % 3}")
        return {"user": job.user_id}

    jobs.enqueue_many([SendMail(n) for n in range(5)], queue="mail", metadata={"b": "1", "a": "2"})
    jobs.enqueue(Flaky(), delay=timedelta(seconds=3), max_retries=4)
    jobs.enqueue(Slow(), max_timeout_retries=1)
    jobs.enqueue(Order(1, Address("Bern"), tags=["a"]))
    jobs.enqueue(Login("ann", "secret"), priority=-1)
    jobs.run_for(HOUR)
    jobs.enqueue(SendMail(9)).cancel()
    records = [jobs.queued().records, jobs.assert_performed(Audit).records]
    told = [jobs.timeline.story(), *map(repr, records), str(jobs.clock.now())]
    return "\n".join([*told, tell_of_a_failure(seed)])


def tell_of_a_failure(seed: int) -> str:
    """Return what `explore` says of a handler that disturbs itself, with faults and without."""

    def scenario(jobs: TestingJobs) -> None:
        total = [0]

        @jobs.register
        async def add(job: SendMail, ctx: jobkit.JobContext) -> None:
            before = total[0]
            await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))
            total[0] = before + job.user_id
            ctx.enqueue(Audit())

        jobs.register(done, job=Audit)
        jobs.enqueue_many([SendMail(n) for n in range(4)])
        jobs.run_for(HOUR)
        assert total == [6]

    return message_of(lambda: jobs_of().explore(scenario, seeds=range(seed, seed + 20), workers=3))


if __name__ == "__main__":
    sys.stdout.write(tell(seed=7))
