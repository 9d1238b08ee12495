"""Handlers that run in processes of their own; other processes import them from here."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import jobkit
from jobkit import Dead, Discard, Handlers, JobContext, MemoryJobs, Retry, Snooze

HOUR = timedelta(hours=1)
handlers = Handlers()
memory = MemoryJobs()
tenant: ContextVar[str] = ContextVar("tenant", default="nobody")
logger = logging.getLogger("isolated")


@jobkit.job(isolate=True, max_retries=0, max_timeout_retries=0, retention=HOUR)
@dataclass(frozen=True)
class Act:
    """Does what it says."""

    what: str
    path: str = ""


@jobkit.job(isolate=True, max_retries=0, retention=HOUR)
@dataclass(frozen=True)
class ActAsync:
    """Likewise, on an event loop."""

    what: str
    path: str = ""


@dataclass(frozen=True)
class Child:
    """What the others enqueue."""

    n: int


class Untellable:
    """Has no form in JSON."""


@handlers.middleware
async def in_tenant(ctx: JobContext, call_next: Any) -> object:
    """Set a context variable, for all that is inside."""
    token = tenant.set(f"tenant {ctx.metadata.get('tenant', '-')}")
    ctx.values["seen"] = "by middleware"
    try:
        return await call_next()
    finally:
        tenant.reset(token)


@handlers.register
def act(job: Act, ctx: JobContext) -> object:
    """Run the function of that name."""
    chosen: Any = globals()[job.what]
    return chosen(job, ctx)


@handlers.register
async def act_async(job: ActAsync, ctx: JobContext) -> object:
    """Run the coroutine function of that name."""
    chosen: Any = globals()[job.what]
    return await chosen(job, ctx)


@handlers.register
def child(job: Child) -> None:
    """Succeed."""


def look(job: Act, ctx: JobContext) -> dict[str, object]:
    """Tell what can be seen from inside."""
    current = jobkit.current_job()
    return {
        "pid": os.getpid(),
        "id": ctx.id,
        "current": current is ctx,
        "type": ctx.type,
        "queue": ctx.queue,
        "attempt": ctx.attempt,
        "retries_left": ctx.retries_left,
        "run_at": ctx.run_at,
        "enqueued_at": ctx.enqueued_at,
        "deadline": ctx.deadline,
        "metadata": dict(ctx.metadata),
        "fence": ctx.fence,
        "tenant": tenant.get(),
        "values": ctx.values,
        "is_set": ctx.cancelled.is_set(),
    }


def exit_with_3(job: Act, ctx: JobContext) -> None:
    os._exit(3)


def exit_with_0(job: Act, ctx: JobContext) -> None:
    ctx.enqueue(Child(1))
    os._exit(0)


def kill_itself(job: Act, ctx: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def abort(job: Act, ctx: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGABRT)


def stumble(job: Act, ctx: JobContext) -> None:
    raise LookupError("nothing there")


def leave(job: Act, ctx: JobContext) -> None:
    ctx.enqueue(Child(1))
    sys.exit("had enough")


def fork(job: Act, ctx: JobContext) -> object:
    """Fork, and let the new process come back as a failure; return its exit code."""
    new = os.fork()
    if new == 0:
        raise FileNotFoundError("no such program")
    return os.waitstatus_to_exitcode(os.waitpid(new, 0)[1])


def retry(job: Act, ctx: JobContext) -> None:
    raise Retry(delay=HOUR, reason="not yet")


def snooze(job: Act, ctx: JobContext) -> object:
    return Snooze(HOUR)


def discard(job: Act, ctx: JobContext) -> None:
    raise Discard("no longer")


class Hour(timedelta):
    """A delay of a class that only the child can load."""

    def __reduce__(self) -> Any:
        return _only_in, (os.getpid(),)


def _only_in(pid: int) -> timedelta:
    if os.getpid() != pid:
        raise LookupError("not in this process")
    return HOUR


def odd_delay(job: Act, ctx: JobContext) -> object:
    return Snooze(Hour(hours=1))


def unique(job: Act, ctx: JobContext) -> object:
    """Enqueue the same twice: one of them is stored."""
    handles = [ctx.enqueue(Child(5), unique=True) for _ in range(2)]
    return [handle.created for handle in handles]


def dead(job: Act, ctx: JobContext) -> object:
    return Dead("never")


def untellable(job: Act, ctx: JobContext) -> object:
    return Untellable()


def enqueue(job: Act, ctx: JobContext) -> object:
    """Enqueue in all ways that there are, and look for one of the jobs: it is not there yet."""
    handle = ctx.enqueue(Child(1), priority=3)
    with ctx.transaction() as tx:
        tx.enqueue(Child(2))
    ctx.enqueue_many([Child(3), Child(4)], metadata={"extra": "yes"})
    try:
        handle.record()
    except jobkit.JobNotFound:
        return [handle.created, handle.delete()]
    return "found"


def enqueue_outside(job: Act, ctx: JobContext) -> None:
    memory.enqueue(Child(1))


def check_in(job: Act, ctx: JobContext) -> None:
    """Say much, and then nothing for as long as it may take."""
    for number in range(1000):
        ctx.checkin("rows", done=number)
    Path(job.path).read_bytes()
    ctx.checkin("the end", done=1000, total=1000)


def log(job: Act, ctx: JobContext) -> None:
    logger.info("a plain %s", "line")
    ctx.logger.warning("a line of the job")
    try:
        raise LookupError("nothing there")
    except LookupError:
        logger.exception("a failure", extra={"seen": Untellable})


def hold(job: Act, ctx: JobContext) -> None:
    """Hold a named pipe open, in this process and in one that it starts, whatever happens."""
    pipe = os.open(job.path, os.O_WRONLY)
    subprocess.Popen(["sleep", "60"], pass_fds=[pipe])
    os.write(pipe, b"began")
    while True:
        threading.Event().wait()


def heed(job: Act, ctx: JobContext) -> str:
    """Wait until told to stop."""
    Path(job.path).write_bytes(b"began")
    ctx.cancelled.wait()
    Path(job.path).write_text(f"told: {ctx.cancelled.reason}")
    return "stopped"


async def heed_async(job: ActAsync, ctx: JobContext) -> None:
    """Wait until cancelled."""
    await asyncio.to_thread(Path(job.path).write_bytes, b"began")
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.to_thread(Path(job.path).write_text, f"told: {ctx.cancelled.reason}")


async def enqueue_async(job: ActAsync, ctx: JobContext) -> str:
    await ctx.aio.enqueue(Child(1))
    async with ctx.aio.transaction() as tx:
        await tx.enqueue(Child(2))
    return tenant.get()
