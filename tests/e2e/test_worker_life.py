"""Start, shut down, start again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from jobkit import InvalidOption, JobContext
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import calling, do_nothing, returning
from tests.e2e.jobtypes import Mailed, Ping, Pong
from tests.e2e.waiting import Gate, eventually, heard, seconds_of, seconds_until

MINUTE = timedelta(minutes=1)
NOTHING = timedelta(0)
ROOT = Path(__file__).parents[2]


def test_start_is_idempotent(jobs: WorkingJobs) -> None:
    """B51"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.enqueue_many([Ping(n) for n in range(5)])
    jobs.start(concurrency=1)
    worker = jobs.worker

    jobs.start(concurrency=5)
    gate.wait_for(1)
    gate.open()
    jobs.drain(timeout=MINUTE)

    assert jobs.worker is worker
    assert gate.most == 1


def test_a_worker_can_be_started_again_after_shutdown(jobs: WorkingJobs) -> None:
    """B51"""
    jobs.register(do_nothing, job=Ping)

    for n in range(4):
        jobs.start()
        assert jobs.enqueue(Ping(n)).wait(MINUTE).state == "succeeded"
        jobs.shutdown()
        assert jobs.worker is None


def test_shutdown_is_idempotent_and_fine_if_never_started(jobs: WorkingJobs) -> None:
    """B52"""
    jobs.shutdown()
    jobs.start()
    jobs.shutdown()
    jobs.shutdown()

    assert jobs.worker is None


def test_a_shutdown_right_after_the_start_does_not_wait(jobs: WorkingJobs) -> None:
    """B52"""
    jobs.register(do_nothing, job=Ping)
    for _ in range(20):
        jobs.start(poll=timedelta(seconds=30))
        assert seconds_of(jobs.shutdown) < 3


def test_a_handler_registered_while_the_worker_runs_gets_its_jobs(jobs: WorkingJobs) -> None:
    """B51"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start()
    running = jobs.enqueue(Ping())
    gate.wait_for(1)
    waiting = jobs.enqueue(Pong())
    elsewhere = jobs.enqueue(Mailed())

    jobs.register(returning("pong"), job=Pong)
    jobs.register(returning("mailed"), job=Mailed)

    assert waiting.wait(MINUTE).result == "pong"
    assert elsewhere.wait(MINUTE).result == "mailed"
    assert running.record().state == "running"
    gate.open()
    assert running.wait(MINUTE).state == "succeeded"


def test_shutdown_waits_for_what_runs(jobs: WorkingJobs) -> None:
    """B52"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start()
    handle = jobs.enqueue(Ping())
    gate.wait_for(1)
    opening = threading.Timer(0.2, gate.open)
    opening.start()

    jobs.shutdown(timeout=MINUTE)
    opening.join()

    assert handle.record().state == "succeeded"
    assert handle.record().result == "passed"
    assert jobs.handed_back == 0


@pytest.mark.parametrize("how", ["sync", "async", "deaf", "deaf async"])
def test_shutdown_hands_back_what_does_not_end(jobs: WorkingJobs, how: str) -> None:
    """B52"""
    started, release = threading.Event(), threading.Event()
    reasons: list[str | None] = []

    def run(job: Ping, ctx: JobContext) -> str:
        started.set()
        ctx.cancelled.wait(20)
        reasons.append(ctx.cancelled.reason)
        if how == "deaf":
            release.wait(20)
        raise InterruptedError

    async def run_async(job: Ping, ctx: JobContext) -> None:
        started.set()
        try:
            await asyncio.sleep(20)
        finally:
            reasons.append(ctx.cancelled.reason)
            if how == "deaf async":
                await asyncio.to_thread(release.wait, 20)

    jobs.register(run_async if "async" in how else run, job=Ping)
    jobs.start()
    first, second = jobs.enqueue(Ping()), jobs.enqueue(Pong())
    heard(started)

    jobs.shutdown(timeout=timedelta(milliseconds=50))
    record = first.record()

    assert reasons == ["shutdown"]
    assert jobs.handed_back == 1
    assert record.state == "queued"
    assert (record.attempt, record.losses, record.attempts) == (1, 0, ())
    assert second.record().state == "queued"
    release.set()


def test_what_was_handed_back_is_first_in_line(jobs: WorkingJobs) -> None:
    """B9, B52"""
    gate = Gate()
    order: list[int] = []
    jobs.register(calling(lambda job: order.append(job.n) if job.n else gate.enter()), job=Ping)
    jobs.start(concurrency=1)
    jobs.enqueue(Ping(0))
    gate.wait_for(1)
    jobs.enqueue_many([Ping(n) for n in range(1, 4)])

    jobs.shutdown(timeout=NOTHING)
    gate.open()
    jobs.start(concurrency=1)
    jobs.drain(timeout=MINUTE)

    assert order == [1, 2, 3]
    assert gate.passed == 2


def test_prefetched_jobs_go_back_unstarted(jobs: WorkingJobs) -> None:
    """B37, B52"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    handles = jobs.enqueue_many([Ping(n) for n in range(5)])
    jobs.start(concurrency=1, prefetch=4)
    gate.wait_for(1)
    eventually(lambda: all(h.record().state == "running" for h in handles))

    jobs.shutdown(timeout=NOTHING)

    assert {h.record().state for h in handles} == {"queued"}
    assert sorted(h.record().starts for h in handles) == [0, 0, 0, 0, 1]
    assert {h.record().losses for h in handles} == {0}
    gate.open()


def test_a_hurried_shutdown_does_not_wait(jobs: WorkingJobs) -> None:
    """B52"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start()
    handle = jobs.enqueue(Ping())
    gate.wait_for(1)
    stopping = threading.Thread(target=jobs.shutdown, kwargs={"timeout": MINUTE})
    stopping.start()
    eventually(lambda: jobs.worker is None)

    jobs.hurry()

    assert seconds_until(lambda: not stopping.is_alive()) < 5
    assert handle.record().state == "queued"
    assert jobs.handed_back == 1
    gate.open()


def test_a_worker_that_waits_for_its_end_does_not_spin(jobs: WorkingJobs) -> None:
    """B52: new jobs come in while it waits for the last one that runs."""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start(concurrency=2)
    jobs.enqueue(Ping())
    gate.wait_for(1)
    stopping = threading.Thread(target=jobs.shutdown, kwargs={"timeout": MINUTE})
    stopping.start()
    eventually(lambda: jobs.worker is None)

    jobs.enqueue_many([Ping(n) for n in range(5)])
    used = time.process_time()
    threading.Event().wait(0.5)  # what is measured is that nothing happens
    used = time.process_time() - used

    assert used < 0.25
    gate.open()
    stopping.join()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"concurency": 3}, InvalidOption),
        ({"concurrency": 0}, InvalidOption),
        ({"lease": NOTHING}, InvalidOption),
        ({"queues": []}, InvalidOption),
        ({"queues": {"a": 0}}, InvalidOption),
        ({"strict": True}, InvalidOption),
        ({"strict": True, "queues": {"a": 1, "b": 9}}, InvalidOption),
    ],
)
def test_a_wrong_option_starts_nothing(
    jobs: WorkingJobs, options: dict[str, object], error: type[Exception]
) -> None:
    """B57"""
    with pytest.raises(error):
        jobs.start(**options)  # type: ignore[arg-type]  # what is tested is that it is wrong

    assert jobs.worker is None


def test_a_forked_child_enqueues_and_works_on_its_own(redis_make: MakeJobs) -> None:
    """B51: connections, worker identity and ids are made anew."""
    jobs = redis_make()
    jobs.register(calling(lambda job: os.getpid()), job=Pong)
    jobs.start()
    before = jobs.enqueue(Pong())
    parent_name = before.wait(MINUTE).worker

    child = os.fork()
    if child == 0:
        status = 1
        try:
            assert jobs.worker is None
            jobs.register(calling(lambda job: os.getpid()), job=Ping)
            handles = [jobs.enqueue(Ping(n)) for n in range(20)]
            jobs.drain(timeout=MINUTE)
            jobs.start()
            handles.append(jobs.enqueue(Ping()))
            records = [handle.wait(MINUTE) for handle in handles]
            assert {record.result for record in records} == {os.getpid()}
            assert parent_name not in {record.worker for record in records}
            jobs.close()
            status = 0
        finally:
            os._exit(status)
    after = [jobs.enqueue(Pong(n)) for n in range(20)]
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert {handle.wait(MINUTE).state for handle in after} == {"succeeded"}
    assert jobs.enqueue(Pong()).wait(MINUTE).worker == parent_name


@pytest.mark.parametrize("middleware", ["none", "async"])
def test_a_process_ends_though_a_handler_never_does(middleware: str) -> None:
    """B52"""
    program = """
import sys, threading
from datetime import timedelta
from jobkit import MemoryJobs
from tests.e2e.jobtypes import Ping

jobs = MemoryJobs()
started = threading.Event()

async def around(ctx, call_next):
    return await call_next()

if sys.argv[1] == "async":
    jobs.middleware(around)

@jobs.register
def hang(job: Ping) -> None:
    started.set()
    threading.Event().wait()

jobs.start()
jobs.enqueue(Ping())
assert started.wait(20)
jobs.shutdown(timeout=timedelta(0))
print("handed back", jobs.handed_back)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, middleware],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "handed back 1\n"
