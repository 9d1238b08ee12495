"""What goes into a store: jobs, lanes, leases and how attempts ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from jobkit.record import AttemptOutcome


class UniqueKey(Struct, frozen=True, kw_only=True, gc=False):
    """A key that one job of a queue may hold at a time.

    Held from the push until the first claim, or until the job is done, and no longer than `ttl`
    milliseconds from when it is due (None: any length). `on_conflict`: what becomes of the
    newcomer while another job holds it. "return": that one is the answer. "replace": too, and
    if it waits it gets the newcomer's payload and metadata. "raise": the push stores nothing.
    """

    key: str
    until: Literal["started", "done"] = "started"
    ttl: int | None = None
    on_conflict: Literal["return", "raise", "replace"] = "return"


Order: TypeAlias = Literal["priority", "run_at"]  # of a queue; see `ordering`


# Kept by the thousand, and part of no cycle: the collector need not look at them.
class NewJob(Struct, frozen=True, kw_only=True, gc=False):
    """A job to be stored.

    Due at `run_at` (milliseconds), else `delay` milliseconds after the store's clock.
    `retention`: how long to keep it after its end; None: by the bounds of its queue.
    `schedule`: the one whose tick it is.
    """

    id: str
    queue: str
    type: str
    payload: bytes
    priority: int = 0
    run_at: int | None = None
    delay: int = 0
    options: bytes = b""
    metadata: bytes = b""
    retention: int | None = None
    unique: UniqueKey | None = None
    schedule: str | None = None


class Lane(Struct, frozen=True, kw_only=True):
    """How a worker serves one type: read when a job of it is claimed.

    `group`: the type's own name for all its aliases; they share `limit`, the greatest number
    of jobs of the group that may run at once in the queue (None: any). `on_lost_dead`: bury
    a lost job instead of running it again. `keep_dead`: keep its record when it is buried.
    """

    group: str
    limit: int | None = None
    on_lost_dead: bool = False
    keep_dead: bool = True


class LaneSet(Struct, frozen=True, kw_only=True):
    """The types that a worker serves in a queue; `key` names the set and its content."""

    key: str
    lanes: Mapping[str, Lane]

    @property
    def has_limits(self) -> bool:
        """Whether one of its types is limited."""
        return any(lane.limit is not None for lane in self.lanes.values())


class Bounds(Struct, frozen=True, kw_only=True):
    """How much of what has ended a queue keeps: ages in milliseconds, and counts."""

    finished_for: int = 3_600_000
    finished_max: int = 10_000
    dead_for: int = 30 * 86_400_000
    dead_max: int = 100_000


class Place(Struct, frozen=True, kw_only=True):
    """Where a page of jobs ended: in which line, behind which score and member.

    It stays a place when its job has moved. Each store has its own names for lines and members.
    """

    line: str
    score: int
    member: str


class Lease(Struct, frozen=True, kw_only=True, gc=False):
    """A worker's hold on one job; `fence` counts the claims of the queue that took jobs."""

    id: str
    fence: int


class Failure(Struct, frozen=True, kw_only=True):
    """What an attempt that did not succeed left behind, all text cut to size by the caller."""

    outcome: AttemptOutcome
    error_type: str = ""
    message: str = ""
    traceback: str = ""


# What a store notes of a run whose job was cancelled, whatever its settlement says.
CANCELLED_RUN = Failure(outcome="cancelled", message="cancelled while it ran")


class Succeed(Struct, frozen=True, kw_only=True, gc=False):
    """End as succeeded; publish `children` in the same step."""

    lease: Lease
    duration: int = 0
    result: bytes | None = None
    children: tuple[NewJob, ...] = ()


class RetryLater(Struct, frozen=True, kw_only=True):
    """Count a failure (or a timeout, by `failure.outcome`) and wait: until `at`, or for `delay`."""

    lease: Lease
    failure: Failure
    at: int | None = None
    delay: int = 0
    duration: int = 0


class SnoozeFor(Struct, frozen=True, kw_only=True):
    """Wait `delay` milliseconds more; nothing is spent."""

    lease: Lease
    delay: int
    failure: Failure
    duration: int = 0


class Bury(Struct, frozen=True, kw_only=True):
    """End as dead; with `keep` False the record goes too. A failure or timeout is counted."""

    lease: Lease
    failure: Failure
    keep: bool = True
    duration: int = 0


class EndCancelled(Struct, frozen=True, kw_only=True):
    """End as cancelled: the handler discarded the job, or followed a cancel."""

    lease: Lease
    failure: Failure
    duration: int = 0


class Release(Struct, frozen=True, kw_only=True):
    """Give the job back to the front of its line; nothing is spent."""

    lease: Lease


Settlement: TypeAlias = Succeed | RetryLater | SnoozeFor | Bury | EndCancelled | Release
