"""How a settlement ends an attempt, in the memory store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobkit.memory.kept import KeptJob
from jobkit.memory.queue import MemoryQueue
from jobkit.record import ENDED, AttemptOutcome, JobState, Move
from jobkit.store import (
    CANCELLED_RUN,
    LETTER_OF,
    Bury,
    EndCancelled,
    Lease,
    NewJob,
    Release,
    RetryLater,
    Settled,
    Settlement,
    SnoozeFor,
    Succeed,
)


def refusals(
    queue: MemoryQueue, settlements: Sequence[Settlement], *, worker: str, now: int
) -> dict[Lease, Settled]:
    """Return the answers to those whose leases are not held; nothing is written."""
    refused: dict[Lease, Settled] = {}
    for settlement in settlements:
        lease = settlement.lease
        job = queue.jobs.get(lease.id)
        if job is None:
            refused[lease] = Settled(verdict="gone", state=None, at=now)
        elif not job.held_by(worker, lease.fence):
            refused[lease] = _not_held(job, worker, lease.fence, now)
    return refused


def apply(
    queue: MemoryQueue, job: KeptJob, settlement: Settlement, *, now: int
) -> tuple[Settled, tuple[NewJob, ...]]:
    """Carry out a settlement of a job whose lease is held.

    Return what became of it, and the children to publish.
    """
    queue.stop_running(job)
    if not isinstance(settlement, Release):
        if not job.started:
            job.begin(now - settlement.duration)
        job.duration = settlement.duration
    if job.cancel_requested_at is not None:
        if job.started:
            job.note(CANCELLED_RUN, now=now)
            _count(queue, job, "cancelled", _duration(job, settlement, now))
        queue.end(job, _move_of(settlement), JobState.CANCELLED, now=now)
    else:
        _move(queue, job, settlement, now)
    return _result(job, now, is_kept=job.id in queue.jobs), _children(job, settlement)


def _count(
    queue: MemoryQueue,
    job: KeptJob,
    outcome: AttemptOutcome,
    duration: int,
    move: Move | None = None,
) -> None:
    """Count an attempt by how it ended; one that snoozed has not."""
    ledger, group, letter = queue.ledger, job.lane.group, LETTER_OF.get(outcome)
    if letter is not None or outcome == "succeeded":
        ledger.count_end(group, duration)
    if letter is not None:
        ledger.count(group, letter)
        if move is Move.RETRY:
            ledger.count(group, "r")
    if move is Move.BURY:
        ledger.count(group, "d")


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
        return _result(job, now, is_kept=True)  # the copy of a request that was carried out
    return Settled(verdict="lost", state=None, at=now)


def _result(job: KeptJob, now: int, *, is_kept: bool) -> Settled:
    if not is_kept:
        return Settled(verdict="ok", state=None, at=now)
    due = None if job.state in ENDED else job.run_at
    return Settled(verdict="ok", state=job.state, at=now, due=due)


def _children(job: KeptJob, settlement: Settlement) -> tuple[NewJob, ...]:
    if isinstance(settlement, Succeed) and job.state is JobState.SUCCEEDED:
        return settlement.children
    return ()


def _duration(job: KeptJob, settlement: Settlement, now: int) -> int:
    if isinstance(settlement, Release):  # nobody has taken the time
        return max(0, now - (now if job.started_at is None else job.started_at))
    return settlement.duration


def _note(
    queue: MemoryQueue,
    job: KeptJob,
    settlement: RetryLater | SnoozeFor | Bury | EndCancelled,
    now: int,
) -> None:
    """Keep how an attempt ended that did not succeed, and count it."""
    failure, duration = settlement.failure, settlement.duration
    job.note(failure, now=now)
    _count(queue, job, failure.outcome, duration, _move_of(settlement))


def _move(queue: MemoryQueue, job: KeptJob, settlement: Settlement, now: int) -> None:
    match settlement:
        case Succeed():
            job.result = settlement.result
            _count(queue, job, "succeeded", settlement.duration)
            queue.end(job, Move.SUCCEED, JobState.SUCCEEDED, now=now)
        case RetryLater():
            _note(queue, job, settlement, now)
            job.run_at = now + settlement.delay if settlement.at is None else settlement.at
            queue.put_back(job, Move.RETRY, JobState.RETRYING, now=now)
        case SnoozeFor():
            _note(queue, job, settlement, now)
            job.run_at = now + settlement.delay
            queue.put_back(job, Move.SNOOZE, JobState.SCHEDULED, now=now)
        case Bury():
            _note(queue, job, settlement, now)
            queue.end(job, Move.BURY, JobState.DEAD, now=now, keep=settlement.keep)
        case EndCancelled():
            _note(queue, job, settlement, now)
            queue.end(job, Move.CANCEL, JobState.CANCELLED, now=now)
        case Release():
            queue.make_ready(job, Move.RELEASE)  # also if the clock was set back since the claim
            queue.crew.wanted[job.type] = None
