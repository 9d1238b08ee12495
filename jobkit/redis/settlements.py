"""How an attempt ended, as arguments of the settle script."""

from __future__ import annotations

from jobkit.redis.stored import failure_json
from jobkit.store import (
    Bury,
    EndCancelled,
    Release,
    RetryLater,
    Settlement,
    SnoozeFor,
    Succeed,
)

NO_TIME = "-"


def settlement_args(settlement: Settlement) -> tuple[str, bytes | None]:
    """Return a line "id fence move duration children words due-time delay keep", and its word.

    `words` is 1 if there is one: the result of a success, or how the attempt failed. What a move
    does not need may be left out at the end.
    """
    lease = settlement.lease
    head = f"{lease.id} {lease.fence}"
    match settlement:
        case Succeed(result=result, children=children, duration=duration):
            words = 0 if result is None else 1
            return f"{head} succeed {duration} {len(children)} {words}", result
        case RetryLater(at=at, delay=delay, duration=duration, failure=failure):
            due = NO_TIME if at is None else at
            return f"{head} retry {duration} 0 1 {due} {delay}", failure_json(failure)
        case SnoozeFor(delay=delay, duration=duration, failure=failure):
            return f"{head} snooze {duration} 0 1 {NO_TIME} {delay}", failure_json(failure)
        case Bury(keep=keep, duration=duration, failure=failure):
            return f"{head} bury {duration} 0 1 {NO_TIME} 0 {int(keep)}", failure_json(failure)
        case EndCancelled(duration=duration, failure=failure):
            return f"{head} cancel {duration} 0 1", failure_json(failure)
        case Release():
            return f"{head} release 0 0 0", None
