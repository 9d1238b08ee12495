"""What is done to one job by its id; its queue is found first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jobkit.engine import Engine, Steps, single
from jobkit.errors import JobNotFound
from jobkit.handle import HandleTo
from jobkit.record import JobRecord


def read(engine: Engine, job_id: str) -> Steps[JobRecord[Any]]:
    """Read one job."""
    queue = yield from single.queue_of(job_id)
    return (yield from single.read(engine, queue, job_id))


def cancel(engine: Engine, job_id: str) -> Steps[bool]:
    """Cancel a job; False if it had ended or was gone."""
    try:
        queue = yield from single.queue_of(job_id)
    except JobNotFound:
        return False
    return (yield from single.cancel(engine, queue, job_id))


def delete(job_id: str) -> Steps[bool]:
    """Delete a job; False if it was gone."""
    try:
        queue = yield from single.queue_of(job_id)
    except JobNotFound:
        return False
    return (yield from single.delete(queue, job_id))


def reschedule(job_id: str, at: datetime, handle_to: HandleTo) -> Steps[None]:
    """Make a job due at another time."""
    queue = yield from single.queue_of(job_id)
    yield from single.reschedule(queue, job_id, at, handle_to)


def run_now(job_id: str) -> Steps[None]:
    """Make a waiting job due now."""
    queue = yield from single.queue_of(job_id)
    yield from single.run_now(queue, job_id)


def retry(job_id: str, handle_to: HandleTo) -> Steps[None]:
    """Run an ended job again."""
    queue = yield from single.queue_of(job_id)
    yield from single.retry(queue, job_id, handle_to)
