"""What each operation on schedules does to a memory queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from jobkit.memory.queue import MemoryQueue
from jobkit.store import (
    Declare,
    Declared,
    DueTicks,
    Fire,
    FireVerdict,
    PutResult,
    PutSchedule,
    RemoveSchedule,
    Schedules,
    StoredSchedules,
    Ticks,
)


def put(queue: MemoryQueue, operation: PutSchedule, clock: int) -> PutResult:
    """Store a schedule, and let somebody sleep less long."""
    now = queue.time.now(clock)
    before = queue.schedules.next_look
    result = queue.schedules.put(operation, now)
    if queue.schedules.next_look != before:
        queue.crew.hint_anybody()
    return result


def remove(queue: MemoryQueue, operation: RemoveSchedule, clock: int) -> bool:
    """Remove a schedule."""
    return queue.schedules.remove(operation)


def ticks(queue: MemoryQueue, operation: Ticks, clock: int) -> DueTicks:
    """Read what is due."""
    return queue.schedules.due(operation, queue.time.now(clock))


def fire(queue: MemoryQueue, operation: Fire, clock: int) -> FireVerdict:
    """Move a schedule on, and store the job of its tick."""
    now = queue.time.now(clock)
    kept = queue.schedules.by_name.get(operation.name)
    last = None if kept is None else queue.jobs.get(kept.last_job or "")
    if operation.job is not None and operation.job.id in queue.jobs:
        operation = replace(operation, job=None)  # a clock set back brought the same tick again
    verdict = queue.schedules.fire(
        operation, now, is_unfinished=last is not None and last.tick_of is not None
    )
    if verdict == "fired" and operation.job is not None:
        queue.push(operation.job, now=now)
        queue.crew.hint_wanted()
    return verdict


def declare(queue: MemoryQueue, operation: Declare, clock: int) -> Declared:
    """Note what a living worker declares."""
    return queue.schedules.declare(operation, queue.time.now(clock))


def schedules(queue: MemoryQueue, operation: Schedules, clock: int) -> StoredSchedules:
    """Read schedules."""
    now = queue.time.now(clock)
    return StoredSchedules(now=now, schedules=queue.schedules.listed(operation.name, now))


OPERATIONS: Mapping[type, Callable[[MemoryQueue, Any, int], Any]] = {
    PutSchedule: put,
    RemoveSchedule: remove,
    Ticks: ticks,
    Fire: fire,
    Declare: declare,
    Schedules: schedules,
}
