"""The two ways to run the demo: all in this process, or on Redis with a worker process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.signup.app import make_handlers
from examples.signup.settings import Settings
from jobkit import Enqueuer, MemoryJobs, RedisJobs

ROOT = Path(__file__).parents[2]
STOP_TIMEOUT = 10.0  # seconds


class WorkerEnded(Exception):
    """The worker process ended too early."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Where to enqueue; `watch_over` raises if nobody works any more."""

    jobs: Enqueuer
    watch_over: Callable[[], None]


@contextmanager
def in_memory(settings: Settings) -> Generator[Backend]:
    """Run the jobs in threads, and on an event loop, of this process."""
    with MemoryJobs(handlers=make_handlers(settings)) as jobs:
        jobs.start()
        yield Backend(jobs, lambda: None)


@contextmanager
def on_redis(settings: Settings, log: Path) -> Generator[Backend]:
    """Run them in a worker process. This one only enqueues: it has no handlers."""
    with (
        RedisJobs(settings.redis_url, namespace=settings.namespace) as jobs,
        log.open("wb") as output,
    ):
        worker = subprocess.Popen(
            [sys.executable, "-m", "jobkit.cli", "worker", "examples.signup.app:jobs"],
            cwd=ROOT,
            env={**os.environ, **settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

        def watch_over() -> None:
            if worker.poll() is not None:
                said = log.read_text(errors="replace")
                raise WorkerEnded(f"the worker ended with {worker.returncode}:\n{said}")

        try:
            yield Backend(jobs, watch_over)
            watch_over()
        finally:
            _stop(worker)


def _stop(worker: subprocess.Popen[bytes]) -> None:
    """Ask it to end, as a service manager does (SIGTERM), and insist if it does not."""
    worker.terminate()
    try:
        worker.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
