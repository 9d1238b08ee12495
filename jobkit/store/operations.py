"""The operations of a store, as values; each is one atomic step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from jobkit.errors import NotSupported
from jobkit.record import JobState
from jobkit.store.counting import StoredStatistics
from jobkit.store.results import (
    Beat,
    Claimed,
    KeyTaken,
    PayloadGone,
    QueueCounts,
    Settled,
    StoredJob,
    StoredPage,
    StoredWorkers,
    TakenOver,
)
from jobkit.store.values import Bounds, LaneSet, Lease, NewJob, Order, Place, Settlement, Succeed

R_co = TypeVar("R_co", covariant=True)

MAX_LOSSES = 3  # the third counted loss makes a job dead as poison
PROMOTED_PER_CLAIM = 1000
RECLAIMED_PER_CLAIM = 100
TAKEN_OVER_AT_ONCE = 1000
ATTEMPTS_KEPT = 10
REPLAY_WINDOW = 60_000  # a push sent again within this time is recognised
CLOCK_SLACK = 5_000  # a clock this far behind the watermark is waited for, not believed
WORKER_FORGOTTEN = 600_000  # a worker this long without a heartbeat leaves the books


class Operation(Struct, Generic[R_co], frozen=True, kw_only=True):
    """One atomic step on a store; running it gives an `R_co`."""


AtomicOver: TypeAlias = Literal["store", "queue"]


class Push(Operation[tuple[str, ...] | KeyTaken], frozen=True, kw_only=True):
    """Store jobs, all or none, and return the id under which each is stored.

    That is another job's id where that holds the unique key: one that was there, or an earlier
    one of the same push. `KeyTaken` for a key that the newcomer wants to be refused for.
    A push with the channel and request number of an earlier one (within `REPLAY_WINDOW`)
    stores nothing and returns what that one returned. A channel has one push under way at a
    time and counts its requests up. Ids are new ones: nobody sends a copy after the window.
    `orders`: for queues of these jobs, the order that each is to have. Raises `InvalidOption`
    if one has jobs in another order; then nothing is stored.
    """

    jobs: tuple[NewJob, ...]
    channel: str
    request: int
    orders: Mapping[str, Order] = {}

    def check_reach(self, atomic_over: AtomicOver) -> None:
        """Raise `NotSupported` for jobs of more queues than one step of a store reaches."""
        if atomic_over == "queue" and len({job.queue for job in self.jobs}) > 1:
            raise NotSupported("a push over several queues is not one step here: push each queue")


class Claim(Operation[Claimed], frozen=True, kw_only=True):
    """Promote what is due, reclaim what is lost, and lease the best jobs to a worker.

    Takes up to `slots` jobs as started and `prefetch` more that are not; of the first kind
    at most `suspects` that were lost before, of the second none. Order: priority, due time,
    arrival. Lanes that the worker does not serve, or that are full, are passed over. With
    `idle` a claim that got less than it asked for leaves word that this worker waits for a
    hint. With `only`
    it takes this job or none, past all that stand before it, but not past its lane's limit.
    """

    queue: str
    worker: str
    version: str
    request: int
    lanes: LaneSet
    slots: int
    prefetch: int = 0
    suspects: int = 1
    lease: int
    idle: bool = False
    only: str | None = None
    bounds: Bounds = Bounds()


class Settle(Operation[tuple[Settled, ...]], frozen=True, kw_only=True):
    """End attempts, each if its lease is still this worker's, and publish their children.

    A child whose unique key is held is not stored.
    A job with a cancel request ends cancelled whatever its settlement says.
    The queues of children are known from then on, also if these are dropped: a name is written
    down before the first job, so that no job is where nobody looks.
    """

    queue: str
    worker: str
    version: str
    settlements: tuple[Settlement, ...]
    bounds: Bounds = Bounds()

    @property
    def other_queues(self) -> tuple[str, ...]:
        """The queues of children, but for its own, in the order of their first use."""
        children = [
            child.queue
            for settlement in self.settlements
            if isinstance(settlement, Succeed)
            for child in settlement.children
        ]
        if not children:  # as it mostly is
            return ()
        return tuple(dict.fromkeys(queue for queue in children if queue != self.queue))


class Heartbeat(Operation[Beat], frozen=True, kw_only=True):
    """Show that a worker lives: keep its lane set, extend its leases, learn what befell them.

    `started`: leases of prefetched jobs whose run has begun since the last heartbeat. `about`:
    what the worker tells of itself, which only clients read.
    """

    queue: str
    worker: str
    lanes: LaneSet
    lease: int
    leases: tuple[Lease, ...] = ()
    started: tuple[Lease, ...] = ()
    about: bytes = b""


class Leave(Operation[None], frozen=True, kw_only=True):
    """Forget a worker that has stopped and holds nothing."""

    queue: str
    worker: str


class TakeOver(Operation[TakenOver], frozen=True, kw_only=True):
    """Take back everything that a dead worker held, as when its leases expire, and forget it.

    Only on the word of somebody who saw it die: there is no holiday to wait for. At most
    `TAKEN_OVER_AT_ONCE` leases; a copy finds nothing left.
    """

    queue: str
    worker: str
    bounds: Bounds = Bounds()


class MarkTimedOut(Operation[bool], frozen=True, kw_only=True):
    """Write down that a running attempt passed its deadline; False if the lease is not held."""

    queue: str
    worker: str
    lease: Lease


class CheckIn(Operation[bool], frozen=True, kw_only=True):
    """Write down how far a running attempt is; False if the lease is not held.

    `progress`: one line of text that only clients read. It stays until the job is claimed again.
    """

    queue: str
    worker: str
    lease: Lease
    progress: bytes


class Cancel(Operation[JobState | None], frozen=True, kw_only=True):
    """Cancel a waiting job, or mark a running one, and return the state it was in.

    None: no such job. Jobs that had ended stay as they are.
    """

    queue: str
    id: str
    bounds: Bounds = Bounds()


class Delete(Operation[bool], frozen=True, kw_only=True):
    """Remove a job from every index, whatever its state; False if there was none."""

    queue: str
    id: str


class Reschedule(Operation[JobState | KeyTaken | PayloadGone | None], frozen=True, kw_only=True):
    """Make a waiting job due at `run_at` (None: now), or let an ended one run again then.

    Only if its state is one of `of`. Returns the state it was in; None: no such job. An ended
    job begins anew: no failures, timeouts, losses, attempts or result; its arrival stays. It
    takes its unique key again; if another job holds that, nothing happens (`KeyTaken`); nor if its
    payload was dropped (`PayloadGone`).
    """

    queue: str
    id: str
    of: frozenset[JobState]
    run_at: int | None = None


class SetPriority(Operation[JobState | None], frozen=True, kw_only=True):
    """Give a waiting job another priority, and return the state it was in (None: no such job)."""

    queue: str
    id: str
    priority: int


class Get(Operation[StoredJob | None], frozen=True, kw_only=True):
    """Read one job."""

    queue: str
    id: str


class Page(Operation[StoredPage], frozen=True, kw_only=True):
    """Read up to `limit` jobs of one state, in a stable order, behind the place `cursor`.

    Queued jobs come lane by lane, in a lane as they are claimed; running ones by id; those that
    wait by due time; those that have ended by the instant of their end, and behind them those
    with a retention of their own, by its end. `newest_first` turns the order in each of these
    lines round. A page may be shorter than `limit` and still have a cursor. Jobs that come and
    go between two pages change nothing for the others: what stays in the state is shown once.
    `types`: only jobs of these stored types (none: of all). A store without `listing` may have
    any order, as long as it is the same for every page.
    """

    queue: str
    state: JobState
    types: tuple[str, ...] = ()
    limit: int = 100
    cursor: Place | None = None
    newest_first: bool = False


class Count(Operation[QueueCounts], frozen=True, kw_only=True):
    """Count the jobs of a queue, by state and type. How many there are costs nothing."""

    queue: str


class Workers(Operation[StoredWorkers], frozen=True, kw_only=True):
    """List the workers of a queue by name, each with the jobs that it runs."""

    queue: str


class Statistics(Operation[StoredStatistics], frozen=True, kw_only=True):
    """Read what was counted of the attempts at a queue's jobs, by the group of their type.

    The last `minutes`, at most `MINUTES_KEPT`, and with `totals` what was counted in all.
    """

    queue: str
    minutes: int
    totals: bool = False


class ForgetStatistics(Operation[None], frozen=True, kw_only=True):
    """Begin the statistics of a queue anew; the jobs themselves are not touched."""

    queue: str


class Queues(Operation[tuple[str, ...]], frozen=True, kw_only=True):
    """List the queues that this store has seen, sorted."""
