"""What a handler enqueues on its context, kept for the step in which its job succeeds."""

from __future__ import annotations

from jobkit.client.transaction import AsyncTransaction, Held, Transaction
from jobkit.handle import AsyncJobControl, JobControl
from jobkit.protocols import AsyncEnqueuer, Enqueuer
from jobkit.store import NewJob


class JobOutbox:
    """The two faces, sync and async, of one list of held jobs."""

    def __init__(self, held: Held, control: JobControl, async_control: AsyncJobControl) -> None:
        self._held = held
        self._sync = Transaction(held, control)
        self._aio = AsyncTransaction(held, async_control)

    @property
    def sync(self) -> Enqueuer:
        """What `ctx.enqueue` writes to."""
        return self._sync

    @property
    def aio(self) -> AsyncEnqueuer:
        """What `ctx.aio` is."""
        return self._aio

    def take(self) -> tuple[NewJob, ...]:
        """Return what is held, and take no more."""
        self._held.close()
        return tuple(self._held.batch.jobs)
