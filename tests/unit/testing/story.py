"""A scenario with a bit of everything; run as a program it prints its timeline."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import jobkit
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
    return "\n".join([jobs.timeline.story(), *map(repr, records), str(jobs.clock.now())])


if __name__ == "__main__":
    sys.stdout.write(tell(seed=7))
