"""One worker of the chaos run: its handler writes down when each job starts and ends.

python -m benchmarks.chaos_worker URL NAMESPACE LOG LEASE_SECONDS SCENARIO

Scenario "steps": eight slots. "limits": one slot, so that a limit is shared by processes.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import jobkit
from benchmarks.places import take_place

LIMIT = 3


@dataclass(frozen=True)
class Step:
    """A job that takes a few milliseconds."""

    number: int
    seconds: float


@dataclass(frozen=True)
class Tick:
    """What a schedule makes each second."""

    number: int


@jobkit.job(max_concurrency=LIMIT)
@dataclass(frozen=True)
class Narrow:
    """A job of which a few may run at once, over all processes."""

    number: int
    seconds: float


def main() -> None:
    """Run until killed, or until SIGTERM."""
    url, namespace, log, lease, scenario = sys.argv[1:]
    journal = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    # Everything that ended is kept until it was looked at.
    keep = {"default": jobkit.QueueOptions(finished_max=10_000_000)}
    jobs = jobkit.RedisJobs(url, namespace=namespace, queues=keep)

    def note(event: str, job_id: str) -> None:
        # One write of one short line: the system appends it as a whole.
        os.write(journal, f"{event} {job_id} {os.getpid()} {time.time():.3f}\n".encode())

    @jobs.register
    def step(job: Step, ctx: jobkit.JobContext) -> None:
        note("start", ctx.id)
        time.sleep(job.seconds)
        note("end", ctx.id)

    @jobs.register
    def narrow(job: Narrow, ctx: jobkit.JobContext) -> None:
        note("start", ctx.id)
        with take_place(Path(f"{log}.places"), LIMIT, patience=float(lease) / 2):
            time.sleep(job.seconds)
        note("end", ctx.id)

    @jobs.register
    def tick(_job: Tick, ctx: jobkit.JobContext) -> None:
        note("start", ctx.id)
        note("end", ctx.id)

    slots = 1 if scenario == "limits" else 8
    jobs.run(concurrency=slots, lease=timedelta(seconds=float(lease)))


if __name__ == "__main__":
    # The stored name of Step must be the same here and for whoever enqueues it.
    from benchmarks.chaos_worker import main as run

    run()
