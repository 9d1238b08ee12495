"""What a worker holds: a job that it lost, and was given again."""

from __future__ import annotations

from typing import cast

from jobkit import MemoryJobs
from jobkit.clock import SystemClock
from jobkit.engine import Engine
from jobkit.engine.running import HeldJobs, Runner
from jobkit.options import worker_settings
from jobkit.store import StoredJob
from jobkit.worker.crew import Crew
from tests.e2e.handling import collecting
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually
from tests.unit.worker.claimed import a_claimed_job

FOREVER = float("inf")


def a_job(number: int, *, type: str, fence: int) -> StoredJob:
    payload = b'{"n":%d}' % number
    return a_claimed_job(f"job-{number}", type=f"e2e.{type}", payload=payload, fence=fence)


async def nothing() -> None:
    """Be the end of an event loop that never began."""


def a_crew(jobs: MemoryJobs, *, concurrency: int) -> Crew:
    engine = cast(Engine, vars(jobs)["_engine"])
    return Crew(
        engine,
        Runner(engine, open_outbox=lambda ctx: cast(HeldJobs, None)),
        worker_settings({"concurrency": concurrency}),
        SystemClock(),
        "crew",
        at_end_of_loop=nothing,
        imports=(),
    )


def test_a_job_that_comes_again_while_it_waits_in_line_runs_once_and_leaks_no_slot() -> None:
    """B13, B26, B38: the older lease ends, and so does its place in line."""
    with MemoryJobs() as jobs:
        gate, numbers = Gate(), list[int]()
        jobs.register(gate.handle, job=Ping)
        jobs.register(collecting(numbers), job=Pong)
        crew = a_crew(jobs, concurrency=1)
        crew.start(crew.take([a_job(1, type="Ping", fence=1)], FOREVER))
        crew.threads.wake()
        gate.wait_for(1)

        [lost] = crew.take([a_job(2, type="Pong", fence=2)], FOREVER)
        crew.start([lost])
        [again] = crew.take([a_job(2, type="Pong", fence=3)], FOREVER)
        crew.start([again])
        gate.open()
        eventually(lambda: len(crew.done) == 2)

        assert numbers == [2]
        assert [work.lease.fence for work, _ in crew.done] == [1, 3]
        assert lost.cancelled.reason == "lost"
        eventually(lambda: crew.slots.free == 1)
        assert (crew.slots.waiting, crew.abandoned) == (0, set())
        crew.close()
