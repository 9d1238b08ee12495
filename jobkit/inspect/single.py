"""What is done to one job by its id; its queue is found first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jobkit.engine import Engine, Steps
from jobkit.errors import JobNotFound
from jobkit.handle import HandleTo
from jobkit.record import JobRecord


def read(engine: Engine, job_id: str) -> Steps[JobRecord[Any]]:
    """Read one job."""
    queue = yield from engine.queue_of(job_id)
    return (yield from engine.read(queue, job_id))


def cancel(engine: Engine, job_id: str) -> Steps[bool]:
    """Cancel a job; False if it had ended or was gone."""
    try:
        queue = yield from engine.queue_of(job_id)
    except JobNotFound:
        return False
    return (yield from engine.cancel(queue, job_id))


def delete(engine: Engine, job_id: str) -> Steps[bool]:
    """Delete a job; False if it was gone."""
    try:
        queue = yield from engine.queue_of(job_id)
    except JobNotFound:
        return False
    return (yield from engine.delete(queue, job_id))


def reschedule(engine: Engine, job_id: str, at: datetime, handle_to: HandleTo) -> Steps[None]:
    """Make a job due at another time."""
    queue = yield from engine.queue_of(job_id)
    yield from engine.reschedule(queue, job_id, at, handle_to)


def run_now(engine: Engine, job_id: str) -> Steps[None]:
    """Make a waiting job due now."""
    queue = yield from engine.queue_of(job_id)
    yield from engine.run_now(queue, job_id)


def retry(engine: Engine, job_id: str, handle_to: HandleTo) -> Steps[None]:
    """Run an ended job again."""
    queue = yield from engine.queue_of(job_id)
    yield from engine.retry(queue, job_id, handle_to)
