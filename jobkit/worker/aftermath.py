"""What follows a stored move: a line in the log, and the hooks."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from msgspec.structs import replace

from jobkit.engine import Engine
from jobkit.handlerset import Call
from jobkit.hooks import Event, call_hooks
from jobkit.record import Attempt, JobState
from jobkit.store import (
    CANCELLED_RUN,
    EndCancelled,
    Release,
    Settled,
    Settlement,
    SnoozeFor,
    StoredJob,
    Succeed,
)
from jobkit.store.moves import with_attempt

_LOGGER = logging.getLogger("jobkit.worker")


def after_settling(stored: StoredJob, settlement: Settlement, settled: Settled) -> StoredJob:
    """Return the job as the store has it right after a settlement that holds."""
    state = settled.state or JobState.DEAD  # None: dead, and dropped
    ended = settled.due is None
    after = replace(
        stored,
        state=state,
        run_at=stored.run_at if settled.due is None else settled.due,
        due=state is JobState.QUEUED,
        finished_at=settled.at if ended else None,
    )
    if not isinstance(settlement, Release):
        started_at = stored.started_at or settled.at - settlement.duration
        after = replace(after, duration=settlement.duration, started_at=started_at)
    if was_cancelled(settlement, settled):
        if after.started_at is None:
            return after
        return with_attempt(after, CANCELLED_RUN, now=settled.at)
    if isinstance(settlement, Release):
        return after
    if isinstance(settlement, Succeed):
        return replace(after, result=settlement.result)
    return with_attempt(after, settlement.failure, now=settled.at)


def was_cancelled(settlement: Settlement, settled: Settled) -> bool:
    """Tell whether the job ended cancelled because somebody asked for it."""
    if settled.state is not JobState.CANCELLED:
        return False
    return not isinstance(settlement, EndCancelled) or settlement.failure.outcome == "cancelled"


ENDS: Mapping[JobState, Event] = {
    JobState.SUCCEEDED: "on_success",
    JobState.DEAD: "on_dead",
    JobState.CANCELLED: "on_cancel",
}


# Ends of attempts of which only hooks want to know; a death is logged as well.
MAY_GO_BY = frozenset(JobState) - {JobState.DEAD}


def event_of(settlement: Settlement, settled: Settled) -> Event | None:
    """Return which hook a settlement that holds calls for."""
    if settled.state is None:  # dead, and dropped
        return "on_dead"
    if settled.state in ENDS:
        return ENDS[settled.state]
    return None if isinstance(settlement, Release | SnoozeFor) else "on_retry"


def announce(engine: Engine, call: Call | None, event: Event, stored: StoredJob) -> None:
    """Log a death, and call the hooks of a job's end."""
    record = engine.record(stored)
    last: Attempt | None = record.attempts[-1] if record.attempts else None
    if event == "on_dead":
        words = () if last is None else (last.error_type, last.message)
        why = ": ".join(word for word in words if word)
        _LOGGER.error(
            "job %s (%s) is dead after attempt %s: %s",
            record.id,
            record.type,
            record.attempt,
            why or "no reason was given",
        )
    if call is not None:
        call_hooks(call.hooks, event, record, last)


def announce_start(engine: Engine, call: Call, stored: StoredJob) -> None:
    """Call the hooks of a job's start."""
    call_hooks(call.hooks, "on_start", engine.record(stored), None)
