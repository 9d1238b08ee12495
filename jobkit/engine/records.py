"""From what is stored to what users see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from jobkit.attempt import run_options
from jobkit.clock import from_milliseconds
from jobkit.engine.uniqueness import shown_key
from jobkit.errors import InvalidJob
from jobkit.jobtype import JobType
from jobkit.options import RunOptions
from jobkit.progress import decode_progress
from jobkit.record import ENDED, Attempt, JobRecord, JobState, Progress
from jobkit.store import StoredAttempt, StoredJob, StoredSlot

FAILED = frozenset({"failed", "timed_out", "dead", "lost"})
_options = msgspec.json.Decoder(dict[str, int | None])
_metadata = msgspec.json.Decoder(dict[str, str])
_result = msgspec.json.Decoder()


def call_options(stored: bytes) -> dict[str, Any]:
    """Decode what the call that enqueued the job said about its attempts; or `InvalidJob`."""
    if not stored:
        return {}
    try:
        options: dict[str, Any] = _options.decode(stored)
        if options.get("timeout") is not None:
            options["timeout"] = timedelta(milliseconds=options["timeout"])
    except (ValueError, OverflowError) as error:  # msgspec's errors are ValueErrors
        raise InvalidJob(f"the stored options do not decode: {error}") from error
    return options


def metadata_of(stored: StoredJob) -> dict[str, str]:
    """Decode a job's metadata; or `InvalidJob`."""
    return decode_metadata(stored.metadata)


def decode_metadata(stored: bytes) -> dict[str, str]:
    """Decode metadata; or `InvalidJob`."""
    try:
        return _metadata.decode(stored) if stored else {}
    except ValueError as error:
        raise InvalidJob(f"the stored metadata does not decode: {error}") from error


def readable(stored: StoredJob) -> StoredJob:
    """Return the job without those options and metadata that do not decode, to be looked at."""
    try:
        metadata_of(stored)
        call_options(stored.options)
    except InvalidJob:
        return replace(stored, options=b"", metadata=b"")
    return stored


def options_of(
    stored: StoredJob, job_type: JobType[Any] | None, defaults: Mapping[str, Any]
) -> RunOptions:
    """Return how this job's attempts are run: call over type over defaults."""
    of_type: Mapping[str, Any] = {} if job_type is None else job_type.options
    return run_options(call_options(stored.options), of_type, defaults)


def retries_left(stored: StoredJob, options: RunOptions) -> int | None:
    """Return how many failures more the job may have; None: without end."""
    if options.max_retries is None:
        return None
    return max(0, options.max_retries - stored.failures)


def record_of(
    stored: StoredJob, job_type: JobType[Any] | None, options: RunOptions
) -> JobRecord[Any]:
    """Return the record of a stored job."""
    attempts = tuple(attempt_of(each) for each in stored.attempts)
    if stored.state is JobState.SUCCEEDED:
        attempts = (*attempts, _success(stored))[-10:]
    failures = [attempt for attempt in attempts if attempt.outcome in FAILED]
    return JobRecord(
        id=stored.id,
        type=stored.type,
        queue=stored.queue,
        state=stored.state,
        due=stored.due,
        payload=_decode(stored, job_type),
        raw=stored.payload,
        priority=stored.priority,
        run_at=from_milliseconds(stored.run_at),
        enqueued_at=from_milliseconds(stored.enqueued_at),
        started_at=_instant(stored.started_at),
        finished_at=_instant(stored.finished_at),
        duration=None if stored.duration is None else timedelta(milliseconds=stored.duration),
        attempt=_attempt_number(stored, attempts),
        starts=stored.starts,
        losses=stored.losses,
        retries_left=retries_left(stored, options),
        attempts=attempts,
        error=failures[-1] if failures else None,
        result=None if stored.result is None else _result.decode(stored.result),
        progress=progress_of(stored),
        worker=stored.worker,
        version=stored.version or None,
        unique_key=shown_key(stored.unique_key),
        schedule=stored.schedule,
        metadata=metadata_of(stored),
        cancel_requested_at=_instant(stored.cancel_requested_at),
        timed_out_at=_instant(stored.timed_out_at),
    )


def progress_of(stored: StoredJob | StoredSlot) -> Progress | None:
    """Return what the handler of a job's last run last said of how far it is."""
    if stored.progress is None or stored.checked_in_at is None:
        return None
    return decode_progress(stored.progress, stored.checked_in_at)


def attempt_of(stored: StoredAttempt) -> Attempt:
    """Return an ended attempt as users see it."""
    return Attempt(
        number=stored.number,
        outcome=stored.outcome,
        error_type=stored.error_type or None,
        message=stored.message or None,
        traceback=stored.traceback or None,
        started_at=from_milliseconds(stored.started_at),
        finished_at=from_milliseconds(stored.finished_at),
        worker=stored.worker or None,
        version=stored.version or None,
    )


def _success(stored: StoredJob) -> Attempt:
    ended = from_milliseconds(stored.finished_at or 0)
    return Attempt(
        number=1 + stored.failures + stored.timeouts,
        outcome="succeeded",
        started_at=_instant(stored.started_at) or ended,
        finished_at=ended,
        worker=stored.worker,
        version=stored.version or None,
    )


def _attempt_number(stored: StoredJob, attempts: tuple[Attempt, ...]) -> int:
    if stored.state in ENDED and attempts:
        return attempts[-1].number
    return 1 + stored.failures + stored.timeouts


def _decode(stored: StoredJob, job_type: JobType[Any] | None) -> Any:
    if job_type is None:
        return None
    try:
        return job_type.decode(stored.payload)
    except InvalidJob:
        return None  # `raw` has the bytes


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)
