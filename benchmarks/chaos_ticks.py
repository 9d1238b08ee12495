"""Schedules under the chaos run: each second's tick makes one job, whoever was killed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterable

import jobkit
from benchmarks.chaos_worker import Tick
from jobkit.redis.store import RedisStore
from jobkit.store import RemoveSchedule, Schedules, StoredJob, StoredSchedule

SECOND = 1_000


def start_ticks(jobs: jobkit.Scheduler, number: int) -> None:
    """Put schedules that tick each second, and never leave a tick out."""
    for n in range(number):
        jobs.schedule("@every 1s", Tick(n), name=f"tick-{n}", missed="all")


def stop_ticks(store: RedisStore, queue: str, *, patience: float) -> list[StoredSchedule]:
    """Wait until what is due now is fired, remove the schedules, return how far they had come."""
    found = store.run(Schedules(queue=queue))
    began, now = time.monotonic(), found.now
    while any((each.tick or 0) <= now for each in found.schedules):
        if time.monotonic() - began > patience:
            raise SystemExit(f"ticks that were due at {now} are not fired after {patience} s")
        time.sleep(0.05)
        found = store.run(Schedules(queue=queue))
    for each in found.schedules:
        store.run(RemoveSchedule(queue=queue, name=each.schedule.name))
    return list(found.schedules)


def faults_of_ticks(
    stopped: Iterable[StoredSchedule], jobs: Iterable[StoredJob], began: int
) -> tuple[int, list[str]]:
    """Return how many ticks there were, and a sentence for each that has not made one job.

    `jobs`: all that schedules made; `began`: up to when all ticks have to be there (ms).
    """
    made: dict[str, list[int]] = {}
    for job in jobs:
        if job.schedule is not None:
            made.setdefault(job.schedule, []).append(job.run_at)
    ticks, faults = 0, list[str]()
    for each in stopped:
        name, found = each.schedule.name, made.get(each.schedule.name, [])
        last = max(each.last_tick or 0, *found, 0)
        expected = list(range(each.first, last + 1, SECOND))
        ticks += len(expected)
        faults += [f"{name} has no job at {at}" for at in expected if at not in found]
        faults += [f"{name} has two jobs at {at}" for at in expected if found.count(at) > 1]
        if last + SECOND <= began:
            faults.append(f"{name} stopped at {last}, and was to go on until {began}")
    return ticks, faults
