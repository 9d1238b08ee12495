"""How attempts ended, as a call of the settle script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jobkit.record import JobState
from jobkit.redis.command import Arg, Command, bounds_args, job_args
from jobkit.redis.keys import queue_prefix
from jobkit.redis.scripts import script
from jobkit.redis.stored import STATES, failure_json
from jobkit.store import (
    Bury,
    EndCancelled,
    NewJob,
    Release,
    RetryLater,
    Settle,
    Settled,
    Settlement,
    SnoozeFor,
    Succeed,
)

NO_TIME = "-"


def settle(operation: Settle, namespace: str, now: Arg) -> Command:
    """Return the call that ends attempts, and publishes their children in whatever queue."""
    others = operation.other_queues
    queues = (operation.queue, *others)
    places = {queue: place for place, queue in enumerate(queues, 1)}

    def child_args(children: Sequence[NewJob]) -> tuple[list[Arg], int]:
        return job_args(children, places), 0

    return settle_command(operation, namespace, now, queues, child_args, named=others)


def settle_command(
    operation: Settle,
    namespace: str,
    now: Arg,
    queues: Sequence[str],
    child_args: Callable[[Sequence[NewJob]], tuple[list[Arg], int]],
    *,
    named: tuple[str, ...],
) -> Command:
    """Return the call that ends attempts.

    `queues`: its own, and those of children it reaches; `named`: those of all children.
    `child_args` returns what is sent of some children, and how many of them are for other slots.
    """
    lines: list[str] = []
    more: list[Arg] = []
    for settlement in operation.settlements:
        children: list[Arg] = []
        away = 0
        if isinstance(settlement, Succeed) and settlement.children:
            children, away = child_args(settlement.children)
        line, word = settlement_args(settlement, len(children), away)
        lines.append(line)
        if word is not None:
            more.append(word)
        more += children
    args = (now, operation.worker, *bounds_args(operation.bounds), "\n".join(lines), *more)
    count = len(lines)

    def parse(reply: list[Any]) -> tuple[Settled, ...]:
        at = int(reply[0])
        results = [Settled(verdict="ok", state=JobState.SUCCEEDED, at=at)] * count
        for number, line in zip(reply[1::2], reply[2::2], strict=True):
            results[number - 1] = _settled(line, at)
        return tuple(results)

    prefixes = tuple(queue_prefix(namespace, queue) for queue in queues)
    return Command(script("settle"), prefixes, args, parse, named)


def settlement_args(
    settlement: Settlement, children: int = 0, away: int = 0
) -> tuple[str, bytes | None]:
    """Return a line "id fence duration move children words due-time delay keep", and its word.

    `children` is how many arguments those take, `away` how many of them are for other slots: a
    number behind `words`, which is 1 if there is one: the result of a success, or how the attempt
    failed. What a move does not need is left out at the end; a plain success has no move.
    """
    lease = settlement.lease
    head = f"{lease.id} {lease.fence}"
    match settlement:
        case Succeed(result=result, duration=duration):
            if result is None and not children:
                return f"{head} {duration}", None
            words = 0 if result is None else 1
            line = f"{head} {duration} succeed {children} {words}"
            return f"{line} {away}" if away else line, result
        case RetryLater(at=at, delay=delay, duration=duration, failure=failure):
            due = NO_TIME if at is None else at
            return f"{head} {duration} retry 0 1 {due} {delay}", failure_json(failure)
        case SnoozeFor(delay=delay, duration=duration, failure=failure):
            return f"{head} {duration} snooze 0 1 {NO_TIME} {delay}", failure_json(failure)
        case Bury(keep=keep, duration=duration, failure=failure):
            return f"{head} {duration} bury 0 1 {NO_TIME} 0 {int(keep)}", failure_json(failure)
        case EndCancelled(duration=duration, failure=failure):
            return f"{head} {duration} cancel 0 1", failure_json(failure)
        case Release():
            return f"{head} 0 release 0 0", None


def _settled(line: bytes, at: int) -> Settled:
    verdict, state, due = (*line.split(b" "), b"", b"")[:3]
    return Settled(
        verdict=verdict.decode(),  # type: ignore[arg-type]  # the script knows only these
        state=STATES[state],
        at=at,
        due=int(due) if due else None,
    )
