"""The store port: the atomic operations that an engine needs, as values.

An operation is a frozen dataclass. `Store.run` carries it out in one atomic step and returns
what its type says: `run(Get(...))` gives a `StoredJob | None`. Stores know nothing of
dataclasses, handlers or cron; payloads, options and metadata are opaque bytes. Instants are
integer milliseconds since 1970, durations integer milliseconds.

What every store promises, and `jobkit_testing.conformance` checks:

- Each stored job is in exactly one state, and changes it only by the moves of `record.MOVES`.
- An operation happens as a whole or not at all. Run twice with the same identity (channel and
  request, worker and request, worker and fence) it changes nothing more and answers the same.
- `now` is the instant of the operation; None means the store's own clock.
- Reads never write.
"""

from jobkit.store.operations import (
    ATTEMPTS_KEPT,
    CLOCK_SLACK,
    MAX_LOSSES,
    PROMOTED_PER_CLAIM,
    RECLAIMED_PER_CLAIM,
    REPLAY_WINDOW,
    TAKEN_OVER_AT_ONCE,
    WORKER_FORGOTTEN,
    Cancel,
    CheckIn,
    Claim,
    Count,
    Delete,
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
    TakeOver,
    Workers,
)
from jobkit.store.port import (
    AsyncStore,
    Store,
    Waiter,
)
from jobkit.store.results import (
    Beat,
    Claimed,
    KeyTaken,
    QueueCounts,
    Settled,
    StoredAttempt,
    StoredJob,
    StoredPage,
    StoredSlot,
    StoredWorker,
    StoredWorkers,
    TakenOver,
)
from jobkit.store.values import (
    CANCELLED_RUN,
    Bounds,
    Bury,
    EndCancelled,
    Failure,
    Lane,
    LaneSet,
    Lease,
    NewJob,
    Release,
    RetryLater,
    Settlement,
    SnoozeFor,
    Succeed,
    UniqueKey,
)

__all__ = [
    "ATTEMPTS_KEPT",
    "CANCELLED_RUN",
    "CLOCK_SLACK",
    "MAX_LOSSES",
    "PROMOTED_PER_CLAIM",
    "RECLAIMED_PER_CLAIM",
    "REPLAY_WINDOW",
    "TAKEN_OVER_AT_ONCE",
    "WORKER_FORGOTTEN",
    "AsyncStore",
    "Beat",
    "Bounds",
    "Bury",
    "Cancel",
    "CheckIn",
    "Claim",
    "Claimed",
    "Count",
    "Delete",
    "EndCancelled",
    "Failure",
    "Get",
    "Heartbeat",
    "KeyTaken",
    "Lane",
    "LaneSet",
    "Lease",
    "Leave",
    "MarkTimedOut",
    "NewJob",
    "Operation",
    "Page",
    "Push",
    "QueueCounts",
    "Queues",
    "Release",
    "Reschedule",
    "RetryLater",
    "SetPriority",
    "Settle",
    "Settled",
    "Settlement",
    "SnoozeFor",
    "Store",
    "StoredAttempt",
    "StoredJob",
    "StoredPage",
    "StoredSlot",
    "StoredWorker",
    "StoredWorkers",
    "Succeed",
    "TakeOver",
    "TakenOver",
    "UniqueKey",
    "Waiter",
    "Workers",
]
