"""What is known about a job: its state, the moves between states, its record.

enqueue ─┬────────────► queued ──claim──► running ──succeed──► succeeded
         │                ▲  ▲              │ │ │
         └─► scheduled ───┘  │   ◄─release──┘ │ └──bury─────► dead
                 ▲       promote              │
                 └──snooze── retrying ◄─retry─┘      cancel ► cancelled
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Literal, TypeAlias, TypeVar

from jobkit.description import describe

J_co = TypeVar("J_co", covariant=True)

AttemptOutcome: TypeAlias = Literal[
    "succeeded", "failed", "timed_out", "snoozed", "discarded", "dead", "cancelled", "lost"
]


class JobState(StrEnum):
    """Where a job is; always exactly one of these."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"


WAITING = frozenset({JobState.SCHEDULED, JobState.QUEUED, JobState.RETRYING})
ENDED = frozenset({JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED})


class Move(StrEnum):
    """Why a job changes its state."""

    ENQUEUE = "enqueue"
    PROMOTE = "promote"
    CLAIM = "claim"
    SUCCEED = "succeed"
    RETRY = "retry"
    SNOOZE = "snooze"
    BURY = "bury"
    CANCEL = "cancel"
    RELEASE = "release"
    RECLAIM = "reclaim"
    RESCHEDULE = "reschedule"
    DELETE = "delete"


_S = JobState
# Which states a move may lead from, and to; None is "not stored".
MOVES: Mapping[Move, tuple[frozenset[JobState | None], frozenset[JobState | None]]] = {
    Move.ENQUEUE: (frozenset({None}), frozenset({_S.QUEUED, _S.SCHEDULED})),
    Move.PROMOTE: (frozenset({_S.SCHEDULED, _S.RETRYING}), frozenset({_S.QUEUED})),
    Move.CLAIM: (frozenset({_S.QUEUED}), frozenset({_S.RUNNING})),
    Move.SUCCEED: (frozenset({_S.RUNNING}), frozenset({_S.SUCCEEDED, _S.CANCELLED, None})),
    Move.RETRY: (frozenset({_S.RUNNING}), frozenset({_S.RETRYING, _S.QUEUED, _S.CANCELLED})),
    Move.SNOOZE: (frozenset({_S.RUNNING}), frozenset({_S.SCHEDULED, _S.QUEUED, _S.CANCELLED})),
    Move.BURY: (frozenset({_S.RUNNING}), frozenset({_S.DEAD, _S.CANCELLED, None})),
    Move.CANCEL: (WAITING | {_S.RUNNING}, frozenset({_S.CANCELLED, None})),
    Move.RELEASE: (frozenset({_S.RUNNING}), frozenset({_S.QUEUED, _S.CANCELLED})),
    Move.RECLAIM: (frozenset({_S.RUNNING}), frozenset({_S.QUEUED, _S.DEAD, _S.CANCELLED, None})),
    Move.RESCHEDULE: (
        WAITING | ENDED,
        frozenset({_S.QUEUED, _S.SCHEDULED, _S.RETRYING}),
    ),
    Move.DELETE: (frozenset(JobState), frozenset({None})),
}

LEGAL = frozenset(
    (move, source, target)
    for move, (sources, targets) in MOVES.items()
    for source in sources
    for target in targets
)


def is_legal(move: Move, source: JobState | None, target: JobState | None) -> bool:
    """Tell whether the table has this move from one state to the other.

    >>> is_legal(Move.CLAIM, JobState.QUEUED, JobState.RUNNING)
    True
    >>> is_legal(Move.CLAIM, JobState.DEAD, JobState.RUNNING)
    False
    """
    return (move, source, target) in LEGAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of a job that came to an end."""

    number: int
    outcome: AttemptOutcome
    error_type: str | None = None
    message: str | None = None
    traceback: str | None = None
    started_at: datetime
    finished_at: datetime
    worker: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a running handler last said about how far it is."""

    text: str
    done: float | None
    total: float | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[J_co]):
    """A part of a list, how long the list is, and where to go on (None: that was all)."""

    items: tuple[J_co, ...]
    total: int
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord(Generic[J_co]):
    """One job as it was at the moment of reading.

    `payload` is None if the stored bytes (`raw`) do not decode here. `run_at` is when the job
    is or was due. `attempt` is the number of the attempt that runs, comes next, or was the
    last. `attempts` are the last ten that ended, oldest first; `error` is the last of them
    that failed. `retries_left` is by the options of its type as this process knows it; where it
    does not know the type, by those of the call and the defaults. `unique_key`: the key of its
    `unique` option, or "~" and the hash of its payload or of a long key, whether it still holds
    that or not.
    """

    id: str
    type: str
    queue: str
    state: JobState
    due: bool
    payload: J_co | None
    raw: bytes = field(repr=False)
    priority: int
    run_at: datetime
    enqueued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    duration: timedelta | None
    attempt: int
    starts: int
    losses: int
    retries_left: int | None
    attempts: tuple[Attempt, ...]
    error: Attempt | None
    result: object
    progress: Progress | None
    worker: str | None
    version: str | None
    unique_key: str | None
    schedule: str | None
    metadata: Mapping[str, str]
    cancel_requested_at: datetime | None
    timed_out_at: datetime | None

    def __repr__(self) -> str:
        """Without secrets: records end up in logs."""
        return describe(self)
