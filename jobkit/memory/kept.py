"""One job as the memory store keeps it: the mutable twin of `StoredJob`."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from jobkit.record import ENDED, LEGAL, AttemptOutcome, JobState, Move
from jobkit.store import (
    ATTEMPTS_KEPT,
    Failure,
    Lane,
    NewJob,
    Order,
    StoredAttempt,
    StoredJob,
    StoredSlot,
)
from jobkit.store.moves import ended_run

# Python 3.11 finds a member of an enum by a slow path: a constant takes a tenth of the time.
ENQUEUE: Final = Move.ENQUEUE
QUEUED: Final = JobState.QUEUED
RETRYING: Final = JobState.RETRYING
RUNNING: Final = JobState.RUNNING
SCHEDULED: Final = JobState.SCHEDULED
DEFAULT_LANE = Lane(group="")
Entry = tuple[int, int, int, str]  # in a lane or line: its place there, and the id at the end


# Kept by the thousand, and part of no cycle: the collector need not look at them.
class KeptJob(Struct, kw_only=True, eq=False, gc=False):
    """What is kept of one job.

    `token` is the last claim's, None once that lease was lost. `entry`: what stands for it in a
    lane or line, None while it stands in none; other entries there that lead to it are stale.
    """

    new: NewJob
    arrival: int
    enqueued_at: int
    priority: int
    run_at: int
    state: JobState = QUEUED
    entry: Entry | None = None
    fence: int = 0
    token: tuple[str, int] | None = None
    lane: Lane = DEFAULT_LANE
    started: bool = False
    expires_at: int = 0
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
    holds_key: bool = False  # the unique key of `new`
    tick_of: str | None = None  # its schedule, until it ends for the first time

    @property
    def id(self) -> str:
        return self.new.id

    @property
    def type(self) -> str:
        return self.new.type

    def rank(self, order: Order) -> Entry:
        """Return the place among ready jobs: priority and due time, in this order, arrival."""
        if order == "run_at":
            return (self.run_at, self.priority, self.arrival, self.new.id)
        return (self.priority, self.run_at, self.arrival, self.new.id)

    def held_by(self, worker: str, fence: int) -> bool:
        """Tell whether this lease is the one that the job runs under."""
        return self.state is RUNNING and self.token == (worker, fence)

    def move(self, move: Move, state: JobState) -> None:
        """Change the state by a move; every write of it comes through here."""
        source = None if move is ENQUEUE else self.state
        assert (move, source, state) in LEGAL, f"{self.id}: no {move} from {source} to {state}"
        self.state = state

    def begin(self, now: int) -> None:
        """Note that the run has started."""
        self.started = True
        self.starts += 1
        self.started_at = now

    def begin_anew(self) -> None:
        """Forget everything that the runs so far left behind, but not how often it started."""
        self.token = None
        self.fence = 0
        self.suspect = False
        self.failures = self.timeouts = self.losses = 0
        self.attempts = ()
        self.result = self.worker = self.version = None
        self.started_at = self.finished_at = self.duration = None
        self.cancel_requested_at = self.timed_out_at = None
        self.progress = self.checked_in_at = None

    def note(self, failure: Failure, *, now: int) -> None:
        """Keep how an attempt ended, and count it."""
        attempt = ended_run(self, failure, now=now)
        self.attempts = (*self.attempts, attempt)[-ATTEMPTS_KEPT:]
        self._count(failure.outcome, now)

    def _count(self, outcome: AttemptOutcome, now: int) -> None:
        if outcome == "failed":
            self.failures += 1
        elif outcome == "timed_out":
            self.timeouts += 1
            if self.timed_out_at is None:  # it ended before it could be marked
                self.timed_out_at = now

    def slot(self) -> StoredSlot:
        """Return the job, which has started, as the list of workers shows it."""
        return StoredSlot(
            id=self.new.id,
            type=self.new.type,
            since=self.started_at or 0,
            progress=self.progress,
            checked_in_at=self.checked_in_at,
        )

    def stored(self, now: int) -> StoredJob:
        """Return the job as readers see it."""
        new, state = self.new, self.state
        is_waiting = state is SCHEDULED or state is RETRYING
        return StoredJob(  # in the order of its fields
            new.id,
            new.queue,
            new.type,
            state,
            new.payload,
            new.options,
            new.metadata,
            self.priority,
            self.run_at,
            self.arrival,
            self.enqueued_at,
            new.retention,
            new.schedule,
            state is QUEUED or (is_waiting and self.run_at <= now),
            self.fence,
            self.starts,
            self.failures,
            self.timeouts,
            self.losses,
            self.suspect,
            self.started_at,
            self.finished_at if state in ENDED else None,
            self.duration,
            self.worker,
            self.version,
            self.attempts,
            self.result,
            self.cancel_requested_at,
            self.timed_out_at,
            self.emptied,
            self.progress,
            self.checked_in_at,
            None if new.unique is None else new.unique.key,
        )
