"""Schedules in a store: what they are, and the operations on them.

A store knows nothing of cron: whoever fires a tick says which one it takes to be next, and which
comes after it. The store compares the first with what it has, so that one tick makes one job.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jobkit.store.operations import Operation
from jobkit.store.values import NewJob

CAUGHT_UP_PER_MINUTE = 1_000  # missed ticks of one schedule
ENDED_LISTED = 30 * 86_400_000  # how long a schedule that has ended stays listed
UNDECLARED_REMOVED = 600_000  # a declared schedule that its owner's live workers leave out
OWNER_SILENT = 120_000  # without a declaration for this long, no worker of an owner is alive


class NewSchedule(Struct, frozen=True, kw_only=True):
    """A schedule to be stored; `definition` is opaque and says what its ticks' jobs are.

    `grid`: what its ticks depend on; another grid starts a schedule anew. `rule`: only who knows
    this rule can fire it. `limit`: end it after so many successes. `skips_overlap`: no tick while
    the job of the one before has not ended. `owner`: whose workers declare it; None: nobody's.
    """

    name: str
    queue: str
    definition: bytes
    grid: str
    rule: str | None = None
    limit: int | None = None
    skips_overlap: bool = False
    owner: str | None = None


class StoredSchedule(Struct, frozen=True, kw_only=True):
    """A schedule as a store keeps it.

    `first`: the first tick of its grid; `tick`: the next (None: it has ended). `unfinished`: how
    many jobs of its ticks have not ended. `last_job`: of the tick that made a job last, and how
    that ended: a final state, "deleted", or None as long as it has not.
    """

    schedule: NewSchedule
    first: int
    tick: int | None
    successes: int = 0
    unfinished: int = 0
    last_tick: int | None = None
    last_job: str | None = None
    last_outcome: str | None = None
    ended_at: int | None = None


class StoredSchedules(Struct, frozen=True, kw_only=True):
    """Schedules of a queue by name, at an instant."""

    now: int
    schedules: tuple[StoredSchedule, ...]


class PutResult(Struct, frozen=True, kw_only=True):
    """What a put did: "created" (or begun anew), "changed" (but for the grid), "same".

    "never": there was no first tick to begin with, so nothing was stored.
    """

    verdict: Literal["created", "changed", "same", "never"]
    at: int


class DueTick(Struct, frozen=True, kw_only=True):
    """A tick whose time has come, and all that is needed to fire it."""

    name: str
    tick: int
    first: int
    definition: bytes


class DueTicks(Struct, frozen=True, kw_only=True):
    """Ticks that are due now; `next`: when the next one is that the reader could fire."""

    now: int
    due: tuple[DueTick, ...] = ()
    next: int | None = None


class Declared(Struct, frozen=True, kw_only=True):
    """What a declaration found: `known` False if the queue had never heard of the owner."""

    known: bool
    removed: tuple[str, ...] = ()


FireVerdict = Literal["fired", "skipped", "passed", "waits", "early"]


class PutSchedule(Operation[PutResult], frozen=True, kw_only=True):
    """Store a schedule, or bring one of this name in this queue up to date; idempotent.

    With the stored grid it keeps its place in that, its counts and its last run; with another
    one it starts anew, its first tick being `first`.
    """

    schedule: NewSchedule
    first: int | None

    @property
    def queue(self) -> str:
        """The queue of the schedule."""
        return self.schedule.queue


class RemoveSchedule(Operation[bool], frozen=True, kw_only=True):
    """Remove a schedule, but none of its jobs; False if there was none.

    With `before`, only one that was put before that instant.
    """

    queue: str
    name: str
    before: int | None = None


class Ticks(Operation[DueTicks], frozen=True, kw_only=True):
    """Read up to `limit` ticks that are due, earliest first.

    Passed over: schedules by a rule that is not among `rules`, and those in `skip`.
    """

    queue: str
    rules: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    limit: int = 16


class Fire(Operation[FireVerdict], frozen=True, kw_only=True):
    """Move a schedule from the tick `expected` to `next` (None: end it), and store `job`.

    "passed": `expected` is not its next tick, or not any more; "early": not due yet. Else it
    moves. "fired": the job is stored. "skipped": none was given, or its limit is reached by
    successes and unfinished ticks, or it skips overlaps and its last job has not ended.
    `missed`: of these at most `CAUGHT_UP_PER_MINUTE`; past it nothing moves, and it "waits".
    """

    queue: str
    name: str
    expected: int
    next: int | None
    job: NewJob | None
    missed: bool = False


class Declare(Operation[Declared], frozen=True, kw_only=True):
    """Show that a worker of `owner` is alive and declares schedules with these `names`.

    Removes those of this owner in this queue that for `UNDECLARED_REMOVED` none has declared,
    while some worker of it was alive; and what ended too long ago to be listed.
    """

    queue: str
    owner: str
    names: tuple[str, ...]


class Schedules(Operation[StoredSchedules], frozen=True, kw_only=True):
    """Read the schedules of a queue by name, or the one with this name."""

    queue: str
    name: str | None = None
