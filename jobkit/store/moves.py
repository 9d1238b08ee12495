"""What each move makes of a job, as pure functions, for stores that keep a job as one value.

A store of that kind has to keep beside it only what is no part of the record: the lease (worker,
fence, and when it runs out) as long as the job runs or has been settled under it.
"""

from __future__ import annotations

from typing import Final, Protocol

from msgspec.structs import replace

from jobkit.record import ENDED, JobState
from jobkit.store.operations import ATTEMPTS_KEPT, MAX_LOSSES
from jobkit.store.results import StoredAttempt, StoredJob
from jobkit.store.values import (
    CANCELLED_RUN,
    Bury,
    EndCancelled,
    Failure,
    NewJob,
    Release,
    RetryLater,
    Settlement,
    SnoozeFor,
    Succeed,
)

LOST: Final = Failure(
    outcome="lost",
    error_type="JobLost",
    message="its worker died, or lost the lease, while the job ran",
)


def stored(new: NewJob, *, arrival: int, now: int) -> StoredJob:
    """Return a job as it is after its push."""
    run_at = max(0, now + new.delay if new.run_at is None else new.run_at)
    return StoredJob(
        id=new.id,
        queue=new.queue,
        type=new.type,
        state=JobState.QUEUED if run_at <= now else JobState.SCHEDULED,
        payload=new.payload,
        options=new.options,
        metadata=new.metadata,
        priority=new.priority,
        run_at=run_at,
        arrival=arrival,
        enqueued_at=now,
        retention=new.retention,
        schedule=new.schedule,
        due=run_at <= now,
        unique_key=None if new.unique is None else new.unique.key,
    )


def seen(job: StoredJob, *, now: int) -> StoredJob:
    """Return a job as a reader sees it at an instant: one whose time has come is due."""
    waits = job.state in (JobState.SCHEDULED, JobState.RETRYING)
    due = job.state is JobState.QUEUED or (waits and job.run_at <= now)
    return job if due is job.due else replace(job, due=due)


def promoted(job: StoredJob) -> StoredJob:
    """Return a job whose time has come, when it is ready."""
    return replace(job, state=JobState.QUEUED, due=True)


def claimed(
    job: StoredJob, *, worker: str, version: str, fence: int, now: int, starts: bool = True
) -> StoredJob:
    """Return a job under a new lease; with `starts` False it is prefetched."""
    return replace(
        job,
        state=JobState.RUNNING,
        due=False,
        fence=fence,
        worker=worker,
        version=version,
        starts=job.starts + starts,
        started_at=now if starts else None,
        finished_at=None,
        duration=None,
        timed_out_at=None,
        progress=None,
        checked_in_at=None,
    )


def settled(job: StoredJob, settlement: Settlement, *, now: int) -> StoredJob:
    """Return a running job after its settlement; one that is to be dropped ends here as well."""
    if not isinstance(settlement, Release):
        if job.started_at is None:  # it was prefetched, and nobody has told of its start
            job = replace(job, starts=job.starts + 1, started_at=now - settlement.duration)
        job = replace(job, duration=settlement.duration)
    if job.cancel_requested_at is not None:
        job = job if job.started_at is None else with_attempt(job, CANCELLED_RUN, now=now)
        return _ended(job, JobState.CANCELLED, now)
    match settlement:
        case Succeed():
            return _ended(replace(job, result=settlement.result), JobState.SUCCEEDED, now)
        case RetryLater(at=at, delay=delay):
            run_at = now + delay if at is None else at
            return _waiting(with_attempt(job, settlement.failure, now=now), "retrying", run_at, now)
        case SnoozeFor(delay=delay):
            job = with_attempt(job, settlement.failure, now=now)
            return _waiting(job, "scheduled", now + delay, now)
        case Bury():
            return _ended(with_attempt(job, settlement.failure, now=now), JobState.DEAD, now)
        case EndCancelled():
            return _ended(with_attempt(job, settlement.failure, now=now), JobState.CANCELLED, now)
        case Release():
            return promoted(job)


def lost(job: StoredJob, *, now: int, on_lost_dead: bool = False) -> StoredJob:
    """Return a running job whose lease was lost: ready again as a suspect, or ended."""
    job = replace(job, suspect=True)
    if job.started_at is not None:
        job = with_attempt(replace(job, losses=job.losses + 1), LOST, now=now)
    if job.cancel_requested_at is not None:
        return _ended(job, JobState.CANCELLED, now)
    if job.losses >= MAX_LOSSES or (job.losses and on_lost_dead):
        return _ended(job, JobState.DEAD, now)
    return promoted(job)


def cancelled(job: StoredJob, *, now: int) -> StoredJob:
    """Return a job after a cancel: ended if it waited, marked if it runs, else as it was."""
    if job.state in ENDED or job.cancel_requested_at is not None:
        return job
    if job.state is JobState.RUNNING:
        return replace(job, cancel_requested_at=now)
    return _ended(replace(job, cancel_requested_at=now), JobState.CANCELLED, now)


class Ran(Protocol):
    """A job, however a store keeps it, as far as an ended run of it is told by that."""

    @property
    def failures(self) -> int: ...
    @property
    def timeouts(self) -> int: ...
    @property
    def started_at(self) -> int | None: ...
    @property
    def worker(self) -> str | None: ...
    @property
    def version(self) -> str | None: ...


def ended_run(job: Ran, failure: Failure, *, now: int) -> StoredAttempt:
    """Return the run of a job that has just ended so, as it is kept."""
    return StoredAttempt(
        number=1 + job.failures + job.timeouts,
        outcome=failure.outcome,
        error_type=failure.error_type,
        message=failure.message,
        traceback=failure.traceback,
        started_at=now if job.started_at is None else job.started_at,
        finished_at=now,
        worker=job.worker or "",
        version=job.version or "",
    )


def with_attempt(job: StoredJob, failure: Failure, *, now: int) -> StoredJob:
    """Return a job with one more ended run, counted by how that ended."""
    timed_out = failure.outcome == "timed_out"
    return replace(
        job,
        attempts=(*job.attempts, ended_run(job, failure, now=now))[-ATTEMPTS_KEPT:],
        failures=job.failures + (failure.outcome == "failed"),
        timeouts=job.timeouts + timed_out,
        timed_out_at=now if timed_out and job.timed_out_at is None else job.timed_out_at,
    )


def _ended(job: StoredJob, state: JobState, now: int) -> StoredJob:
    return replace(job, state=state, due=False, finished_at=now)


def _waiting(job: StoredJob, state: str, run_at: int, now: int) -> StoredJob:
    due = run_at <= now
    return replace(job, state=JobState.QUEUED if due else JobState(state), run_at=run_at, due=due)
