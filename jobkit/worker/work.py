"""One claimed job inside a worker, from its claim to its settlement."""

from __future__ import annotations

from jobkit.cancellation import Cancellation
from jobkit.engine.running import Run
from jobkit.store import Lease, StoredJob


class Work:
    """A lease that this worker holds, and how far it is with it.

    `lease_until` and `deadline` are readings of the monotonic clock. `ended` is set once, by
    whoever decides how the attempt ended: the handler's thread or task, or the keeper that
    gives up on it. `handed_back`: it ended with its job handed back.
    """

    __slots__ = (
        "abandoned",
        "cancelled",
        "deadline",
        "ended",
        "handed_back",
        "lease",
        "lease_until",
        "queue",
        "run",
        "started",
        "stored",
    )

    def __init__(self, stored: StoredJob, lease_until: float) -> None:
        self.stored = stored
        self.queue = stored.queue
        self.lease = Lease(id=stored.id, fence=stored.fence)
        self.lease_until = lease_until
        self.cancelled = Cancellation()
        self.run: Run | None = None
        self.started: float | None = None
        self.deadline: float | None = None
        self.ended = False
        self.handed_back = False
        self.abandoned = False
