"""A transaction holds what is enqueued on it and publishes it in one step."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, TypeAlias, TypeVar, Unpack

from jobkit.engine import Engine, PartlyStored
from jobkit.engine.batch import Batch
from jobkit.errors import InvalidOption, PartialPublish, WrongState
from jobkit.handle import AsyncJobControl, AsyncJobHandle, JobControl, JobHandle, lead
from jobkit.jobtype import DataclassLike
from jobkit.options import EnqueueOptions
from jobkit.protocols import AsyncEnqueuer, Enqueuer
from jobkit.store import NewJob

J = TypeVar("J", bound=DataclassLike)
Handle: TypeAlias = JobHandle[Any] | AsyncJobHandle[Any]


class Held:
    """Prepared jobs with their handles, until they are published or dropped.

    `on_context`: by a handler, whose worker publishes them when nobody is there any more to be
    told that one was refused.
    """

    def __init__(self, engine: Engine, *, on_context: bool = False) -> None:
        self._engine = engine
        self._on_context = on_context
        self._is_open = True
        self.batch = Batch()
        self.handles: list[Handle] = []

    def add(self, job: Any, options: Mapping[str, Any]) -> NewJob:
        """Validate a job and hold it."""
        self._check_open()
        new = self._engine.prepare(job, options)
        self._check_conflicts(new)
        self.batch.add(new)
        return new

    def add_many(
        self, jobs: Iterable[Any], chunk: int | None, options: Mapping[str, Any]
    ) -> list[NewJob]:
        """Validate jobs and hold them all, or none."""
        self._check_open()
        prepared = [
            new for batch in self._engine.prepare_chunks(jobs, chunk, options) for new in batch
        ]
        length = len(self.batch)
        try:
            for new in prepared:
                self._check_conflicts(new)
                self.batch.add(new)
        except BaseException:
            self.batch.cut(length)
            raise
        return prepared

    def _check_conflicts(self, new: NewJob) -> None:
        if self._on_context and new.unique and new.unique.on_conflict == "raise":
            raise InvalidOption(
                f"enqueue of {new.type} on a job's context: on_conflict='raise' has nobody to "
                f"raise to, as it is published when the handler has ended; give 'return' or "
                f"'replace', or enqueue it on the backend"
            )

    def _check_open(self) -> None:
        if not self._is_open:
            raise WrongState("the transaction has ended: enqueue inside its with block")

    def close(self) -> None:
        """Take no more jobs."""
        self._is_open = False

    def published(self, ids: Sequence[str]) -> None:
        """Note in the handles where their jobs are stored."""
        for handle, stored_as in zip(self.handles, ids, strict=True):
            lead(handle, stored_as)

    def partly_published(self, partly: PartlyStored) -> PartialPublish:
        """Note in the handles which of their jobs are stored, and return what to raise."""
        for place, stored_as in partly.stored:
            lead(self.handles[place], stored_as)
        return partly.told([self.handles[place] for place, _ in partly.stored])

    def cut(self, length: int) -> None:
        """Drop what an inner block added."""
        self.batch.cut(length)
        del self.handles[length:]


class Transaction:
    """The `Enqueuer` of a `with jobs.transaction()` block."""

    def __init__(self, held: Held, control: JobControl) -> None:
        self._held = held
        self._control = control

    def enqueue(self, job: J, /, **options: Unpack[EnqueueOptions]) -> JobHandle[J]:
        """Hold a job; its handle leads to it once the block has ended."""
        return self._handle(self._held.add(job, options))

    def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[JobHandle[Any]]:
        """Hold jobs, all or none."""
        return [self._handle(new) for new in self._held.add_many(jobs, chunk, options)]

    def transaction(self) -> AbstractContextManager[Enqueuer]:
        """Join: an inner block that raises drops its own jobs alone."""
        return self._inner()

    @contextmanager
    def _inner(self) -> Generator[Enqueuer]:
        length = len(self._held.batch)
        try:
            yield self
        except BaseException:
            self._held.cut(length)
            raise

    def _handle(self, new: NewJob) -> JobHandle[Any]:
        handle = JobHandle[Any](
            id=new.id, type=new.type, queue=new.queue, created=None, control=self._control
        )
        self._held.handles.append(handle)
        return handle


class AsyncTransaction:
    """The `AsyncEnqueuer` of an `async with jobs.transaction()` block."""

    def __init__(self, held: Held, control: AsyncJobControl) -> None:
        self._held = held
        self._control = control

    async def enqueue(self, job: J, /, **options: Unpack[EnqueueOptions]) -> AsyncJobHandle[J]:
        """Hold a job; its handle leads to it once the block has ended."""
        return self._handle(self._held.add(job, options))

    async def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[AsyncJobHandle[Any]]:
        """Hold jobs, all or none."""
        return [self._handle(new) for new in self._held.add_many(jobs, chunk, options)]

    def transaction(self) -> AbstractAsyncContextManager[AsyncEnqueuer]:
        """Join: an inner block that raises drops its own jobs alone."""
        return self._inner()

    @asynccontextmanager
    async def _inner(self) -> AsyncGenerator[AsyncEnqueuer]:
        length = len(self._held.batch)
        try:
            yield self
        except BaseException:
            self._held.cut(length)
            raise

    def _handle(self, new: NewJob) -> AsyncJobHandle[Any]:
        handle = AsyncJobHandle[Any](
            id=new.id, type=new.type, queue=new.queue, created=None, control=self._control
        )
        self._held.handles.append(handle)
        return handle


@contextmanager
def transaction(
    engine: Engine, control: JobControl, publish: Callable[[Sequence[NewJob]], Sequence[str]]
) -> Generator[Enqueuer]:
    """Hold what the block enqueues; publish it at its end, or drop it if the block raises."""
    held = Held(engine)
    try:
        yield Transaction(held, control)
    finally:
        held.close()
    if held.batch.jobs:
        try:
            ids = publish(held.batch.jobs)
        except PartlyStored as partly:
            raise held.partly_published(partly) from partly.__cause__
        held.published(ids)


@asynccontextmanager
async def async_transaction(
    engine: Engine,
    control: AsyncJobControl,
    publish: Callable[[Sequence[NewJob]], Awaitable[Sequence[str]]],
) -> AsyncGenerator[AsyncEnqueuer]:
    """Do as `transaction`, with coroutines."""
    held = Held(engine)
    try:
        yield AsyncTransaction(held, control)
    finally:
        held.close()
    if held.batch.jobs:
        try:
            ids = await publish(held.batch.jobs)
        except PartlyStored as partly:
            raise held.partly_published(partly) from partly.__cause__
        held.published(ids)
