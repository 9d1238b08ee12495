"""What users see of a store that cannot do everything: the double, real workers, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from examples.toystore.store import ToyStore
from jobkit import JobContext, NotSupported, QueueOptions, job
from jobkit.clock import SystemClock, system_milliseconds
from jobkit.engine import Engine
from jobkit.handlers import Handlers
from jobkit.ids import system_ids
from jobkit.store import Operation
from jobkit.worker.jobs import WorkingJobs
from jobkit_testing import TestingJobs

R = TypeVar("R")


@dataclass(frozen=True)
class SendMail:
    to: str


@job(max_concurrency=1)
@dataclass(frozen=True)
class Limited:
    to: str


@pytest.fixture
def jobs() -> Iterator[TestingJobs]:
    store = ToyStore()
    with TestingJobs(store=store) as jobs:
        yield jobs
    store.close()


def test_a_user_s_test_runs_on_it(jobs: TestingJobs) -> None:
    sent: list[str] = []

    @jobs.register
    def send(job: SendMail) -> None:
        if not sent:
            sent.append("failed")
            raise ValueError("no connection")
        sent.append(job.to)

    jobs.enqueue(SendMail("ann"), delay=timedelta(minutes=1))
    jobs.enqueue(SendMail("bob"), priority=-1)
    jobs.assert_queued(SendMail, 2)
    jobs.drain(raises=False)
    jobs.run_for(timedelta(minutes=2))

    jobs.assert_empty()
    jobs.assert_performed(SendMail("bob"), 1)
    assert sorted(sent) == ["ann", "bob", "failed"]
    jobs.reset()
    assert not jobs.queued()


ASKED: dict[str, tuple[str, Callable[[TestingJobs], object]]] = {
    "enqueue": ("unique keys", lambda jobs: jobs.enqueue(SendMail("ann"), unique=True)),
    "enqueue_many": ("unique keys", lambda jobs: jobs.enqueue_many([SendMail("ann")], unique=True)),
    "retention": (
        "retention",
        lambda jobs: jobs.enqueue(SendMail("ann"), retention=timedelta(hours=1)),
    ),
    "schedule": ("schedules", lambda jobs: jobs.schedule("@daily", SendMail("ann"))),
    "pause": ("pauses", lambda jobs: jobs.inspect.pause(queue="default")),
    "cancel": ("cancels", lambda jobs: jobs.enqueue(SendMail("ann")).cancel()),
    "run_now": ("reschedules", lambda jobs: jobs.enqueue(SendMail("ann")).run_now()),
    "prefetch": ("prefetch", lambda jobs: jobs.start(prefetch=1)),
    "workers": ("workers", lambda jobs: jobs.inspect.workers()),
    "stats": ("statistics", lambda jobs: jobs.inspect.stats()),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_it_cannot_do_is_refused_by_name(jobs: TestingJobs, what: str) -> None:
    """B57"""
    capability, ask = ASKED[what]
    jobs.enqueue(SendMail("bob"))  # there is a queue to ask about

    with pytest.raises(NotSupported, match=f"needs '{capability}'"):
        ask(jobs)


def test_a_refused_enqueue_stores_nothing(jobs: TestingJobs) -> None:
    """B57"""

    def enqueue_both() -> None:
        with jobs.transaction() as tx:
            tx.enqueue(SendMail("ann"))
            tx.enqueue(SendMail("bob"), unique=True)

    with pytest.raises(NotSupported, match="unique= of"):
        enqueue_both()

    jobs.assert_empty()


async def refused_twin(jobs: TestingJobs) -> None:
    with pytest.raises(NotSupported, match="needs 'unique keys'"):
        await jobs.aio.enqueue(SendMail("ann"), unique=True)


def test_the_async_twin_refuses_it_too(jobs: TestingJobs) -> None:
    """B57"""
    asyncio.run(refused_twin(jobs))

    jobs.assert_empty()


def test_a_type_whose_options_it_cannot_heed_is_not_run(jobs: TestingJobs) -> None:
    """B26, B57"""

    @jobs.register
    def send(job: Limited) -> None:
        raise AssertionError("it must not run without its limit")

    jobs.enqueue(Limited("ann"))
    with pytest.raises(NotSupported, match=r"max_concurrency=1 of .* needs 'limits'"):
        jobs.drain()

    jobs.assert_queued(Limited, 1)


def test_a_queue_whose_options_it_cannot_heed_is_refused() -> None:
    """B10, B36, B57"""
    store = ToyStore()
    with pytest.raises(NotSupported, match="needs 'queue order'"):
        TestingJobs(store=store, queues={"mail": QueueOptions(order="run_at")})
    with pytest.raises(NotSupported, match="needs 'retention'"):
        TestingJobs(store=store, queues={"mail": QueueOptions(dead_max=1)})
    TestingJobs(store=store, queues={"mail": QueueOptions()})
    store.close()


class Awaited:
    """The same store for coroutines; a file is fast enough to wait for."""

    def __init__(self, store: ToyStore) -> None:
        self._store = store

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        return self._store.run(operation, now=now)

    async def close(self) -> None:
        pass


def working(path: Path, handlers: Handlers | None = None) -> WorkingJobs:
    """Return a backend with real workers on a file."""
    engine = Engine(
        handlers=handlers or (),
        defaults=None,
        queues=None,
        new_ids=lambda: system_ids(system_milliseconds),
        max_payload=None,
        version=None,
        durable=True,
    )
    store = ToyStore(path)
    clock = SystemClock()
    return WorkingJobs(engine, store, Awaited(store), clock=clock, enqueue_timeout=None)


def test_a_real_worker_runs_its_jobs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """B57: it asks for nothing that the store does not have; handlers are told what it lacks."""
    seen: list[Any] = []
    with working(tmp_path / "jobs") as jobs, working(tmp_path / "jobs") as producer:

        @jobs.register
        def send(job: SendMail, ctx: JobContext) -> None:
            for ask in (lambda: ctx.checkin("half"), lambda: ctx.enqueue(SendMail("child"))):
                try:
                    ask()
                except NotSupported as error:
                    seen.append(str(error))
            seen.append(job.to)

        producer.enqueue(SendMail("ann"))
        report = jobs.drain(timeout=timedelta(seconds=20))

    assert report.succeeded == 1
    assert seen[-1] == "ann"
    assert "ctx.checkin of" in seen[0]
    assert "needs 'children'" in seen[1]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_worker_is_not_started_with_what_it_cannot_heed(tmp_path: Path) -> None:
    """B57: who starts it is told."""
    handlers = Handlers()
    handlers.schedule("@daily", SendMail("ann"))
    with working(tmp_path / "jobs") as jobs:
        with pytest.raises(NotSupported, match="needs 'prefetch'"):
            jobs.start(prefetch=1)

        @jobs.register
        def send(job: Limited) -> None:
            raise AssertionError("it must not run without its limit")

        with pytest.raises(NotSupported, match="needs 'limits'"):
            jobs.start()
    with (
        working(tmp_path / "others", handlers) as jobs,
        pytest.raises(NotSupported, match="needs 'schedules'"),
    ):
        jobs.start()
