"""Rules of settling: what was claimed is settled, once, and as its handler ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from benchmarks.tracing.story import Held, Sent, Story
from benchmarks.tracing.trace import Did, Left, Way
from jobkit.store import (
    Beat,
    Bury,
    CheckIn,
    EndCancelled,
    Heartbeat,
    Lease,
    MarkTimedOut,
    Release,
    RetryLater,
    Settle,
    Settlement,
    SnoozeFor,
    Succeed,
)

OnLeases: TypeAlias = Settle | Heartbeat | MarkTimedOut | CheckIn


def on_leases(story: Story) -> Iterator[tuple[int, Did, OnLeases]]:
    """Yield the operations that name leases of their sender."""
    for place, did in story.every(Did):
        if isinstance(did.operation, OnLeases):
            yield place, did, did.operation


def only_own_leases_are_named(story: Story) -> Iterator[str]:
    """A worker settles, extends and checks in only what it has claimed."""
    for place, did, operation in on_leases(story):
        for lease in _named(operation):
            held = story.find(operation.worker, lease)
            if held is None or held.place > place:
                yield f"{did.sender} names {lease} at {place}, which {operation.worker} has not"


def _named(operation: OnLeases) -> Sequence[Lease]:
    match operation:
        case Settle():
            return [each.lease for each in operation.settlements]
        case Heartbeat():
            return [*operation.leases, *operation.started]
        case MarkTimedOut() | CheckIn():
            return [operation.lease]


def nothing_is_settled_twice(story: Story) -> Iterator[str]:
    """A settlement is final: it is sent again only if no answer came, and then unchanged."""
    for held in story.held.values():
        for before, after in pairwise(held.sent):
            if after.settlement != before.settlement:
                yield f"{held} is settled at {after.place} in another way than at {before.place}"
            elif before.did.reply == "heard":
                yield f"{held} is settled at {after.place} again, and was answered"


def every_lease_is_accounted_for(story: Story) -> Iterator[str]:
    """Who was given a job says what became of it, unless killed, or given the same job anew."""
    latest = {(held.worker, held.job.id): held.job.fence for held in story.held.values()}
    for held in story.held.values():
        is_displaced = latest[held.worker, held.job.id] > held.job.fence
        if held.sent or is_displaced or held.worker in story.killed or not held.is_heard:
            continue
        yield f"{held}, claimed at {held.place}, is never settled"


def a_stop_leaves_nothing_behind(story: Story) -> Iterator[str]:
    """Who has stopped in order has had an answer to everything, and is not heard of again (B52)."""
    for held in story.held.values():
        stopped = story.stopped.get(held.worker)
        if stopped is not None and held.sent and held.sent[-1].did.reply != "heard":
            yield f"{held} was settled, and nobody waited for the answer"
        if stopped is not None and any(each.place > stopped for each in held.sent):
            yield f"{held} was settled after the end of its worker"
    for place, did, operation in on_leases(story):
        if place > story.stopped.get(operation.worker, len(story.trace)):
            yield f"{did.sender} sends {type(operation).__name__} at {place}, after its end"


FITS: dict[Way, tuple[type[Settlement], ...]] = {
    "returned": (Succeed,),
    "raised": (RetryLater, Bury),
    "retry": (RetryLater, Bury),
    "snooze": (SnoozeFor,),
    "discard": (EndCancelled,),
    "dead": (Bury,),
}


def settlements_say_what_happened(story: Story) -> Iterator[str]:
    """A job is settled as its handler ended; only a success publishes children, and all (B41).

    Not asked of handlers that were told to stop, be it at their last moment: what they then do
    counts for less.
    """
    told = set(_told_to_stop(story))
    for held in story.held.values():
        if not held.sent or held.left is None:
            continue
        first, (place, left) = held.sent[0], held.left
        if first.place < place or left.told is not None or held.lease in told:
            continue  # or it was given up before its handler ended
        if isinstance(first.settlement, Release) and _is_stopping(story, held.worker, first):
            continue  # its end came while a shutdown handed back what ran
        if not isinstance(first.settlement, FITS[left.way]):
            yield f"{held} {left.way}, and is settled by {first.settlement}"
        elif (published := _children(first)) != _expected(left):
            yield f"{held} enqueued {left.children} and {left.way}, and publishes {published}"


def _is_stopping(story: Story, worker: str, sent: Sent) -> bool:
    return sent.place > story.stops_claiming.get(worker, len(story.trace))


def _told_to_stop(story: Story) -> Iterator[Lease]:
    for _, did, beat in story.operations(Heartbeat):
        if isinstance(did.answer, Beat):
            ended = {*did.answer.lost, *did.answer.cancelled, *did.answer.deleted}
            yield from (lease for lease in beat.leases if lease.id in ended)


def _children(sent: Sent) -> int:
    return len(sent.settlement.children) if isinstance(sent.settlement, Succeed) else 0


def _expected(left: Left) -> int:
    return left.children if left.way == "returned" else 0


def success_follows_a_return(story: Story) -> Iterator[str]:
    """No job succeeds whose handler has not returned by then."""
    for held in story.held.values():
        for sent in held.sent:
            if isinstance(sent.settlement, Succeed) and not _had_returned(held, sent):
                yield f"{held} succeeds at {sent.place}, and its handler has not returned"


def _had_returned(held: Held, sent: Sent) -> bool:
    return held.left is not None and held.left[0] < sent.place and held.left[1].way == "returned"
