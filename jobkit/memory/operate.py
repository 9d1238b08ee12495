"""What each operation does to a memory queue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jobkit.memory import control, reading, ticking
from jobkit.memory.claiming import claim
from jobkit.memory.publishing import QueueOf, publish, refusal, with_delay_from
from jobkit.memory.queue import MemoryQueue
from jobkit.memory.settling import apply, refusals
from jobkit.memory.sweeping import sweep
from jobkit.record import JobState
from jobkit.store import (
    TAKEN_OVER_AT_ONCE,
    Beat,
    Cancel,
    CheckIn,
    Claim,
    Count,
    Delete,
    ForgetStatistics,
    Get,
    Heartbeat,
    KeyTaken,
    Lane,
    Leave,
    MarkTimedOut,
    NewJob,
    Page,
    Push,
    ReadPauses,
    Reschedule,
    SetPause,
    SetPriority,
    Settle,
    Settled,
    SpreadPauses,
    Statistics,
    Sweep,
    TakenOver,
    TakeOver,
    UseOrder,
    Workers,
    order_refused,
)


def push(queue_of: QueueOf, operation: Push, clock: int) -> tuple[str, ...] | KeyTaken:
    """Store jobs, or recognise the copy of an earlier request."""
    first = queue_of(operation.jobs[0].queue)
    earlier = first.crew.replayed_push(operation, clock)
    if earlier is not None:
        return earlier
    orders = operation.orders.items() if operation.orders else ()
    for name, order in orders:
        if not queue_of(name).may_have_order(order):
            _make_known(queue_of, operation.jobs)
            raise order_refused(name, order)
    answer: tuple[str, ...] | KeyTaken | None = refusal(queue_of, operation.jobs, clock)
    if answer is not None:
        _make_known(queue_of, operation.jobs)
    if answer is None:
        for name, order in orders:
            queue_of(name).set_order(order)
        answer = publish(queue_of, operation.jobs, clock)
    first.crew.note_push(operation.channel, operation.request, clock, answer)
    return answer


def _make_known(queue_of: QueueOf, refused: Iterable[NewJob]) -> None:
    """Let the queues of a refused push be known: a name comes before its jobs."""
    for new in refused:
        queue_of(new.queue)


def use_order(queue: MemoryQueue, operation: UseOrder, clock: int) -> bool:
    """Give a queue an order, if it may have it."""
    may = queue.may_have_order(operation.order)
    if may:
        queue.set_order(operation.order)
    return may


def settle(
    queue: MemoryQueue, queue_of: QueueOf, operation: Settle, clock: int
) -> tuple[Settled, ...]:
    """End attempts, each by its lease, and publish the children of those that succeeded."""
    now = queue.time.now(clock)
    # A settlement that stands twice counts once; every lease is compared before the first move.
    settled = refusals(queue, operation.settlements, worker=operation.worker, now=now)
    published: list[NewJob] = []
    freed: dict[str, Lane] = {}
    for name in operation.other_queues:
        queue_of(name)  # it is known from now on
    for settlement in operation.settlements:
        if settlement.lease in settled:
            continue
        job = queue.jobs[settlement.lease.id]
        freed[job.lane.group] = job.lane
        result, children = apply(queue, job, settlement, now=now)
        settled[settlement.lease] = result
        published += [with_delay_from(now, child) for child in children]
    queue.ledger.write(now)
    queue.crew.hint_wanted()
    for lane in [lane for lane in freed.values() if lane.limit is not None]:
        queue.crew.idle.pop(operation.worker, None)  # it is awake, and will look by itself
        queue.wake_for_freed(lane, operation.worker)
    if published:
        publish(queue_of, published, clock)
    queue.trim(operation.bounds, now=now, ended=len(operation.settlements))
    return tuple([settled[settlement.lease] for settlement in operation.settlements])


def heartbeat(queue: MemoryQueue, operation: Heartbeat, clock: int) -> Beat:
    """Extend leases, and sort those that cannot be by what befell them."""
    now = queue.tick(clock, operation.lease)
    queue.crew.beat(operation.worker, operation.lanes, operation.about, now)
    for lease in operation.started:
        job = queue.jobs.get(lease.id)
        if job is not None and job.held_by(operation.worker, lease.fence) and not job.started:
            job.begin(now)
    lost: list[str] = []
    cancelled: list[str] = []
    deleted: list[str] = []
    for lease in operation.leases:
        job = queue.jobs.get(lease.id)
        if job is None:
            deleted.append(lease.id)
        elif not job.held_by(operation.worker, lease.fence):
            lost.append(lease.id)
        else:
            job.expires_at = now + operation.lease
            if job.cancel_requested_at is not None:
                cancelled.append(lease.id)
    return Beat(
        now=now,
        lost=tuple(lost),
        cancelled=tuple(cancelled),
        deleted=tuple(deleted),
        next_tick=queue.schedules.next_look,
    )


def leave(queue: MemoryQueue, operation: Leave, clock: int) -> None:
    """Forget a worker."""
    queue.crew.forget(operation.worker)


def take_over(queue: MemoryQueue, operation: TakeOver, clock: int) -> TakenOver:
    """Take back what a dead worker held, and forget it."""
    now = queue.time.now(clock)
    held = sorted(
        (job for job in queue.running.values() if job.token and job.token[0] == operation.worker),
        key=lambda job: (job.expires_at, job.id),
    )
    taken = held[:TAKEN_OVER_AT_ONCE]
    ended = [job.id for job in taken if queue.lose(job, now=now)]
    queue.ledger.write(now)
    if len(held) == len(taken):
        queue.crew.forget(operation.worker)
    queue.crew.wanted.update((job.type, None) for job in taken if job.state is JobState.QUEUED)
    queue.crew.hint_wanted()
    queue.trim(operation.bounds, now=now, ended=len(ended))
    return TakenOver(now=now, count=len(taken), ended=tuple(ended), more=len(held) > len(taken))


def mark_timed_out(queue: MemoryQueue, operation: MarkTimedOut, clock: int) -> bool:
    """Write down that a running attempt passed its deadline."""
    job = queue.jobs.get(operation.lease.id)
    if job is None or not job.held_by(operation.worker, operation.lease.fence):
        return False
    if job.timed_out_at is None:
        job.timed_out_at = queue.time.now(clock)
    return True


def check_in(queue: MemoryQueue, operation: CheckIn, clock: int) -> bool:
    """Write down how far a running attempt is."""
    job = queue.jobs.get(operation.lease.id)
    if job is None or not job.held_by(operation.worker, operation.lease.fence):
        return False
    job.progress = operation.progress
    job.checked_in_at = queue.time.now(clock)
    return True


ON_ONE_QUEUE: Mapping[type, Callable[[MemoryQueue, Any, int], Any]] = {
    Claim: claim,
    Heartbeat: heartbeat,
    Leave: leave,
    TakeOver: take_over,
    MarkTimedOut: mark_timed_out,
    CheckIn: check_in,
    Cancel: control.cancel,
    Delete: control.delete,
    Reschedule: control.reschedule,
    SetPriority: control.set_priority,
    UseOrder: use_order,
    SetPause: control.set_pause,
    SpreadPauses: control.spread_pauses,
    ReadPauses: control.read_pauses,
    Get: reading.get,
    Page: reading.page,
    Count: reading.count,
    Sweep: sweep,
    Workers: reading.workers,
    **ticking.OPERATIONS,
    Statistics: reading.statistics,
    ForgetStatistics: control.forget_statistics,
}
