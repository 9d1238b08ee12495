"""What the test double costs: `make double`.

python -m benchmarks.double [--rounds 3] [--only WORDS] [--json FILE]

Process CPU time, so that other programs on the machine matter little; each figure is the median
of the rounds, with the least and the greatest beside it. What is loaded or kept for good is
measured in a process of its own.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from benchmarks.figures import Figures, add, show
from benchmarks.jobtypes import JobA, JobB, async_handlers, jobs, sync_handlers
from jobkit import Handlers
from jobkit_testing import TestingJobs

MANY = 100_000
DRAINED = 20_000
FEW = 1_000
START = datetime(2030, 1, 1, tzinfo=UTC)


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this process that some work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def enqueue_and_assert() -> Mapping[str, float]:
    """Measure 100,000 single enqueues, and what an assertion on them takes."""
    double, todo = TestingJobs(start=START), [JobA(i) for i in range(MANY)]
    enqueue = cpu(lambda: [double.enqueue(job) for job in todo])
    total = cpu(lambda: double.assert_queued_total(MANY))
    typed = cpu(lambda: double.assert_queued(JobA, MANY))
    return {
        "100,000 enqueues + assert_queued_total, s": enqueue + total,
        "100,000 enqueues + assert_queued(type, n), s": enqueue + typed,
    }


def enqueue_many() -> Mapping[str, float]:
    """Measure the same jobs in batches."""
    double, todo = TestingJobs(start=START), jobs(MANY)
    return {"100,000 by enqueue_many, s": cpu(lambda: double.enqueue_many(todo, chunk=5_000))}


def drain_sync() -> Mapping[str, float]:
    """Measure jobs with a sync handler that does nothing."""
    double = TestingJobs(start=START, handlers=sync_handlers())
    double.enqueue_many(jobs(DRAINED), chunk=5_000)
    return {"drained sync job, us": cpu(lambda: double.drain(limit=MANY)) / DRAINED * 1e6}


def drain_async() -> Mapping[str, float]:
    """Measure jobs with an async handler that does nothing."""
    double = TestingJobs(start=START, handlers=async_handlers())
    double.enqueue_many(jobs(DRAINED // 4), chunk=5_000)
    return {"drained async job, us": cpu(lambda: double.drain(limit=MANY)) / (DRAINED // 4) * 1e6}


def perform() -> Mapping[str, float]:
    """Measure jobs that are enqueued and run by one call."""
    double = TestingJobs(start=START, handlers=sync_handlers())
    todo = jobs(FEW)
    return {"perform, us": cpu(lambda: [double.perform(job) for job in todo]) / FEW * 1e6}


def run_for() -> Mapping[str, float]:
    """Measure a day of ticks, one a minute."""
    double = TestingJobs(start=START, handlers=sync_handlers())
    double.schedule("* * * * *", JobA(1))
    day = timedelta(days=1)
    return {"run_for: a tick and its job, us": cpu(lambda: double.run_for(day)) / 1_440 * 1e6}


def construct() -> Mapping[str, float]:
    """Measure what every test with a double of its own pays, alone and with one job enqueued."""
    TestingJobs(start=START)
    handlers = sync_handlers()
    bare = cpu(lambda: [TestingJobs(start=START) for _ in range(FEW)])
    whole = cpu(lambda: [_small_test(handlers) for _ in range(FEW)])
    return {
        "TestingJobs(), us": bare / FEW * 1e6,
        "a small test: construct, enqueue, assert, drain, us": whole / FEW * 1e6,
    }


def _small_test(handlers: Handlers) -> object:
    double = TestingJobs(start=START, handlers=handlers)
    double.enqueue(JobA(1))
    double.assert_queued(JobA(1))
    double.drain()
    return double.assert_performed(JobA, 1)


def assertions() -> Mapping[str, float]:
    """Measure assertions where 1,000 jobs wait."""
    double = TestingJobs(start=START)
    double.enqueue_many(jobs(FEW))
    asked: dict[str, Callable[[], object]] = {
        "assert_queued_total": lambda: double.assert_queued_total(FEW),
        "assert_queued(type)": lambda: double.assert_queued(JobA, FEW // 5),
        "assert_queued(instance)": lambda: double.assert_queued(JobB(1), 1),
        "assert_queued(type, payload=)": lambda: double.assert_queued(
            JobA, FEW // 5, payload={"locale": "en"}
        ),
        "queued(type), every record read": lambda: list(double.queued(JobA)),
    }
    return {f"1,000 jobs: {name}, us": _each(work) for name, work in asked.items()}


def _each(work: Callable[[], object], times: int = 20) -> float:
    return cpu(lambda: [work() for _ in range(times)]) / times * 1e6


IMPORT = """
import time
began = time.process_time()
import jobkit_testing
imported = time.process_time()
jobkit_testing.TestingJobs()
print(imported - began, time.process_time() - began)
"""

MEMORY = """
import tracemalloc
from jobkit_testing import TestingJobs
from benchmarks.jobtypes import JobA
double = TestingJobs()
double.enqueue(JobA(0))
tracemalloc.start()
for i in range(19_999):
    double.enqueue(JobA(i))
kept, _ = tracemalloc.get_traced_memory()
double.assert_queued(JobA, 20_000)
print(kept, tracemalloc.get_traced_memory()[1])
"""


def load() -> Mapping[str, float]:
    """Measure what the first test of a process pays; without the start of Python."""
    _alone(IMPORT)  # compiles
    imported, used = _alone(IMPORT)
    return {
        "import jobkit_testing, ms": imported * 1000,
        "import jobkit_testing and the first TestingJobs(), ms": used * 1000,
    }


def memory() -> Mapping[str, float]:
    """Measure the memory that a queued job takes, and an assertion on all of them at its peak."""
    kept, asserted = _alone(MEMORY)
    return {
        "a queued job, bytes": kept / DRAINED,
        "a queued job while assert_queued(type, n) runs, bytes": asserted / DRAINED,
    }


def _alone(code: str) -> list[float]:
    """Return what a process prints that finds everything compiled, as after an install."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": _compiled()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return [float(word) for word in done.stdout.split()]


@cache
def _compiled() -> str:
    """Return a folder for what is compiled, with all in it that the double loads."""
    folder = tempfile.mkdtemp(prefix="jobkit-double-")
    atexit.register(shutil.rmtree, folder)
    return folder


MEASURES: tuple[Callable[[], Mapping[str, float]], ...] = (
    load,
    construct,
    enqueue_and_assert,
    enqueue_many,
    drain_sync,
    drain_async,
    perform,
    run_for,
    assertions,
    memory,
)


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description="What the test double costs.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of measures, such as drain_sync")
    parser.add_argument("--json", type=Path, help="write all values to this file")
    options = parser.parse_args()
    chosen = [each for each in MEASURES if not options.only or each.__name__ in options.only]
    figures: Figures = {}
    for number in range(options.rounds):
        print(f"round {number + 1}, Python {platform.python_version()}")
        for measure in chosen:
            for name, value in measure().items():
                add(figures, name, value)
    show(figures, print)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
