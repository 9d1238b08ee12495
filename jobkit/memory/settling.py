"""How a settlement ends an attempt, in the memory store."""

from __future__ import annotations

from collections.abc import Mapping

from jobkit.memory.kept import KeptJob
from jobkit.memory.queue import MemoryQueue
from jobkit.record import ENDED, JobState, Move
from jobkit.store import (
    CANCELLED_RUN,
    Bury,
    EndCancelled,
    NewJob,
    Release,
    RetryLater,
    Settled,
    Settlement,
    SnoozeFor,
    Succeed,
)


def apply(
    queue: MemoryQueue, settlement: Settlement, *, worker: str, now: int
) -> tuple[Settled, tuple[NewJob, ...]]:
    """Carry out one settlement and return what became of it, and the children to publish."""
    job = queue.jobs.get(settlement.lease.id)
    if job is None:
        return Settled(verdict="gone", state=None, at=now), ()
    if not job.held_by(worker, settlement.lease.fence):
        return _not_held(job, worker, settlement.lease.fence, now), ()
    queue.stop_running(job)
    if not isinstance(settlement, Release):
        if not job.started:
            job.begin(now - settlement.duration)
        job.duration = settlement.duration
    if job.cancel_requested_at is not None:
        if job.started:
            job.note(CANCELLED_RUN, now=now)
        queue.end(job, _move_of(settlement), JobState.CANCELLED, now=now)
    else:
        _move(queue, job, settlement, now)
    return _result(job, job.id in queue.jobs, now), _children(job, settlement)


_MOVES: Mapping[type, Move] = {
    Succeed: Move.SUCCEED,
    RetryLater: Move.RETRY,
    SnoozeFor: Move.SNOOZE,
    Bury: Move.BURY,
    EndCancelled: Move.CANCEL,
    Release: Move.RELEASE,
}


def _move_of(settlement: Settlement) -> Move:
    return _MOVES[type(settlement)]


def _not_held(job: KeptJob, worker: str, fence: int, now: int) -> Settled:
    if job.state is not JobState.RUNNING and job.token == (worker, fence):
        return _result(job, True, now)  # the copy of a request that was carried out
    return Settled(verdict="lost", state=None, at=now)


def _result(job: KeptJob, kept: bool, now: int) -> Settled:
    if not kept:
        return Settled(verdict="ok", state=None, at=now)
    due = None if job.state in ENDED else job.run_at
    return Settled(verdict="ok", state=job.state, at=now, due=due)


def _children(job: KeptJob, settlement: Settlement) -> tuple[NewJob, ...]:
    if isinstance(settlement, Succeed) and job.state is JobState.SUCCEEDED:
        return settlement.children
    return ()


def _move(queue: MemoryQueue, job: KeptJob, settlement: Settlement, now: int) -> None:
    match settlement:
        case Succeed():
            job.result = settlement.result
            queue.end(job, Move.SUCCEED, JobState.SUCCEEDED, now=now)
        case RetryLater():
            job.note(settlement.failure, now=now)
            job.run_at = now + settlement.delay if settlement.at is None else settlement.at
            queue.put_back(job, Move.RETRY, JobState.RETRYING, now=now)
        case SnoozeFor():
            job.note(settlement.failure, now=now)
            job.run_at = now + settlement.delay
            queue.put_back(job, Move.SNOOZE, JobState.SCHEDULED, now=now)
        case Bury():
            job.note(settlement.failure, now=now)
            queue.end(job, Move.BURY, JobState.DEAD, now=now, keep=settlement.keep)
        case EndCancelled():
            job.note(settlement.failure, now=now)
            queue.end(job, Move.CANCEL, JobState.CANCELLED, now=now)
        case Release():
            queue.put_back(job, Move.RELEASE, JobState.SCHEDULED, now=now)
