"""What can be read of a queue of the memory store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jobkit.memory.kept import QUEUED, KeptJob
from jobkit.memory.lines import place_of
from jobkit.memory.queue import MemoryQueue
from jobkit.record import JobState
from jobkit.store import (
    Count,
    Get,
    Order,
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
    found = list(_behind(queue, operation))
    chosen = found[: operation.limit]
    now = queue.time.now(clock)
    return StoredPage(
        jobs=tuple([job.stored(now) for job in chosen]),
        cursor=place_of(chosen[-1], queue.order) if len(found) > len(chosen) else None,
    )


def _behind(queue: MemoryQueue, operation: Page) -> Iterator[KeptJob]:
    """Yield what stands behind the cursor, as pages show it."""
    after, types, sign = operation.cursor, operation.types, -1 if operation.newest_first else 1
    for name, jobs in queue.in_lines(operation.state):
        if after is not None and name < after.line:
            continue
        chosen = jobs if sign > 0 else reversed(jobs)
        if types:
            chosen = [job for job in chosen if job.new.type in types]
        if after is not None and name == after.line:
            chosen = [job for job in chosen if _is_behind(job, after, queue.order, sign)]
        yield from chosen


def _is_behind(job: KeptJob, after: Place, order: Order, sign: int) -> bool:
    place = place_of(job, order)
    here, there = (place.score, place.member), (after.score, after.member)
    return here > there if sign > 0 else here < there


def count(queue: MemoryQueue, operation: Count, clock: int) -> QueueCounts:
    """Count the jobs of a queue."""
    now = queue.time.now(clock)
    by_type: dict[JobState, dict[str, int]] = {state: {} for state in JobState}
    # A list of 100,000 pairs would have the collector look through all that there is.
    kinds = Counter((job.state, job.new.type) for job in queue.jobs.values())
    for (state, name), number in kinds.items():
        by_type[state][name] = number
    ready = [job.run_at for job in queue.jobs.values() if job.state is QUEUED]
    some_wait = any(by_type[state] for state in queue.waiting)
    jobs = queue.jobs.values() if some_wait else ()
    waiting = [job for job in jobs if job.state in queue.waiting]
    due = [job.run_at for job in waiting if job.run_at <= now]
    return QueueCounts(
        now=now,
        by_type=by_type,
        queued=by_type[QUEUED],
        **{s.value: sum(by_type[s].values()) for s in JobState if s is not QUEUED},
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
