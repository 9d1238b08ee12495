"""What users do to single jobs, in the memory store."""

from __future__ import annotations

from jobkit.memory.queue import MemoryQueue
from jobkit.memory.statistics import Ledger
from jobkit.record import ENDED, WAITING, JobState, Move
from jobkit.store import (
    Cancel,
    Delete,
    ForgetStatistics,
    KeyTaken,
    Pauses,
    PayloadGone,
    ReadPauses,
    Reschedule,
    SetPause,
    SetPriority,
    SpreadPauses,
)


def cancel(queue: MemoryQueue, operation: Cancel, clock: int) -> JobState | None:
    """Cancel a waiting job, mark a running one, leave an ended one."""
    job = queue.jobs.get(operation.id)
    if job is None:
        return None
    state = job.state
    now = queue.time.now(clock)
    if state is JobState.RUNNING:
        if job.cancel_requested_at is None:
            job.cancel_requested_at = now
    elif state not in ENDED:
        queue.take_out(job)
        job.cancel_requested_at = now
        queue.end(job, Move.CANCEL, JobState.CANCELLED, now=now)
        queue.trim(operation.bounds, now=now, ended=1)
    return state


def delete(queue: MemoryQueue, operation: Delete, clock: int) -> bool:
    """Remove a job from everywhere."""
    job = queue.jobs.get(operation.id)
    if job is None:
        return False
    holder = job.token[0] if job.token and job.state is JobState.RUNNING else None
    queue.take_out(job)
    queue.ties.loosen(job)
    queue.tell_schedule(job, "deleted", now=queue.time.now(clock))
    del queue.jobs[operation.id]
    if holder is not None:
        queue.wake_for_freed(job.lane, holder)
    return True


def reschedule(
    queue: MemoryQueue, operation: Reschedule, clock: int
) -> JobState | KeyTaken | PayloadGone | None:
    """Make a job due at another time; one that has ended begins anew."""
    job = queue.jobs.get(operation.id)
    if job is None:
        return None
    state = job.state
    if state not in operation.of or state is JobState.RUNNING:
        return state
    if job.emptied:
        return PayloadGone()
    now = queue.time.now(clock)
    if state in ENDED and (holder := queue.ties.holder(job.new, now)):
        return KeyTaken(holder=holder)
    queue.take_out(job)
    job.run_at = now if operation.run_at is None else max(operation.run_at, 0)
    if state in ENDED:
        job.begin_anew()
        queue.ties.take(job, now)
    else:
        queue.ties.hold_until(job, now)
    waits_as = state if state in queue.waiting else JobState.SCHEDULED
    queue.put_back(job, Move.RESCHEDULE, waits_as, now=now)
    queue.crew.hint_wanted()
    return state


def set_priority(queue: MemoryQueue, operation: SetPriority, clock: int) -> JobState | None:
    """Give a waiting job another priority."""
    job = queue.jobs.get(operation.id)
    if job is None:
        return None
    state = job.state
    if state is JobState.QUEUED:
        queue.take_out(job)
        job.priority = operation.priority
        queue.make_ready(job, Move.RESCHEDULE)
    elif state in WAITING:
        job.priority = operation.priority  # those that wait for a time stand by that alone
    return state


def set_pause(queue: MemoryQueue, operation: SetPause, clock: int) -> None:
    """Pause or resume a queue, or a type in it."""
    changed = queue.pauses.set(operation.type, paused=operation.paused)
    if changed and not operation.paused:
        queue.wake_for_ready()


def spread_pauses(queue: MemoryQueue, operation: SpreadPauses, clock: int) -> None:
    """Tell a queue what is paused over all queues."""
    before = queue.pauses.everywhere.types
    queue.pauses.hear(operation.paused)
    if before - queue.pauses.everywhere.types:
        queue.wake_for_ready()


def read_pauses(queue: MemoryQueue, operation: ReadPauses, clock: int) -> Pauses:
    """Read what is paused in a queue."""
    return queue.pauses.read()


def forget_statistics(queue: MemoryQueue, operation: ForgetStatistics, clock: int) -> None:
    """Begin to count anew."""
    queue.ledger = Ledger()
