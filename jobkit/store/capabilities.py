"""What only some stores can do, and what asks for it.

The core is what jobkit sends by itself: push, claim, settle, heartbeats, and plain reads. All
else is asked for by a user, with an option or a call, so a store that lacks it can say so by
name: `refuse_beyond` is the first line of such a store's `run`. Nothing is ever ignored (B57).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from jobkit.errors import NotSupported
from jobkit.store.operations import (
    Cancel,
    CheckIn,
    Claim,
    Count,
    Delete,
    ForgetStatistics,
    Get,
    Heartbeat,
    Leave,
    MarkTimedOut,
    Operation,
    Page,
    Push,
    Queues,
    Reschedule,
    SetPriority,
    Settle,
    Statistics,
    TakeOver,
    Workers,
)
from jobkit.store.ordering import UseOrder
from jobkit.store.pausing import Announce, PauseType, ReadPauses, SetPause, SpreadPauses
from jobkit.store.schedules import (
    Declare,
    Fire,
    PutSchedule,
    RemoveSchedule,
    Schedules,
    Ticks,
)
from jobkit.store.sweeping import Sweep
from jobkit.store.values import Bounds, Bury, Lane, NewJob, Succeed


class Capability(StrEnum):
    """Something that a store may lack, by the word under which it is refused."""

    PRIORITIES = "priorities"  # priority=, set_priority
    UNIQUE_KEYS = "unique keys"  # unique=
    RETENTION = "retention"  # retention=, bounds of QueueOptions, keep_dead=False
    QUEUE_ORDER = "queue order"  # QueueOptions(order="run_at")
    LIMITS = "limits"  # max_concurrency=
    PREFETCH = "prefetch"  # start(prefetch=)
    ON_LOST = "on_lost"  # on_lost="dead"
    CHILDREN = "children"  # ctx.enqueue
    CHECK_INS = "check-ins"  # ctx.checkin
    CANCELS = "cancels"  # cancel
    DELETES = "deletes"  # delete
    RESCHEDULES = "reschedules"  # reschedule, run_now, retry
    BULK = "bulk forms"  # retry_all_dead, delete_all_dead, prune
    SCHEDULES = "schedules"  # schedule, unschedule
    PAUSES = "pauses"  # pause, resume
    LISTING = "listing"  # pages by type, and newest first
    WORKERS = "workers"  # workers()
    STATISTICS = "statistics"  # stats(), rates of queues()
    WAKING = "waking"  # hints; without them a worker looks every `poll`
    TAKE_OVER = "take over"  # of what a dead process of `--processes` held, at once


ALL_CAPABILITIES: Final = frozenset(Capability)

# What every store carries out: jobkit sends these by itself. Without `pauses` nothing is paused,
# and `Announce` and `ReadPauses` say so.
CORE: Final[frozenset[type[Operation[Any]]]] = frozenset(
    {
        Push,
        Claim,
        Settle,
        Heartbeat,
        Leave,
        MarkTimedOut,
        Announce,
        ReadPauses,
        Get,
        Page,
        Count,
        Queues,
    }
)

# What belongs to a capability as a whole. Fields of the core's operations may need one too.
CAPABILITY_OF: Final[Mapping[type[Operation[Any]], Capability]] = {
    SetPriority: Capability.PRIORITIES,
    UseOrder: Capability.QUEUE_ORDER,
    CheckIn: Capability.CHECK_INS,
    Cancel: Capability.CANCELS,
    Delete: Capability.DELETES,
    Reschedule: Capability.RESCHEDULES,
    Sweep: Capability.BULK,
    PutSchedule: Capability.SCHEDULES,
    RemoveSchedule: Capability.SCHEDULES,
    Ticks: Capability.SCHEDULES,
    Fire: Capability.SCHEDULES,
    Declare: Capability.SCHEDULES,
    Schedules: Capability.SCHEDULES,
    SetPause: Capability.PAUSES,
    PauseType: Capability.PAUSES,
    SpreadPauses: Capability.PAUSES,
    Workers: Capability.WORKERS,
    Statistics: Capability.STATISTICS,
    ForgetStatistics: Capability.STATISTICS,
    TakeOver: Capability.TAKE_OVER,
}

# Each need with the words that ask for it.
Need: TypeAlias = tuple[Capability, str]


def needs(operation: Operation[Any]) -> Iterator[Need]:
    """Yield what an operation asks of a store beyond the core."""
    whole = CAPABILITY_OF.get(type(operation))
    if whole is not None:
        yield whole, type(operation).__name__
    of_fields = _OF_FIELDS.get(type(operation))
    if of_fields is not None:
        yield from of_fields(operation)


def needs_of_jobs(jobs: Iterable[NewJob]) -> Iterator[Need]:
    """Yield what the options of new jobs ask for."""
    for job in jobs:
        if job.priority:
            yield Capability.PRIORITIES, f"priority={job.priority} of {job.type}"
        if job.unique is not None:
            yield Capability.UNIQUE_KEYS, f"unique= of {job.type}"
        if job.retention is not None:
            yield Capability.RETENTION, f"retention= of {job.type}"


def needs_of_lanes(lanes: Mapping[str, Lane]) -> Iterator[Need]:
    """Yield what the options of served types ask for."""
    for name, lane in lanes.items():
        if lane.limit is not None:
            yield Capability.LIMITS, f"max_concurrency={lane.limit} of {name}"
        if lane.on_lost_dead:
            yield Capability.ON_LOST, f'on_lost="dead" of {name}'
        if not lane.keep_dead:
            yield Capability.RETENTION, f"keep_dead=False of {name}"


def _of_bounds(operation: Cancel | Claim | Settle | TakeOver) -> Iterator[Need]:
    # The default bounds are nobody's wish: without `retention` what has ended stays.
    if operation.bounds != Bounds():
        yield Capability.RETENTION, "bounds of what has ended"


def _of_push(push: Push) -> Iterator[Need]:
    yield from needs_of_jobs(push.jobs)
    if push.orders:
        yield Capability.QUEUE_ORDER, f"orders={dict(push.orders)}"


def _of_claim(claim: Claim) -> Iterator[Need]:
    yield from needs_of_lanes(claim.lanes.lanes)
    yield from _of_bounds(claim)
    if claim.prefetch:
        yield Capability.PREFETCH, f"prefetch={claim.prefetch}"
    if claim.idle:
        yield Capability.WAKING, "idle=True"


def _of_heartbeat(heartbeat: Heartbeat) -> Iterator[Need]:
    yield from needs_of_lanes(heartbeat.lanes.lanes)
    if heartbeat.started:
        yield Capability.PREFETCH, "the start of a prefetched job"


def _of_settle(settle: Settle) -> Iterator[Need]:
    yield from _of_bounds(settle)
    for settlement in settle.settlements:
        match settlement:
            case Succeed(children=(_, *_)):
                yield Capability.CHILDREN, "a success that publishes jobs"
                yield from needs_of_jobs(settlement.children)
            case Bury(keep=False):
                yield Capability.RETENTION, "keep_dead=False"
            case _:
                pass


def _of_fire(fire: Fire) -> Iterator[Need]:
    yield from needs_of_jobs(() if fire.job is None else [fire.job])


def _of_page(page: Page) -> Iterator[Need]:
    if page.types:
        yield Capability.LISTING, "a page by type"
    if page.newest_first:
        yield Capability.LISTING, "a page, newest first"


_OF_FIELDS: Final[Mapping[type[Operation[Any]], Callable[[Any], Iterator[Need]]]] = {
    Push: _of_push,
    Claim: _of_claim,
    Heartbeat: _of_heartbeat,
    Settle: _of_settle,
    Cancel: _of_bounds,
    TakeOver: _of_bounds,
    Fire: _of_fire,
    Page: _of_page,
}


def refuse_beyond(operation: Operation[Any], has: frozenset[Capability]) -> None:
    """Raise `NotSupported` for an operation that asks for more than the core and what one `has`.

    >>> refuse_beyond(Delete(queue="mail", id="1"), frozenset())
    Traceback (most recent call last):
    ...
    jobkit.errors.NotSupported: Delete needs 'deletes', which this store does not have
    """
    refuse(needs(operation), has)


def refuse(needed: Iterable[Need], has: frozenset[Capability]) -> None:
    """Raise `NotSupported` for the first of these needs that a store does not have."""
    for capability, asked in needed:
        if capability not in has:
            raise NotSupported(
                f"{asked} needs {capability.value!r}, which this store does not have"
            )
