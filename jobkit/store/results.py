"""What comes out of a store: jobs as they are kept, and what became of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from jobkit.record import AttemptOutcome, JobState
from jobkit.store.values import Place


class PayloadGone(Struct, frozen=True):
    """The job has ended and its payload was dropped: it cannot run again."""


class KeyTaken(Struct, frozen=True, kw_only=True):
    """Nothing was stored: job `holder` holds a unique key; `index`: the job that asked for it."""

    holder: str
    index: int = 0


# Kept by the thousand, and part of no cycle: the collector need not look at these two.
class StoredAttempt(Struct, frozen=True, kw_only=True, gc=False):
    """One ended run as a store keeps it."""

    number: int
    outcome: AttemptOutcome
    error_type: str
    message: str
    traceback: str
    started_at: int
    finished_at: int
    worker: str
    version: str


# Stores make one by places, in this order: by names, 33 of them, it takes eight times as long.
class StoredJob(Struct, frozen=True, gc=False):
    """Everything that a store keeps about one job.

    `losses` are those that count; `suspect`: it was lost at least once, counted or not.
    `unique_key`: the one that it was pushed with, held or not.
    """

    id: str
    queue: str
    type: str
    state: JobState
    payload: bytes
    options: bytes
    metadata: bytes
    priority: int
    run_at: int
    arrival: int
    enqueued_at: int
    retention: int | None = None
    schedule: str | None = None
    due: bool = False
    fence: int = 0
    starts: int = 0
    failures: int = 0
    timeouts: int = 0
    losses: int = 0
    suspect: bool = False
    started_at: int | None = None
    finished_at: int | None = None
    duration: int | None = None
    worker: str | None = None
    version: str | None = None
    attempts: tuple[StoredAttempt, ...] = ()
    result: bytes | None = None
    cancel_requested_at: int | None = None
    timed_out_at: int | None = None
    emptied: bool = False
    progress: bytes | None = None
    checked_in_at: int | None = None
    unique_key: str | None = None


class Claimed(Struct, frozen=True, kw_only=True):
    """What a claim took.

    `started`: how many of the first `jobs` are taken as started; the rest are prefetched.
    `next_due`: when the next waiting job of the queue becomes due (None: none waits for a
    time). `next_tick`: when to look at the schedules of the queue (None: none will tick).
    `more`: something that this worker serves could have been taken at once.
    `ended`: jobs that this claim found lost and ended (dead as poison, or cancelled).
    `lanes_unknown`: the store does not know the lane set; send a `Heartbeat`, then claim.
    `repeated`: this is a copy of a claim that was carried out before; then the leases of its jobs
    began.
    """

    now: int
    jobs: tuple[StoredJob, ...] = ()
    started: int = 0
    next_due: int | None = None
    next_tick: int | None = None
    more: bool = False
    ended: tuple[str, ...] = ()
    lanes_unknown: bool = False
    repeated: bool = False


class Settled(Struct, frozen=True, kw_only=True, gc=False):
    """What became of one settlement.

    "ok": it holds (also if an earlier copy of the request did it). "lost": the lease was no
    longer this worker's, nothing was written. "gone": no such job is stored any more.
    `state` after the move (None: dropped, lost or gone); `at`: the instant of the move;
    `due`: when a job that waits again is due.
    """

    verdict: Literal["ok", "lost", "gone"]
    state: JobState | None
    at: int
    due: int | None = None


class Beat(Struct, frozen=True, kw_only=True):
    """What a heartbeat learned of the leases it named: ids, each in at most one of these.

    `next_tick`: as in `Claimed`.
    """

    now: int
    lost: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    next_tick: int | None = None


class TakenOver(Struct, frozen=True, kw_only=True):
    """What was taken back from a dead worker.

    `count`: how many leases. `ended`: jobs that this ended (dead as poison, or cancelled).
    `more`: it held more than are taken back at once; ask again.
    """

    now: int
    count: int = 0
    ended: tuple[str, ...] = ()
    more: bool = False


class QueueCounts(Struct, frozen=True, kw_only=True):
    """How many jobs of a queue are where; `by_type` and `queued` by stored type.

    `due`: scheduled and retrying jobs whose time has come and that no claim has promoted.
    `oldest_due`: since when the job waits that is due longest, queued ones included.
    """

    now: int
    by_type: Mapping[JobState, Mapping[str, int]]
    queued: Mapping[str, int]
    scheduled: int = 0
    retrying: int = 0
    due: int = 0
    running: int = 0
    succeeded: int = 0
    dead: int = 0
    cancelled: int = 0
    next_due: int | None = None
    oldest_due: int | None = None


class StoredSlot(Struct, frozen=True, kw_only=True):
    """A job that a worker has started, since when, and its last check-in."""

    id: str
    type: str
    since: int
    progress: bytes | None = None
    checked_in_at: int | None = None


class StoredWorker(Struct, frozen=True, kw_only=True):
    """A worker as one queue knows it; `slots` by start and id, `types` sorted."""

    name: str
    about: bytes
    beat_at: int
    types: tuple[str, ...]
    slots: tuple[StoredSlot, ...] = ()


class StoredWorkers(Struct, frozen=True, kw_only=True):
    """The workers of a queue by name, those too that have been silent for a while."""

    now: int
    workers: tuple[StoredWorker, ...]


class StoredPage(Struct, frozen=True, kw_only=True):
    """Some jobs of one state, and where to go on (None: that was all)."""

    jobs: tuple[StoredJob, ...]
    cursor: Place | None
