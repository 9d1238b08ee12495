"""A claimed job, for the tests of what a worker does with it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from jobkit.record import JobState
from jobkit.store import StoredJob

_JOB = StoredJob(
    id="job",
    queue="default",
    type="Ping",
    state=JobState.RUNNING,
    payload=b"{}",
    options=b"",
    metadata=b"",
    priority=0,
    run_at=0,
    arrival=0,
    enqueued_at=0,
)


def a_claimed_job(job_id: str, **fields: Any) -> StoredJob:
    """Return one that runs for the first time, plain in all that `fields` do not say."""
    return replace(_JOB, id=job_id, **fields)
