"""How new jobs come into the memory store: the pushed ones, and the children of others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from jobkit.memory.kept import KeptJob
from jobkit.memory.queue import MemoryQueue
from jobkit.record import WAITING
from jobkit.store import KeyTaken, NewJob

QueueOf = Callable[[str], MemoryQueue]


def refusal(queue_of: QueueOf, jobs: Sequence[NewJob], clock: int) -> KeyTaken | None:
    """Return the first job that is to be refused because its key is held; nothing is written."""
    for index, new in enumerate(jobs):
        if new.unique is not None and new.unique.on_conflict == "raise":
            queue = queue_of(new.queue)
            holder = queue.ties.holder(new, queue.time.now(clock))
            if holder is not None:
                return KeyTaken(holder=holder, index=index)
    return None


def publish(queue_of: QueueOf, jobs: Sequence[NewJob], clock: int) -> tuple[str, ...]:
    """Store jobs, but not those whose key is held, and return the id that each is known by."""
    queues: dict[str, tuple[MemoryQueue, int]] = {}  # each with its instant
    ids: list[str] = []
    for new in jobs:
        here = queues.get(new.queue)
        if here is None:
            queue = queue_of(new.queue)
            here = queues[new.queue] = (queue, queue.time.now(clock))
        queue, now = here
        holder = None if new.unique is None else queue.ties.holder(new, now)
        if holder is None:
            queue.push(new, now=now)
        else:
            _meet(queue.jobs[holder], new)
        ids.append(holder or new.id)
    for queue, _ in queues.values():
        queue.crew.hint_wanted()
    return tuple(ids)


def with_delay_from(end: int, child: NewJob) -> NewJob:
    """Return a child whose delay runs from its parent's end, in whatever queue it is."""
    has_delay = child.run_at is None and child.delay > 0
    return replace(child, run_at=end + child.delay) if has_delay else child


def _meet(held: KeptJob, new: NewJob) -> None:
    """Let the holder of a key take over what a newcomer brings, if that asks for it."""
    if new.unique is not None and new.unique.on_conflict == "replace" and held.state in WAITING:
        held.new = replace(held.new, payload=new.payload, metadata=new.metadata)
