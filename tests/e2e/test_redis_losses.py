"""Workers that die, freeze or are cut off while they hold jobs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from jobkit import JobContext, JobState
from jobkit.store import MAX_LOSSES
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import collecting, do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.proxy import Proxy
from tests.e2e.redis_backends import a_server, backends
from tests.e2e.waiting import eventually, heard
from tests.servers import RedisServer

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
StartWorker: TypeAlias = Callable[[], subprocess.Popen[bytes]]
ROOT = Path(__file__).parents[2]

WORKER = """
import os, sys, threading
from datetime import timedelta
from jobkit import RedisJobs
from tests.e2e.jobtypes import Pong

jobs = RedisJobs(sys.argv[1], namespace=sys.argv[2])

@jobs.register
def run(job: Pong) -> None:
    if job.n == 0:
        threading.Event().wait(0.1)  # so that the others have begun
        os._exit(9)
    threading.Event().wait(0.3)

jobs.run(lease=timedelta(seconds=1))
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Start a server of this test's own."""
    with a_server() as running:
        yield running


@pytest.fixture
def near(server: RedisServer) -> Iterator[MakeJobs]:
    """Make backends on it."""
    with backends(server.url) as make:
        yield make


@pytest.fixture
def start_worker(redis_server: RedisServer, namespace: str) -> Iterator[StartWorker]:
    """Start worker processes; none outlives the test."""
    with ExitStack() as stack:

        def start() -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", WORKER, redis_server.url, namespace]
            worker = stack.enter_context(subprocess.Popen(command, cwd=ROOT))
            stack.callback(worker.kill)
            return worker

        yield start


def test_a_job_that_kills_its_workers_is_dead_in_the_end_and_takes_no_other_with_it(
    redis_make: MakeJobs, start_worker: StartWorker
) -> None:
    """B37"""
    alive = redis_make()  # while one worker lives, what the others held is claimable at once
    alive.register(do_nothing, job=Ping)
    alive.start(lease=SECOND)
    pill = alive.enqueue(Pong(0))
    innocents = alive.enqueue_many([Pong(n) for n in range(1, 5)])

    def has_news(worker: subprocess.Popen[bytes]) -> bool:
        return worker.poll() is not None or pill.record().state == "dead"

    deaths = 0
    worker = start_worker()
    eventually(partial(has_news, worker))
    while worker.poll() is not None:
        deaths += 1
        worker = start_worker()
        eventually(partial(has_news, worker))
    records = [handle.wait(MINUTE) for handle in innocents]
    record = pill.record()
    assert deaths == record.losses == record.starts == MAX_LOSSES
    assert record.error is not None
    assert record.error.error_type == "JobLost"
    assert {record.state for record in records} == {JobState.SUCCEEDED}
    assert max(record.losses for record in records) < MAX_LOSSES


def test_a_worker_that_was_cut_off_can_settle_nothing(server: RedisServer, near: MakeJobs) -> None:
    """B37, B38"""
    with Proxy(server) as proxy, backends(proxy.url) as far:
        cut_off, other = far(enqueue_timeout=SECOND), near()
        started, ran = threading.Event(), list[int]()
        reasons: list[str | None] = []

        @cut_off.register
        def stale(job: Pong, ctx: JobContext) -> str:
            started.set()
            ctx.enqueue(Ping(1))
            ctx.cancelled.wait(20)
            reasons.append(ctx.cancelled.reason)
            return "stale"

        @other.register
        def fresh(job: Pong, ctx: JobContext) -> str:
            ctx.enqueue(Ping(2))
            return "fresh"

        other.register(collecting(ran), job=Ping)
        cut_off.start(lease=SECOND)
        handle = other.enqueue(Pong())
        heard(started)

        proxy.hold()
        other.start(lease=SECOND)
        record = handle.wait(MINUTE)
        proxy.release()
        eventually(lambda: reasons)
        cut_off.shutdown()
        other.drain(timeout=MINUTE)

        assert reasons == ["lost"]
        assert (record.result, record.starts, record.losses) == ("fresh", 2, 1)
        assert handle.record() == record
        assert ran == [2]


def test_a_handler_that_blocks_the_event_loop_does_not_lose_its_lease(near: MakeJobs) -> None:
    """B37: leases are kept from outside of the handlers' threads."""
    blocking, idle = near(), near()

    @blocking.register
    async def block(job: Ping) -> None:
        threading.Event().wait(2.2)  # twice the lease, without giving the loop a turn

    blocking.start(lease=SECOND)
    handle = blocking.enqueue(Ping())
    eventually(lambda: handle.record().state == "running")
    idle.register(do_nothing, job=Ping)
    idle.start(lease=SECOND)
    record = handle.wait(MINUTE)

    assert (record.state, record.starts, record.losses) == ("succeeded", 1, 0)
