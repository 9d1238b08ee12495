"""What users ask of one job, as steps: to look at it, and to move it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jobkit.engine.core import Engine
from jobkit.engine.instants import stored_instant
from jobkit.engine.steps import Steps
from jobkit.engine.uniqueness import duplicate
from jobkit.errors import InvalidOption, JobNotFound, JobRunning, WrongState
from jobkit.handle import HandleTo
from jobkit.hooks import call_hooks
from jobkit.ids import queue_hash, queue_hash_of
from jobkit.options import ENQUEUE_CHECKS, check_options
from jobkit.record import ENDED, WAITING, JobRecord, JobState
from jobkit.store import (
    Cancel,
    Delete,
    Get,
    KeyTaken,
    PayloadGone,
    Queues,
    Reschedule,
    SetPriority,
    StoredJob,
)


def queue_of(job_id: str) -> Steps[str]:
    """Find a job's queue by its id."""
    # Types are a promise that user code may break at run time.
    if not isinstance(job_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidOption(f"id={job_id!r}: a job's id is a str, such as handle.id")
    names: tuple[str, ...] = yield Queues()
    wanted = queue_hash_of(job_id)
    for name in names:
        if queue_hash(name) == wanted:
            stored: StoredJob | None = yield Get(queue=name, id=job_id)
            if stored is not None:
                return name
    raise _not_found(job_id)


def read(engine: Engine, queue: str, job_id: str) -> Steps[JobRecord[Any]]:
    """Read one job."""
    stored: StoredJob | None = yield Get(queue=queue, id=job_id)
    if stored is None:
        raise _not_found(job_id)
    return engine.record(stored)


def cancel(engine: Engine, queue: str, job_id: str) -> Steps[bool]:
    """Cancel a job; False if it had ended or was gone."""
    state = yield Cancel(queue=queue, id=job_id, bounds=engine.bounds(queue))
    if state in WAITING:
        yield from _tell_of_cancel(engine, queue, job_id)
    return state is not None and state not in ENDED


def _tell_of_cancel(engine: Engine, queue: str, job_id: str) -> Steps[None]:
    """Call the hooks of a job that was cancelled while it waited: no worker will."""
    if not any(group.contents.hooks for group in engine.handlers.groups):
        return
    stored: StoredJob | None = yield Get(queue=queue, id=job_id)
    call = None if stored is None else engine.handlers.call(stored.type)
    if stored is not None and call is not None:
        call_hooks(call.hooks, "on_cancel", engine.record(stored), None)


def delete(queue: str, job_id: str) -> Steps[bool]:
    """Delete a job; False if it was gone."""
    gone: bool = yield Delete(queue=queue, id=job_id)
    return gone


def reschedule(queue: str, job_id: str, run_at: datetime, handle_to: HandleTo) -> Steps[None]:
    """Make a waiting job due at another time, or let an ended one run again then."""
    check_options({"run_at": run_at}, ENQUEUE_CHECKS, of="reschedule")
    move = Reschedule(queue=queue, id=job_id, of=WAITING | ENDED, run_at=stored_instant(run_at))
    yield from _reschedule(move, "reschedule", handle_to)


def run_now(queue: str, job_id: str) -> Steps[None]:
    """Make a waiting job due now."""
    state = yield Reschedule(queue=queue, id=job_id, of=WAITING)
    _check_state(state, WAITING, job_id, "run_now")


def retry(queue: str, job_id: str, handle_to: HandleTo) -> Steps[None]:
    """Let an ended job run again now, with fresh attempts."""
    move = Reschedule(queue=queue, id=job_id, of=ENDED)
    yield from _reschedule(move, "retry", handle_to)


def set_priority(queue: str, job_id: str, priority: int) -> Steps[None]:
    """Give a waiting job another priority."""
    check_options({"priority": priority}, ENQUEUE_CHECKS, of="set_priority")
    state = yield SetPriority(queue=queue, id=job_id, priority=int(priority))
    _check_state(state, WAITING, job_id, "set_priority")


def _reschedule(move: Reschedule, name: str, handle_to: HandleTo) -> Steps[None]:
    """Move a job; raises `Duplicate` if it has ended and another one holds its key now."""
    answer: JobState | KeyTaken | PayloadGone | None = yield move
    if isinstance(answer, PayloadGone):
        raise WrongState(
            f"{name}: job {move.id} has ended and its payload was pruned; enqueue it anew"
        )
    if isinstance(answer, KeyTaken):
        stored: StoredJob | None = yield Get(queue=move.queue, id=move.id)
        key = "" if stored is None else stored.unique_key or ""
        raise duplicate(f"{name} of job {move.id}", key, answer.holder, move.queue, handle_to)
    _check_state(answer, move.of, move.id, name)


def _not_found(job_id: str) -> JobNotFound:
    return JobNotFound(
        f"no job {job_id!r}: it was never stored, was deleted, or its retention is over"
    )


def _check_state(
    state: JobState | None, allowed: frozenset[JobState], job_id: str, name: str
) -> None:
    """Raise what it means that a job was in this state when `name` came to it."""
    if state is None:
        raise _not_found(job_id)
    if state is JobState.RUNNING:
        raise JobRunning(f"{name}: job {job_id} is running; cancel it, or wait until it has ended")
    if state not in allowed:
        words = " or ".join(sorted(allowed))
        raise WrongState(f"{name}: job {job_id} is {state}; this is for a job that is {words}")
