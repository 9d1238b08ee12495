"""What domain code depends on: the narrowest of these that does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Unpack, overload, runtime_checkable

from jobkit.handle import AsyncJobHandle, JobHandle
from jobkit.jobtype import DataclassLike
from jobkit.options import EnqueueOptions, ScheduleOptions, WorkerOptions

if TYPE_CHECKING:
    from jobkit.context import JobContext
    from jobkit.report import Report

J = TypeVar("J", bound=DataclassLike)
H = TypeVar("H", bound="Callable[[Any], object] | Callable[[Any, JobContext], object]")


@runtime_checkable
class Schedule(Protocol):
    """A rule that tells when to run next; made known by `Handlers.rule`."""

    @property
    def name(self) -> str:
        """The name under which the rule is stored."""
        ...

    def next_after(self, instant: datetime, /) -> datetime | None:
        """Return the first run after this instant, or None if there is none."""
        ...


@runtime_checkable
class Enqueuer(Protocol):
    """Puts jobs on a queue."""

    def enqueue(self, job: J, /, **options: Unpack[EnqueueOptions]) -> JobHandle[J]:
        """Store one job and return a handle to it.

        Raises `InvalidJob`, `InvalidOption`, `Duplicate` or `BackendUnavailable`.
        """
        ...

    def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[JobHandle[Any]]:
        """Store jobs in their order, all or none; with `chunk`, that many at a time."""
        ...

    def transaction(self) -> AbstractContextManager[Enqueuer]:
        """Hold what is enqueued in the block and publish it at its end."""
        ...


@runtime_checkable
class Scheduler(Protocol):
    """Runs jobs at regular times."""

    def schedule(
        self,
        spec: str | timedelta | Schedule,
        job: DataclassLike,
        /,
        **options: Unpack[ScheduleOptions],
    ) -> str:
        """Enqueue this job by this spec from now on, and return the schedule's name."""
        ...

    def unschedule(self, name: str, /) -> bool:
        """Remove a schedule; False if there was none."""
        ...


@runtime_checkable
class Queue(Enqueuer, Scheduler, Protocol):
    """Everything: enqueue, schedule, register handlers, run a worker."""

    @overload
    def register(self, handler: H, /, *, job: type | None = None) -> H: ...
    @overload
    def register(self, /, *, job: type) -> Callable[[H], H]: ...

    def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Start a worker in this process; idempotent."""
        ...

    def drain(self, *, timeout: timedelta | None = None) -> Report:
        """Run until nothing is left that is due and can be run here."""
        ...

    def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Stop the worker: finish what runs, hand back the rest; idempotent."""
        ...


@runtime_checkable
class AsyncEnqueuer(Protocol):
    """Puts jobs on a queue, from coroutines."""

    async def enqueue(self, job: J, /, **options: Unpack[EnqueueOptions]) -> AsyncJobHandle[J]:
        """Store one job and return a handle to it."""
        ...

    async def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[AsyncJobHandle[Any]]:
        """Store jobs in their order, all or none; with `chunk`, that many at a time."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[AsyncEnqueuer]:
        """Hold what is enqueued in the block and publish it at its end."""
        ...


@runtime_checkable
class AsyncScheduler(Protocol):
    """Runs jobs at regular times; for coroutines."""

    async def schedule(
        self,
        spec: str | timedelta | Schedule,
        job: DataclassLike,
        /,
        **options: Unpack[ScheduleOptions],
    ) -> str:
        """Enqueue this job by this spec from now on, and return the schedule's name."""
        ...

    async def unschedule(self, name: str, /) -> bool:
        """Remove a schedule; False if there was none."""
        ...


@runtime_checkable
class AsyncQueue(AsyncEnqueuer, AsyncScheduler, Protocol):
    """Everything, for coroutines."""

    @overload
    def register(self, handler: H, /, *, job: type | None = None) -> H: ...
    @overload
    def register(self, /, *, job: type) -> Callable[[H], H]: ...

    async def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Start a worker in this process; idempotent."""
        ...

    async def drain(self, *, timeout: timedelta | None = None) -> Report:
        """Run until nothing is left that is due and can be run here."""
        ...

    async def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Stop the worker: finish what runs, hand back the rest; idempotent."""
        ...
