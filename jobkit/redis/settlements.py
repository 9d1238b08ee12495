"""How an attempt ended, as the arguments of the settle script."""

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

Arg = bytes | str | int


def settlement_args(settlement: Settlement) -> tuple[Arg, ...]:
    """Return id, fence, move, due time, delay, duration, result or failure, keep, children."""
    lease = settlement.lease
    match settlement:
        case Succeed():
            result = b"" if settlement.result is None else b"=" + settlement.result
            duration, children = settlement.duration, len(settlement.children)
            return (lease.id, lease.fence, "succeed", "", 0, duration, result, 1, children)
        case RetryLater():
            at = "" if settlement.at is None else settlement.at
            failure = failure_json(settlement.failure)
            delay, duration = settlement.delay, settlement.duration
            return (lease.id, lease.fence, "retry", at, delay, duration, failure, 1, 0)
        case SnoozeFor():
            failure = failure_json(settlement.failure)
            delay, duration = settlement.delay, settlement.duration
            return (lease.id, lease.fence, "snooze", "", delay, duration, failure, 1, 0)
        case Bury():
            failure = failure_json(settlement.failure)
            duration, keep = settlement.duration, int(settlement.keep)
            return (lease.id, lease.fence, "bury", "", 0, duration, failure, keep, 0)
        case EndCancelled():
            failure = failure_json(settlement.failure)
            return (lease.id, lease.fence, "cancel", "", 0, settlement.duration, failure, 1, 0)
        case Release():
            return (lease.id, lease.fence, "release", "", 0, 0, b"", 1, 0)
