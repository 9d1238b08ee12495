"""What the tests of the suite are written with: jobs, lane sets, settlements."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, Literal

from jobkit.record import AttemptOutcome, JobState
from jobkit.store import (
    Bury,
    EndCancelled,
    Failure,
    Lane,
    LaneSet,
    Lease,
    NewJob,
    NewSchedule,
    Release,
    RetryLater,
    Settlement,
    SnoozeFor,
    StoredJob,
    Succeed,
    UniqueKey,
)

START: Final = 1_893_456_000_000  # 2030-01-01, in milliseconds
LEASE: Final = 30_000
SECOND: Final = 1_000
MINUTE: Final = 60_000
HOUR: Final = 3_600_000
QUEUE: Final = "q"


def a_job(
    type: str = "A",
    *,
    queue: str = QUEUE,
    payload: bytes = b"{}",
    priority: int = 0,
    run_at: int | None = None,
    delay: int = 0,
    options: bytes = b"",
    metadata: bytes = b"",
    retention: int | None = None,
    unique: UniqueKey | None = None,
) -> NewJob:
    """Build a job; the bench gives it an id when it is pushed."""
    return NewJob(
        id="",
        queue=queue,
        type=type,
        payload=payload,
        priority=priority,
        run_at=run_at,
        delay=delay,
        options=options,
        metadata=metadata,
        retention=retention,
        unique=unique,
    )


def unique(
    key: str = "A|k",
    *,
    until: Literal["started", "done"] = "started",
    ttl: int | None = None,
    on_conflict: Literal["return", "raise", "replace"] = "return",
) -> UniqueKey:
    """Build a unique key; without a ttl unless told otherwise."""
    return UniqueKey(key=key, until=until, ttl=ttl, on_conflict=on_conflict)


def a_schedule(
    name: str = "s",
    *,
    queue: str = QUEUE,
    definition: bytes = b"definition",
    grid: str = "@every 1m UTC -",
    rule: str | None = None,
    limit: int | None = None,
    skips_overlap: bool = False,
    owner: str | None = None,
) -> NewSchedule:
    """Build a schedule; its ticks are a minute apart as the bench fires them."""
    return NewSchedule(
        name=name,
        queue=queue,
        definition=definition,
        grid=grid,
        rule=rule,
        limit=limit,
        skips_overlap=skips_overlap,
        owner=owner,
    )


def lanes(*types: str, **special: Lane) -> LaneSet:
    """Build the lane set of a worker: plain types by name, special ones with their lane.

    >>> sorted(lanes("A", "B", C=Lane(group="C", limit=1)).lanes)
    ['A', 'B', 'C']
    """
    served = {name: Lane(group=name) for name in types} | special
    content = repr(sorted(served.items(), key=lambda item: item[0]))
    return LaneSet(key=hashlib.blake2b(content.encode(), digest_size=8).hexdigest(), lanes=served)


def lease_of(job: StoredJob) -> Lease:
    """Return the lease under which a job was claimed."""
    return Lease(id=job.id, fence=job.fence)


def failure(outcome: AttemptOutcome = "failed", message: str = "no") -> Failure:
    """Build what a failed attempt leaves behind."""
    return Failure(outcome=outcome, error_type="ValueError", message=message, traceback="line 1")


def succeed(
    job: StoredJob,
    *,
    duration: int = 7,
    result: bytes | None = None,
    children: tuple[NewJob, ...] = (),
) -> Succeed:
    """Build the success of a claimed job."""
    return Succeed(lease=lease_of(job), duration=duration, result=result, children=children)


def retry(
    job: StoredJob,
    outcome: AttemptOutcome = "failed",
    *,
    at: int | None = None,
    delay: int = 0,
    duration: int = 7,
    message: str = "no",
) -> RetryLater:
    """Build the failure of a claimed job that is to run again."""
    return RetryLater(
        lease=lease_of(job),
        failure=failure(outcome, message),
        at=at,
        delay=delay,
        duration=duration,
    )


def snooze(job: StoredJob, delay: int = SECOND, *, duration: int = 7) -> SnoozeFor:
    """Build the snooze of a claimed job."""
    return SnoozeFor(
        lease=lease_of(job), delay=delay, failure=failure("snoozed"), duration=duration
    )


def bury(
    job: StoredJob, outcome: AttemptOutcome = "failed", *, keep: bool = True, duration: int = 7
) -> Bury:
    """Build the death of a claimed job."""
    return Bury(lease=lease_of(job), failure=failure(outcome), keep=keep, duration=duration)


def discard(job: StoredJob, *, duration: int = 7) -> EndCancelled:
    """Build the end of a claimed job that its handler discards."""
    return EndCancelled(lease=lease_of(job), failure=failure("discarded"), duration=duration)


def release(job: StoredJob) -> Release:
    """Build the hand-back of a claimed job."""
    return Release(lease=lease_of(job))


def retry_soon(job: StoredJob) -> RetryLater:
    """Build a failure that waits for a second."""
    return retry(job, delay=SECOND)


def retry_now(job: StoredJob) -> RetryLater:
    """Build a failure after which the job is ready at once."""
    return retry(job)


def snooze_nothing(job: StoredJob) -> SnoozeFor:
    """Build a snooze after which the job is ready at once."""
    return snooze(job, 0)


def time_out(job: StoredJob) -> RetryLater:
    """Build a timeout that waits for a second."""
    return retry(job, "timed_out", delay=SECOND)


# Every way to end an attempt, and the state in which a job is after it.
SETTLEMENTS: Mapping[str, tuple[Callable[[StoredJob], Settlement], JobState]] = {
    "succeed": (succeed, JobState.SUCCEEDED),
    "retry": (retry_soon, JobState.RETRYING),
    "time out": (time_out, JobState.RETRYING),
    "snooze": (snooze, JobState.SCHEDULED),
    "bury": (bury, JobState.DEAD),
    "discard": (discard, JobState.CANCELLED),
    "release": (release, JobState.QUEUED),
}
