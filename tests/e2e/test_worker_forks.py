"""Handlers that fork: the new process is no second worker, however it comes back."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from jobkit import JobContext, JobState, MemoryJobs
from jobkit.worker import WorkingJobs
from tests.e2e.backends import breaches
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    # Python tells of it, rightly; what becomes of those who do it anyhow is what these are about.
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]

Way: TypeAlias = Callable[[], object]


def returning() -> None:
    """Return."""


def raising() -> None:
    """Raise, as `os.execvp` of a program that is not there."""
    raise FileNotFoundError("no such program")


def exiting() -> None:
    """Ask for an end."""
    sys.exit(7)


class Children:
    """Processes that handlers forked, and who ran which jobs."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.codes: list[int] = []

    def fork(self, way: Way) -> None:
        """Fork, let the new process come back by this way, and wait for its end."""
        child = os.fork()
        if child == 0:
            way()
            return
        try:
            eventually(lambda: self._has_ended(child))
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def note(self, job: Ping) -> None:
        """Be a handler: write down who runs this job."""
        with self._log.open("a") as log:
            log.write(f"{job.n} {os.getpid()}\n")

    def notes(self) -> list[tuple[int, int]]:
        """Return the numbers of the jobs that ran, and in which processes."""
        lines = (line.split() for line in self._log.read_text().splitlines())
        return [(int(number), int(process)) for number, process in lines]

    def _has_ended(self, child: int) -> bool:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            self.codes.append(os.waitstatus_to_exitcode(status))
        return found == child


@pytest.fixture
def children(tmp_path: Path) -> Children:
    """Keep what they do in a file."""
    return Children(tmp_path / "runs")


def check(jobs: WorkingJobs, children: Children) -> None:
    """Run jobs before and behind one that forks, and see that each ran once, and here."""
    jobs.register(children.note, job=Ping)
    jobs.enqueue_many([*map(Ping, range(20)), Pong(), *map(Ping, range(20, 60))])
    jobs.drain()

    assert sorted(children.notes()) == [(n, os.getpid()) for n in range(60)]
    assert jobs.inspect.queues()[0].counts[JobState.SUCCEEDED] == 61
    assert breaches(jobs) == []


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(("way", "code"), [(returning, 0), (raising, 1), (exiting, 7)])
def test_a_child_that_comes_back_out_of_a_handler_ends(
    children: Children, way: Way, code: int, concurrency: int
) -> None:
    """B23: else it would claim and run jobs under the name of the worker that forked it."""
    with MemoryJobs() as jobs:

        @jobs.register
        def fork(job: Pong) -> None:
            children.fork(way)

        jobs.start(concurrency=concurrency)
        check(jobs, children)

    assert children.codes == [code]


def test_so_does_that_of_a_coroutine(children: Children) -> None:
    """B23"""
    with MemoryJobs() as jobs:

        @jobs.register
        async def fork(job: Pong) -> None:
            children.fork(raising)

        jobs.start()
        check(jobs, children)

    assert children.codes == [1]


def test_so_does_that_of_a_handler_below_async_middleware(children: Children) -> None:
    """B23"""
    with MemoryJobs() as jobs:

        @jobs.middleware
        async def pass_on(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> Any:
            return await call_next()

        @jobs.register
        def fork(job: Pong) -> None:
            children.fork(returning)

        jobs.start()
        check(jobs, children)

    assert children.codes == [0]
