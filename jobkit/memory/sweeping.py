"""Many ended jobs at once, in the memory store."""

from __future__ import annotations

from msgspec.structs import replace

from jobkit.memory.kept import KeptJob
from jobkit.memory.lines import place_of
from jobkit.memory.queue import MemoryQueue
from jobkit.record import JobState, Move
from jobkit.store import LOOKED_AT_ONCE, REPLAY_WINDOW, SWEPT_AT_ONCE, Place, Sweep, Swept


def sweep(queue: MemoryQueue, operation: Sweep, clock: int) -> Swept:
    """Act on a batch, or recognise the copy of an earlier request."""
    earlier = queue.sweeps.get(operation.channel)
    now = queue.time.now(clock)
    if (
        earlier is not None
        and operation.request <= earlier[0]
        and clock - earlier[1] <= REPLAY_WINDOW
    ):
        return replace(earlier[2], now=now)
    swept = _sweep(queue, operation, now)
    if operation.channel or swept.done:
        queue.sweeps[operation.channel] = (operation.request, clock, swept)
    for channel, (_, at, _) in list(queue.sweeps.items()):
        if clock - at > REPLAY_WINDOW:
            del queue.sweeps[channel]
    queue.crew.hint_wanted()
    return swept


def _sweep(queue: MemoryQueue, operation: Sweep, now: int) -> Swept:
    until = now if operation.until is None else operation.until
    done = 0
    for looked, (place, job) in enumerate(_candidates(queue, operation, until), start=1):
        fits = not operation.types or job.type in operation.types
        if fits and (job.finished_at or 0) <= until and _act(queue, job, operation, now):
            done += 1
        if done >= SWEPT_AT_ONCE or looked >= LOOKED_AT_ONCE:
            return Swept(now=now, done=done, cursor=place)
    return Swept(now=now, done=done, cursor=None)


def _candidates(queue: MemoryQueue, operation: Sweep, until: int) -> list[tuple[Place, KeptJob]]:
    """List what a sweep looks at: those by the bounds of the queue, then those by their own."""
    bounded, kept = (
        [(place_of(job, queue.order), job) for job in jobs]
        for _, jobs in queue.in_lines(operation.state)
    )
    if not operation.with_retention:
        kept.clear()
    bounded = bounded[: max(0, len(bounded) - operation.keep)]
    found = [entry for entry in bounded if entry[0].score <= until] + kept
    after = operation.cursor
    if after is None:
        return found
    behind = (after.line, after.score, after.member)
    return [entry for entry in found if _order(entry[0]) > behind]


def _order(place: Place) -> tuple[str, int, str]:
    return place.line, place.score, place.member


def _act(queue: MemoryQueue, job: KeptJob, operation: Sweep, now: int) -> bool:
    match operation.action:
        case "retry":
            return _retry(queue, job, now)
        case "delete":
            queue.take_out(job)
            del queue.jobs[job.id]
            return True
        case "empty":
            if job.emptied:
                return False
            job.new = replace(job.new, payload=b"")
            job.emptied = True
            return True


def _retry(queue: MemoryQueue, job: KeptJob, now: int) -> bool:
    if job.emptied or queue.ties.holder(job.new, now) is not None:
        return False
    queue.take_out(job)
    job.run_at = now
    job.begin_anew()
    queue.ties.take(job, now)
    queue.put_back(job, Move.RESCHEDULE, JobState.SCHEDULED, now=now)
    return True
