"""The handlers of the trace check: each says when it begins and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jobkit
from benchmarks.tracing import jobtypes as jt
from benchmarks.tracing.trace import Entered, Left, Way, Word
from jobkit.clock import duration_milliseconds, pause
from jobkit.ids import jitter
from jobkit.store import Lease

WAYS: dict[type[BaseException], Way] = {
    jobkit.Retry: "retry",
    jobkit.Snooze: "snooze",
    jobkit.Discard: "discard",
    jobkit.Dead: "dead",
}
STUBBORN = 0.9  # seconds: past deadline and `abandon_after`


@dataclass
class Run:
    """What a handler notes of itself. `children`: how many it has enqueued on its context."""

    children: int = 0


class Scripted:
    """Handlers that write themselves down by `say`, as the worker that `name` gives."""

    def __init__(self, say: Callable[[Word], None], name: Callable[[], str]) -> None:
        self._say = say
        self._name = name

    def handlers(self, types: Iterable[type]) -> jobkit.Handlers:
        """Return handlers for some of the types."""
        handlers = jobkit.Handlers(name="trace")
        known: dict[type, Callable[..., Any]] = {
            jt.Quick: self.quick,
            jt.Swift: self.swift,
            jt.Slow: self.slow,
            jt.Waiting: self.waiting,
            jt.Flaky: self.flaky,
            jt.FlakyToo: self.flaky_too,
            jt.Late: self.late,
            jt.LateToo: self.late_too,
            jt.Parent: self.parent,
            jt.Narrow: self.narrow,
            jt.Fragile: self.fragile,
            jt.Telling: self.telling,
            jt.Tick: self.tick,
        }
        for job_type in types:
            handlers.register(known[job_type], job=job_type)
        return handlers

    @contextmanager
    def _running(self, ctx: jobkit.JobContext, timeout: timedelta | None = None) -> Generator[Run]:
        worker, lease, run = self._name(), Lease(id=ctx.id, fence=ctx.fence), Run()
        milliseconds = None if timeout is None else duration_milliseconds(timeout)
        self._say(Entered(worker=worker, lease=lease, timeout=milliseconds))
        way: Way = "raised"
        try:
            yield run
            way = "returned"
        except BaseException as error:
            way = WAYS.get(type(error), "raised")
            raise
        finally:
            told = ctx.cancelled.reason
            self._say(Left(worker=worker, lease=lease, way=way, children=run.children, told=told))

    def quick(self, job: jt.Quick, ctx: jobkit.JobContext) -> int:
        with self._running(ctx):
            return job.number

    async def swift(self, job: jt.Swift, ctx: jobkit.JobContext) -> int:
        with self._running(ctx):
            await asyncio.sleep(0)
            return job.number

    def slow(self, job: jt.Slow, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            ctx.cancelled.wait(job.seconds)

    async def waiting(self, job: jt.Waiting, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            await asyncio.sleep(job.seconds)

    def flaky(self, _: jt.Flaky, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            _fall(ctx)

    async def flaky_too(self, _: jt.FlakyToo, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            await asyncio.sleep(0.001)
            _fall(ctx)

    def late(self, job: jt.Late, ctx: jobkit.JobContext) -> None:
        with self._running(ctx, jt.TIMEOUT):
            if job.stubborn:
                pause(STUBBORN)
            else:
                ctx.cancelled.wait(5)

    async def late_too(self, _: jt.LateToo, ctx: jobkit.JobContext) -> None:
        with self._running(ctx, jt.TIMEOUT):
            await asyncio.sleep(5)

    def parent(self, job: jt.Parent, ctx: jobkit.JobContext) -> None:
        with self._running(ctx) as run:
            for number in range(job.children):
                queue = ("default", "mail", "bulk")[number % 3]
                ctx.enqueue(jt.Quick(number), queue=queue)
                run.children += 1
            if jitter(ctx.id, ctx.fence) < 0.3:
                raise RuntimeError("and none of them is to be published")

    def narrow(self, job: jt.Narrow, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            pause(job.seconds)

    def fragile(self, job: jt.Fragile, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            ctx.cancelled.wait(job.seconds)

    def telling(self, job: jt.Telling, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            for done in range(job.steps):
                ctx.checkin(f"step {done}", done=done, total=job.steps)
                if ctx.cancelled.wait(0.1):
                    return

    def tick(self, _: jt.Tick, ctx: jobkit.JobContext) -> None:
        with self._running(ctx):
            pause(0.01)


def _fall(ctx: jobkit.JobContext) -> None:
    """Fail in one of all ways, the same way for the same attempt; or not."""
    fall = int(jitter(ctx.id, ctx.fence) * 8)
    if fall == 0:
        raise jobkit.Retry(delay=jt.SOON, reason="not yet")
    if fall == 1:
        raise jobkit.Snooze(jt.SOON)
    if fall == 2:
        raise jobkit.Discard("not wanted")
    if fall == 3:
        raise jobkit.Dead("hopeless")
    if fall < 6:
        raise RuntimeError("again, please")
