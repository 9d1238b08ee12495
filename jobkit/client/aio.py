"""`AsyncJobs`: the async twin of a backend; they share handlers, engine and worker."""

from __future__ import annotations

import asyncio
from collections.abc import (
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

from jobkit.client.jobs import Jobs
from jobkit.client.meanwhile import meanwhile
from jobkit.client.transaction import async_transaction
from jobkit.engine import PartlyStored, Steps, drive_async
from jobkit.handle import AsyncJobHandle, lead
from jobkit.inspect import AsyncInspector
from jobkit.jobtype import DataclassLike
from jobkit.options import EnqueueOptions, ScheduleOptions
from jobkit.protocols import AsyncEnqueuer, H, Schedule
from jobkit.store import NewJob

J = TypeVar("J", bound=DataclassLike)
T = TypeVar("T")


class AsyncJobs:
    """An `AsyncEnqueuer` and an `AsyncScheduler` over the store of a `Jobs`."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        # One object in two faces: the twin reaches into what it is the twin of.
        self._engine = jobs._engine  # pyright: ignore[reportPrivateUsage]
        self._sender = jobs._async_sender  # pyright: ignore[reportPrivateUsage]
        self._control = jobs._async_control  # pyright: ignore[reportPrivateUsage]
        self.inspect = AsyncInspector(self._engine, self._sender, self._control.handle_to)

    async def enqueue(self, job: J, /, **options: Unpack[EnqueueOptions]) -> AsyncJobHandle[J]:
        """Store one job and return a handle to it; see `Jobs.enqueue`."""
        new = self._engine.prepare(job, options)
        return self._handle(new, (await self._push([new]))[0])

    async def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[AsyncJobHandle[Any]]:
        """Store jobs in their order, all or none; see `Jobs.enqueue_many`."""
        handles: list[AsyncJobHandle[Any]] = []
        turns = self._engine.prepare_in_turns(jobs, chunk, options)
        batch = next(filter(None, turns), None)
        while batch is not None:
            prepare = partial(self._handles_and_next, batch, turns)
            try:
                ids, (made, following) = await meanwhile(self._push(batch), prepare)
            except PartlyStored as partly:
                stored = [self._handle(batch[i], stored_as) for i, stored_as in partly.stored]
                raise partly.told([*handles, *stored]) from partly.__cause__
            for handle, stored_as in zip(made, ids, strict=True):
                lead(handle, stored_as)
            handles += made
            batch = following
        return handles

    async def _handles_and_next(
        self, batch: list[NewJob], turns: Iterator[list[NewJob] | None]
    ) -> tuple[list[AsyncJobHandle[Any]], list[NewJob] | None]:
        """Make the handles of a chunk and prepare the next one, letting others have their turns."""
        handles = [self._handle(new, new.id) for new in batch]
        for following in turns:
            if following is not None:
                return handles, following
            await asyncio.sleep(0)
        return handles, None

    def transaction(self) -> AbstractAsyncContextManager[AsyncEnqueuer]:
        """Hold what is enqueued in the block and publish it, in one step, at its end."""
        return async_transaction(self._engine, self._control, self._push)

    async def schedule(
        self,
        spec: str | timedelta | Schedule,
        job: DataclassLike,
        /,
        **options: Unpack[ScheduleOptions],
    ) -> str:
        """Enqueue this job by this spec from now on; see `Jobs.schedule`."""
        scheduling = self._engine.scheduling
        return await self._drive(scheduling.put(scheduling.prepare(spec, job, options)))

    async def unschedule(self, name: str, /) -> bool:
        """Remove a schedule; False if there was none."""
        return await self._drive(self._engine.scheduling.remove(name))

    @overload
    def register(self, handler: H, /, *, job: type | None = None) -> H: ...
    @overload
    def register(self, /, *, job: type) -> Callable[[H], H]: ...
    def register(
        self, handler: Callable[..., object] | None = None, /, *, job: type | None = None
    ) -> Any:
        """Register a handler on the backend, also as a decorator."""
        register: Callable[..., Any] = self._jobs.register
        return register(handler, job=job)

    async def close(self) -> None:
        """Close both twins; idempotent."""
        await self._sender.store.close()
        self._jobs.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _drive(self, steps: Steps[T]) -> Coroutine[Any, Any, T]:
        return drive_async(steps, self._sender)

    def _push(self, jobs: Sequence[NewJob]) -> Coroutine[Any, Any, tuple[str, ...]]:
        return self._drive(self._engine.push(jobs, self._control.handle_to))

    def _handle(self, new: NewJob, stored_as: str) -> AsyncJobHandle[Any]:
        return AsyncJobHandle(
            id=stored_as,
            type=new.type,
            queue=new.queue,
            created=stored_as == new.id,
            control=self._control,
        )
