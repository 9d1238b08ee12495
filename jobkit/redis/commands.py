"""Operations as Redis commands: pure functions that build a call and read its reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec

from jobkit.errors import NotSupported
from jobkit.record import JobState
from jobkit.redis.command import Arg, Command, bounds_args, job_args, one_job_args
from jobkit.redis.crews import CREWS
from jobkit.redis.keys import queue_names, queue_prefix
from jobkit.redis.pauses import PAUSES
from jobkit.redis.scheduling import SCHEDULE_BUILDERS
from jobkit.redis.scripts import script
from jobkit.redis.settlements import settle
from jobkit.redis.statistics import STATISTICS
from jobkit.redis.stored import STATES, parse_claimed_jobs, parse_job
from jobkit.redis.sweeping import SWEEPS, parse_place, place_args
from jobkit.store import (
    Beat,
    Cancel,
    CheckIn,
    Claim,
    Claimed,
    Count,
    Delete,
    Get,
    Heartbeat,
    KeyTaken,
    Lane,
    Leave,
    MarkTimedOut,
    NewJob,
    Operation,
    Page,
    PayloadGone,
    Push,
    QueueCounts,
    Queues,
    Reschedule,
    SetPriority,
    Settle,
    StoredJob,
    StoredPage,
    TakenOver,
    TakeOver,
    UseOrder,
    order_refused,
)


def command(operation: Operation[Any], *, namespace: str, now: int | None) -> Command:
    """Return the call that carries out an operation."""
    build = _BUILDERS.get(type(operation))
    if build is None:
        raise NotSupported(f"the Redis store does not know {type(operation).__name__}")
    return build(operation, namespace, "" if now is None else now)


def _push(operation: Push, namespace: str, now: Arg) -> Command:
    if len(operation.jobs) == 1 and not operation.orders:
        return _push_of_one(operation, operation.jobs[0], namespace, now)
    places: dict[str, int] = {}  # of the prefix of each queue among the keys
    for job in operation.jobs:
        if job.queue not in places:
            places[job.queue] = 1 + len(places)
    queues = tuple(places)
    args: list[Arg] = [now, operation.channel, operation.request, len(operation.orders)]
    for queue, order in operation.orders.items():
        args += (places[queue], order)
    args += job_args(operation.jobs, places)
    return Command(
        script("push"),
        tuple([queue_prefix(namespace, queue) for queue in queues]),
        tuple(args),
        partial(_pushed, operation, queues),
        queues,
    )


def _push_of_one(operation: Push, job: NewJob, namespace: str, now: Arg) -> Command:
    """Return the same call for the commonest push."""
    args = (now, operation.channel, operation.request, 0, *one_job_args(job))
    queues = (job.queue,)
    prefix = queue_prefix(namespace, job.queue)
    return Command(script("push"), (prefix,), args, partial(_pushed, operation, queues), queues)


def _pushed(
    operation: Push, queues: Sequence[str], reply: int | bytes
) -> tuple[str, ...] | KeyTaken:
    """Read the answer to a push; words tell of a unique key that is held, or of another order."""
    if isinstance(reply, int):
        return tuple([job.id for job in operation.jobs])
    if reply.startswith(b"?"):
        queue = queues[int(reply[1:]) - 1]
        raise order_refused(queue, operation.orders[queue])
    words = reply.removeprefix(b"!").decode().split(" ")
    holders = dict(zip(map(int, words[::2]), words[1::2], strict=True))
    if reply.startswith(b"!"):
        [(index, holder)] = holders.items()
        return KeyTaken(holder=holder, index=index)
    return tuple(holders.get(index, job.id) for index, job in enumerate(operation.jobs))


@lru_cache(maxsize=1024)
def _json_text(text: str) -> bytes:
    return msgspec.json.encode(text)


def _claim(operation: Claim, namespace: str, now: Arg) -> Command:
    args = (
        now,
        operation.worker,
        _json_text(operation.version),
        operation.request,
        operation.lanes.key,
        operation.slots,
        operation.prefetch,
        operation.suspects,
        operation.lease,
        int(operation.idle),
        *bounds_args(operation.bounds),
        operation.only or "",
    )

    def parse(reply: list[Any]) -> Claimed:
        at = int(reply[0])
        due, _, tick = reply[3].partition(b" ")
        return Claimed(
            now=at,
            jobs=parse_claimed_jobs(reply, operation, at),
            started=reply[2],
            next_due=int(due) if due else None,
            next_tick=int(tick) if tick else None,
            more=bool(reply[4]),
            ended=_texts(reply[5]),
            lanes_unknown=bool(reply[1]),
            repeated=reply[6] < 0,
        )

    return Command(script("claim"), (queue_prefix(namespace, operation.queue),), args, parse)


def _texts(reply: list[bytes]) -> tuple[str, ...]:
    return tuple([item.decode() for item in reply]) if reply else ()


def _lane(lane: Lane) -> str:
    limit = "" if lane.limit is None else lane.limit
    flags = (lane.on_lost_dead, lane.keep_dead, lane.limit is not None)
    return f"{limit} {''.join(str(int(flag)) for flag in flags)} {lane.group}"


def _heartbeat(operation: Heartbeat, namespace: str, now: Arg) -> Command:
    args: list[Arg] = [
        now,
        operation.worker,
        operation.lanes.key,
        operation.lease,
        len(operation.lanes.lanes),
        len(operation.leases),
        len(operation.started),
        operation.about,
    ]
    for type_name, lane in operation.lanes.lanes.items():
        args += (type_name, _lane(lane))
    for lease in (*operation.leases, *operation.started):
        args += (lease.id, lease.fence)
    return Command(
        script("heartbeat"),
        (queue_prefix(namespace, operation.queue),),
        tuple(args),
        lambda reply: Beat(
            now=int(reply[0]),
            lost=_texts(reply[1]),
            cancelled=_texts(reply[2]),
            deleted=_texts(reply[3]),
            next_tick=int(reply[4]) if reply[4] else None,
        ),
        (operation.queue,),
        always_announce=True,
    )


def _leave(operation: Leave, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("leave"), keys, (operation.worker,), lambda reply: None)


def _take_over(operation: TakeOver, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    args = (now, operation.worker, *bounds_args(operation.bounds))
    return Command(
        script("take_over"),
        keys,
        args,
        lambda reply: TakenOver(
            now=int(reply[0]), count=reply[1], ended=_texts(reply[2]), more=bool(reply[3])
        ),
    )


def _mark_timed_out(operation: MarkTimedOut, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    args = (now, operation.worker, operation.lease.id, operation.lease.fence)
    return Command(script("mark_timed_out"), keys, args, bool)


def _check_in(operation: CheckIn, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    lease = operation.lease
    args = (now, operation.worker, lease.id, lease.fence, operation.progress)
    return Command(script("check_in"), keys, args, bool)


def _cancel(operation: Cancel, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    args = (now, operation.id, *bounds_args(operation.bounds))
    return Command(script("cancel"), keys, args, STATES.__getitem__)


def _reschedule(operation: Reschedule, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    run_at = "" if operation.run_at is None else operation.run_at
    args = (now, operation.id, run_at, " ".join(sorted(operation.of)))
    return Command(script("reschedule"), keys, args, _rescheduled)


def _rescheduled(reply: bytes) -> JobState | KeyTaken | PayloadGone | None:
    if reply == b"-":
        return PayloadGone()
    if reply.startswith(b"!"):
        return KeyTaken(holder=reply[1:].decode())
    return STATES[reply]


def _set_priority(operation: SetPriority, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    args = (operation.id, operation.priority)
    return Command(script("set_priority"), keys, args, STATES.__getitem__)


def _delete(operation: Delete, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("delete"), keys, (operation.id,), bool)


def _get(operation: Get, namespace: str, now: Arg) -> Command:
    def parse(reply: list[Any]) -> StoredJob | None:
        at, state, parts = reply
        if not state:
            return None
        return parse_job(operation.queue, parts, state=JobState(state.decode()), now=int(at))

    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("get"), keys, (now, operation.id), parse)


def _page(operation: Page, namespace: str, now: Arg) -> Command:
    def parse(reply: list[Any]) -> StoredPage:
        at, place, *found = reply
        jobs = tuple(
            parse_job(operation.queue, parts, state=operation.state, now=int(at)) for parts in found
        )
        return StoredPage(jobs=jobs, cursor=parse_place(place or []))

    keys = (queue_prefix(namespace, operation.queue),)
    args = (
        now,
        operation.state.value,
        operation.limit,
        int(operation.newest_first),
        *place_args(operation.cursor),
        *operation.types,
    )
    return Command(script("page"), keys, args, parse)


def _count(operation: Count, namespace: str, now: Arg) -> Command:
    def parse(reply: list[Any]) -> QueueCounts:
        now, due, next_due, oldest_due, sizes = reply
        by_type = _by_type(sizes)
        return QueueCounts(
            now=int(now),
            by_type=by_type,
            queued=by_type[JobState.QUEUED],
            **{s.value: sum(by_type[s].values()) for s in JobState if s is not JobState.QUEUED},
            due=due,
            next_due=int(next_due) if next_due else None,
            oldest_due=int(oldest_due) if oldest_due else None,
        )

    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("count"), keys, (now,), parse)


def _by_type(sizes: list[Any]) -> dict[JobState, dict[str, int]]:
    """Add up the sets of each state."""
    found: dict[JobState, Counter[str]] = {state: Counter() for state in JobState}
    for name, type_name, size in zip(sizes[::3], sizes[1::3], sizes[2::3], strict=True):
        found[JobState(name.decode().partition(":")[0])][type_name.decode()] += size
    return {state: {name: n for name, n in types.items() if n} for state, types in found.items()}


def _use_order(operation: UseOrder, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("use_order"), keys, (operation.order,), bool, (operation.queue,))


def _queues(operation: Queues, namespace: str, now: Arg) -> Command:
    return Command(
        None,
        (queue_names(namespace),),
        (b"SMEMBERS",),
        lambda reply: tuple(sorted(name.decode() for name in reply)),
    )


_BUILDERS: Mapping[type, Callable[[Any, str, Arg], Command]] = {
    Push: _push,
    Claim: _claim,
    Settle: settle,
    Heartbeat: _heartbeat,
    Leave: _leave,
    TakeOver: _take_over,
    MarkTimedOut: _mark_timed_out,
    CheckIn: _check_in,
    Cancel: _cancel,
    Delete: _delete,
    Reschedule: _reschedule,
    SetPriority: _set_priority,
    Get: _get,
    Page: _page,
    Count: _count,
    **SWEEPS,
    Queues: _queues,
    UseOrder: _use_order,
    **PAUSES,
    **CREWS,
    **STATISTICS,
    **SCHEDULE_BUILDERS,
}
