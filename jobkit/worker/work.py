"""One claimed job inside a worker, from its claim to its settlement."""

from __future__ import annotations

from msgspec.structs import replace

from jobkit.cancellation import Cancellation
from jobkit.engine.running import Run
from jobkit.progress import CheckedIn, encode_progress
from jobkit.store import CheckIn, Lease, StoredJob


class Work:
    """A lease that this worker holds, and how far it is with it.

    `lease_until` and `deadline` are readings of the monotonic clock. `ended` is set once, by
    whoever decides how the attempt ended: the handler's thread or task, or the keeper that
    gives up on it. `untold`: it was claimed ahead, and the store does not know that it has begun.
    `handed_back`: it ended with its job handed back. `said`: the last check-in
    of the handler; `written`: the last one that the store has.
    """

    __slots__ = (
        "cancelled",
        "deadline",
        "ended",
        "handed_back",
        "lease",
        "lease_until",
        "queue",
        "run",
        "said",
        "started",
        "stored",
        "untold",
        "written",
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
        self.untold = False
        self.ended = False
        self.handed_back = False
        self.said: CheckedIn | None = None
        self.written: CheckedIn | None = None

    def stored_at_end(self, at: int) -> StoredJob:
        """Return the job as it was claimed, with the last that its handler said."""
        if self.said is None:
            return self.stored
        return replace(self.stored, progress=encode_progress(self.said), checked_in_at=at)

    def check_in(self, worker: str) -> tuple[CheckedIn, CheckIn] | None:
        """Return the handler's last word if the store does not have it, and how to write it."""
        said = self.said
        if said is None or said is self.written:
            return None
        progress = encode_progress(said)
        return said, CheckIn(queue=self.queue, worker=worker, lease=self.lease, progress=progress)
