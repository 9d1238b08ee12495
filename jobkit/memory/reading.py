"""What can be read of a queue of the memory store."""

from __future__ import annotations

from collections import Counter

from jobkit.memory.kept import KeptJob
from jobkit.memory.queue import MemoryQueue
from jobkit.record import JobState
from jobkit.store import (
    Count,
    Get,
    Page,
    Place,
    QueueCounts,
    Statistics,
    StoredJob,
    StoredPage,
    StoredSlot,
    StoredStatistics,
    StoredWorker,
    StoredWorkers,
    Workers,
)


def get(queue: MemoryQueue, operation: Get, clock: int) -> StoredJob | None:
    """Read one job."""
    return queue.stored(operation.id, clock)


def page(queue: MemoryQueue, operation: Page, clock: int) -> StoredPage:
    """Read some jobs of one state."""
    entries = in_order(queue, operation)
    chosen = entries[: operation.limit]
    now = queue.time.now(clock)
    return StoredPage(
        jobs=tuple(job.stored(now) for _, job in chosen),
        cursor=chosen[-1][0] if len(entries) > len(chosen) else None,
    )


def in_order(queue: MemoryQueue, operation: Page) -> list[tuple[Place, KeptJob]]:
    """List what stands behind the cursor, as pages show it."""
    sign = -1 if operation.newest_first else 1
    after = operation.cursor
    entries = [
        (place, job)
        for place, job in queue.places(operation.state)
        if (not operation.types or job.type in operation.types)
        and (after is None or _is_behind(place, after, sign))
    ]
    entries.sort(key=lambda entry: (entry[0].score, entry[0].member), reverse=sign < 0)
    entries.sort(key=lambda entry: entry[0].line)  # a stable sort: the order in a line stays
    return entries


def _is_behind(place: Place, after: Place, sign: int) -> bool:
    if place.line != after.line:
        return place.line > after.line
    here, there = (place.score, place.member), (after.score, after.member)
    return here > there if sign > 0 else here < there


def count(queue: MemoryQueue, operation: Count, clock: int) -> QueueCounts:
    """Count the jobs of a queue."""
    now = queue.time.now(clock)
    by_type: dict[JobState, Counter[str]] = {state: Counter() for state in JobState}
    for job in queue.jobs.values():
        by_type[job.state][job.type] += 1
    waiting = [job for job in queue.jobs.values() if job.state in queue.waiting]
    due = [job.run_at for job in waiting if job.run_at <= now]
    ready = [job.run_at for job in queue.jobs.values() if job.state is JobState.QUEUED]
    return QueueCounts(
        now=now,
        by_type={state: dict(types) for state, types in by_type.items()},
        queued=dict(by_type[JobState.QUEUED]),
        **{s.value: by_type[s].total() for s in JobState if s is not JobState.QUEUED},
        due=len(due),
        next_due=queue.next_due(),
        oldest_due=min(due + ready, default=None),
    )


def workers(queue: MemoryQueue, operation: Workers, clock: int) -> StoredWorkers:
    """List the workers, and what they run."""
    busy: dict[str, list[StoredSlot]] = {}
    for job in sorted(queue.running.values(), key=lambda job: (job.started_at or 0, job.id)):
        if job.started:
            busy.setdefault(job.worker or "", []).append(job.slot())
    found = [
        StoredWorker(
            name=name,
            about=seen.about,
            beat_at=seen.at,
            types=tuple(sorted(queue.crew.lanes[seen.lanes].lanes)),
            slots=tuple(busy.get(name, ())),
        )
        for name, seen in sorted(queue.crew.workers.items())
    ]
    return StoredWorkers(now=queue.time.now(clock), workers=tuple(found))


def statistics(queue: MemoryQueue, operation: Statistics, clock: int) -> StoredStatistics:
    """Read what was counted."""
    now = queue.time.now(clock)
    return queue.ledger.read(now, minutes=operation.minutes, totals=operation.totals)
