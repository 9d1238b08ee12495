"""Uses that type checkers must accept; checked by `make check`, never run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_type

import jobkit
from jobkit_testing import TestingJobs, report


@jobkit.job(queue="mail", max_retries=5, timeout=timedelta(seconds=30))
@dataclass(frozen=True)
class SendMail:
    user_id: int
    locale: str = "en"


@dataclass(frozen=True)
class Resize:
    path: str


@dataclass
class SignUp:
    """Domain code: it depends on the narrowest protocol."""

    jobs: jobkit.Enqueuer

    def __call__(self, user_id: int) -> None:
        handle = self.jobs.enqueue(SendMail(user_id), delay=timedelta(minutes=5), priority=-1)
        assert_type(handle, jobkit.JobHandle[SendMail])
        self.jobs.enqueue_many([SendMail(1), Resize("a.png")], chunk=100)
        with self.jobs.transaction() as tx:
            tx.enqueue(SendMail(user_id))


async def sign_up(jobs: jobkit.AsyncEnqueuer) -> None:
    handle = await jobs.enqueue(SendMail(1), run_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert_type(handle, jobkit.AsyncJobHandle[SendMail])
    async with jobs.transaction() as tx:
        await tx.enqueue(Resize("a.png"))
    assert_type(await handle.record(), jobkit.JobRecord[SendMail])


def per_user(job: SendMail) -> str:
    return str(job.user_id)


anything: jobkit.Unique = jobkit.Unique(until="done", on_conflict="raise")
assert_type(jobkit.Unique(key=per_user), jobkit.Unique[SendMail])


@jobkit.job(unique=jobkit.Unique(key=lambda job: job.path))
@dataclass(frozen=True)
class Shrink:
    path: str


def unique_jobs(jobs: jobkit.Enqueuer) -> None:
    jobs.enqueue(SendMail(1), unique=True)
    jobs.enqueue(SendMail(1), unique=jobkit.Unique(key=per_user))
    jobs.enqueue(SendMail(1), unique=anything)
    try:
        jobs.enqueue(Shrink("a.png"), unique=jobkit.Unique(key=lambda job: job.path))
    except jobkit.Duplicate as error:
        error.handle.cancel()


handlers = jobkit.Handlers()


@handlers.register
def send_mail(job: SendMail) -> None: ...


@handlers.register
async def resize(job: Resize, ctx: jobkit.JobContext) -> int:
    SignUp(ctx)(7)
    await sign_up(ctx.aio)
    return ctx.attempt


def backends(url: str) -> None:
    queues: list[jobkit.Queue] = [
        jobkit.RedisJobs(url, handlers=handlers),
        jobkit.MemoryJobs(handlers=[handlers], defaults={"max_retries": 3}),
        TestingJobs(handlers=handlers, seed=7),
    ]
    async_queues: list[jobkit.AsyncQueue] = [
        jobkit.RedisJobs(url).aio,
        jobkit.MemoryJobs().aio,
        TestingJobs().aio,
    ]
    for queue in queues:
        queue.start(queues=["mail", "default"], concurrency=4)
        assert_type(queue.drain(), jobkit.Report)
    assert async_queues


def test_sign_up(jobs: TestingJobs) -> None:
    SignUp(jobs)(7)
    matches = jobs.assert_queued(SendMail, 1, queue="mail", where=lambda job: job.user_id == 7)
    assert_type(matches, jobkit.Matches[SendMail])
    assert_type(jobs.assert_queued(SendMail(7)), jobkit.Matches[SendMail])
    assert_type(jobs.get_first_of(SendMail), SendMail)
    assert_type(jobs.queued(Resize), jobkit.Matches[Resize])
    assert_type(jobs.perform(Resize("a.png")), jobkit.JobRecord[Resize])
    assert_type(report(jobs.timeline, TestingJobs(store=jobs.store).timeline), str)


def wrap(ctx: jobkit.JobContext, call_next: Callable[[], object]) -> object:
    return call_next()


def by_name(jobs: TestingJobs, handle: jobkit.JobHandle[SendMail], at: datetime) -> None:
    """The parameters that are not positional only have the names of the contract."""
    jobkit.Handlers().middleware(fn=wrap)
    handle.set_priority(n=3)
    handle.reschedule(run_at=at)
    assert_type(handle.wait(timeout=timedelta(seconds=1)), jobkit.JobRecord[SendMail])
    jobs.inspect.reschedule(id=handle.id, at=at)
    jobs.inspect.pause(queue="mail", type=SendMail)
    assert_type(jobs.inspect.cancel(id=handle.id), bool)
    assert_type(jobs.inspect.prune(state="dead", keep=1), int)


def publish(jobs: jobkit.Enqueuer, several: Iterable[jobkit.DataclassLike]) -> None:
    jobs.enqueue_many(several)


def faults(jobs: TestingJobs) -> None:
    jobs.faults.crash(SendMail, when="before_ack", attempt=2)
    jobs.faults.crash(SendMail(1), when="after_ack")
    jobs.faults.duplicate(SendMail, copies=3)
    jobs.faults.lose_lease(SendMail(1))
    jobs.faults.enqueue(jobkit.BackendUnavailable, stored=True)
    jobs.faults.enqueue(ConnectionError("no route"), stored=False)
    jobs.faults.skew(timedelta(seconds=-3))
    assert_type(jobs.faults.pending, tuple[str, ...])
    assert_type(jobs.aio.faults.pending, tuple[str, ...])


async def idempotent(jobs: TestingJobs) -> None:
    jobs.assert_idempotent(SendMail(1), observe=lambda: [1])
    await jobs.aio.assert_idempotent(SendMail(1), observe=dict)


def scenario(jobs: TestingJobs) -> None:
    jobs.drain()


def explored(jobs: TestingJobs) -> None:
    jobs.explore(scenario)
    jobs.explore(scenario, seeds=[17], workers=3)
