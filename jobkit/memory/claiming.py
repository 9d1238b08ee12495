"""What a claim does to a memory queue."""

from __future__ import annotations

from msgspec.structs import replace

from jobkit.memory.kept import KeptJob
from jobkit.memory.queue import MemoryQueue
from jobkit.store import Claim, Claimed


def claim(queue: MemoryQueue, operation: Claim, clock: int) -> Claimed:
    """Promote, reclaim, then lease the best jobs."""
    crew = queue.crew
    if not crew.serves(operation.worker, operation.lanes):
        return Claimed(now=queue.time.now(clock), lanes_unknown=True)
    now = queue.tick(clock, operation.lease)
    crew.idle.pop(operation.worker, None)
    earlier = crew.claims.get(operation.worker)
    if earlier is not None and operation.request <= earlier[0]:
        return _same_again(queue, operation, earlier[1], now)
    queue.promote(now)
    ended = queue.reclaim(now)
    queue.ledger.write(now)
    jobs = _lease_best(queue, operation, now)
    if not jobs:
        queue.trim(operation.bounds, now=now, ended=len(ended))
    crew.claims[operation.worker] = (operation.request, tuple([job.id for job in jobs]))
    return _claimed(queue, operation, jobs, ended, now)


def _lease_best(queue: MemoryQueue, operation: Claim, now: int) -> list[KeptJob]:
    """Take the best jobs, or the one that is asked for, and write their leases."""
    if operation.only is None:
        taken = queue.take(
            operation.lanes,
            slots=operation.slots,
            prefetch=operation.prefetch,
            suspects=operation.suspects,
        )
    else:
        taken = queue.take_only(operation.lanes, operation.only, started=operation.slots > 0)
    if taken:
        queue.fences += 1
    for job, started in taken:
        queue.lease(
            job,
            worker=operation.worker,
            version=operation.version,
            now=now,
            lease=operation.lease,
        )
        if started:
            job.begin(now)
    return [job for job, _ in taken]


def _same_again(queue: MemoryQueue, operation: Claim, ids: tuple[str, ...], now: int) -> Claimed:
    """Answer the copy of a claim: what it took and still holds."""
    held = [queue.jobs[i] for i in ids if i in queue.running]
    held = [job for job in held if job.held_by(operation.worker, job.fence)]
    return replace(_claimed(queue, operation, held, [], now), repeated=True)


def _claimed(
    queue: MemoryQueue, operation: Claim, jobs: list[KeptJob], ended: list[str], now: int
) -> Claimed:
    """Pass the hint on if work is left, note whether the worker idles, and say what it has got."""
    may_suspect = operation.suspects > 0
    if jobs and queue.crew.idle:
        best = queue.best_lane(operation.lanes, suspects=may_suspect)
        if best is not None:
            queue.crew.hint(best.removeprefix("!"))  # one enqueue wakes one worker, and so on
    if operation.idle and len(jobs) < operation.slots + operation.prefetch:
        queue.crew.idle[operation.worker] = operation.lanes.key
    return Claimed(
        now=now,
        jobs=tuple([job.stored(now) for job in jobs]),
        started=sum([job.started for job in jobs]),
        next_due=queue.next_due(),
        next_tick=queue.schedules.next_look,
        more=queue.has_open_lane(operation.lanes, suspects=may_suspect),
        ended=tuple(ended),
    )
