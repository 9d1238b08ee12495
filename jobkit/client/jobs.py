"""`Jobs`: an `Enqueuer` and a `Scheduler` over a store, for threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, Unpack, overload

from jobkit.checks import duration
from jobkit.client.control import AsyncControl, Control
from jobkit.client.outbox import JobOutbox
from jobkit.client.sender import LONGEST_TIMEOUT, AsyncSender, Sender
from jobkit.client.transaction import Held, transaction
from jobkit.context import JobContext
from jobkit.engine import Engine, PartlyStored, Steps, drive, finish
from jobkit.errors import InvalidOption
from jobkit.handle import JobHandle, lead
from jobkit.handlers import EnqueueHook, M
from jobkit.hooks import Hooks
from jobkit.inspect import Inspector
from jobkit.jobtype import DataclassLike
from jobkit.options import EnqueueOptions, ScheduleOptions
from jobkit.protocols import Enqueuer, H, Schedule
from jobkit.store import AsyncStore, Capability, NewJob, Queues, Store, can_begin

J = TypeVar("J", bound=DataclassLike)
T = TypeVar("T")
SendPush: TypeAlias = Callable[[], Callable[[], tuple[str, ...]]]  # returns what gives the ids
DEFAULT_ENQUEUE_TIMEOUT = timedelta(seconds=5)
LONGEST_ENQUEUE_TIMEOUT = timedelta(seconds=LONGEST_TIMEOUT)


class Jobs:
    """What every backend is: it enqueues, schedules, and knows handlers."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        async_store: AsyncStore,
        *,
        now: Callable[[], int | None],
        monotonic: Callable[[], float],
        enqueue_timeout: timedelta | None,
    ) -> None:
        timeout = DEFAULT_ENQUEUE_TIMEOUT if enqueue_timeout is None else enqueue_timeout
        if complaint := duration(timeout):
            raise InvalidOption(f"enqueue_timeout={enqueue_timeout!r}: {complaint}")
        if timeout > LONGEST_ENQUEUE_TIMEOUT:
            longest = LONGEST_ENQUEUE_TIMEOUT.total_seconds()
            raise InvalidOption(
                f"enqueue_timeout={enqueue_timeout!r}: give at most {longest:g} seconds: later, a "
                f"repeated enqueue is not recognised; catch BackendUnavailable and enqueue again"
            )
        self._engine = engine
        self._store = store
        engine.use(store)
        self._sender = Sender(store, now=now, monotonic=monotonic, timeout=timeout.total_seconds())
        self._async_sender = AsyncSender(async_store, self._sender)
        self._control = Control(engine, self._sender)
        self._async_control = AsyncControl(engine, self._async_sender)
        self.inspect = Inspector(engine, self._sender, self._handle_to)

    # Enqueuer

    def enqueue(self, job: J, /, **options: Unpack[EnqueueOptions]) -> JobHandle[J]:
        """Store one job and return a handle to it.

        Raises `InvalidJob`, `InvalidOption`, `Duplicate` or `BackendUnavailable`; then nothing
        is stored, unless the last says that this is unknown.
        """
        new = self._engine.prepare(job, options)
        return self._handle(new, self._push([new])[0])

    def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[JobHandle[Any]]:
        """Store jobs in their order, all or none; with `chunk`, that many at a time.

        On a Redis Cluster all or none is per queue, and `PartialPublish` has what was stored.
        """
        handles: list[JobHandle[Any]] = []
        pushes = map(self._ready_push, self._engine.prepare_chunks(jobs, chunk, options))
        push = next(pushes, None)
        while push is not None:
            batch, send = push
            try:
                finish_push = send()
                try:  # both while the store is at work
                    made = [self._handle(new, new.id) for new in batch]
                    push = next(pushes, None)
                finally:
                    ids = finish_push()
            except PartlyStored as partly:
                stored = [self._handle(batch[i], stored_as) for i, stored_as in partly.stored]
                raise partly.told([*handles, *stored]) from partly.__cause__
            for handle, stored_as in zip(made, ids, strict=True):
                lead(handle, stored_as)
            handles += made
        return handles

    def transaction(self) -> AbstractContextManager[Enqueuer]:
        """Hold what is enqueued in the block and publish it, in one step, at its end."""
        return transaction(self._engine, self._control, self._push)

    # Scheduler

    def schedule(
        self,
        spec: str | timedelta | Schedule,
        job: DataclassLike,
        /,
        **options: Unpack[ScheduleOptions],
    ) -> str:
        """Enqueue this job by this spec from now on, and return the schedule's name.

        Idempotent by name: another payload is for the ticks to come, another spec starts the
        schedule anew. Raises `InvalidSchedule`, `InvalidOption` or `InvalidJob`.
        """
        scheduling = self._engine.scheduling
        return self._drive(scheduling.put(scheduling.prepare(spec, job, options)))

    def unschedule(self, name: str, /) -> bool:
        """Remove a schedule, and none of the jobs that it made; False if there was none."""
        return self._drive(self._engine.scheduling.remove(name))

    # Handlers

    @overload
    def register(self, handler: H, /, *, job: type | None = None) -> H: ...
    @overload
    def register(self, /, *, job: type) -> Callable[[H], H]: ...
    def register(
        self, handler: Callable[..., object] | None = None, /, *, job: type | None = None
    ) -> Any:
        """Register a handler on this backend, also as a decorator; see `Handlers.register`."""
        register: Callable[..., Any] = self._engine.own_handlers.register
        return register(handler, job=job)

    def middleware(self, fn: M) -> M:
        """Wrap every handler of this backend, outside of the handlers' own middleware."""
        return self._engine.own_handlers.middleware(fn)

    def hooks(self, hooks: Hooks) -> None:
        """Call these at the events of every job of this backend."""
        self._engine.own_handlers.hooks(hooks)

    def on_enqueue(self, fn: EnqueueHook) -> EnqueueHook:
        """Call this with each job and its options before they are validated."""
        return self._engine.own_handlers.on_enqueue(fn)

    # Health

    def checkup(self) -> list[str]:
        """Say what about the place where the jobs are kept may lose them; see `jobkit doctor`."""
        return self._store.checkup()

    def audit(self) -> list[str]:
        """Check the store's invariants, and say what is broken; for queues at rest."""
        names = self._sender(Queues())
        return [f"{name}: {breach}" for name in names for breach in self._store.audit(name)]

    # Life cycle

    def close(self) -> None:
        """Let go of all connections; idempotent."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _drive(self, steps: Steps[T]) -> T:
        return drive(steps, self._sender)

    def _push(self, jobs: Sequence[NewJob]) -> tuple[str, ...]:
        return self._drive(self._engine.push(jobs, self._handle_to))

    def _ready_push(self, jobs: list[NewJob]) -> tuple[list[NewJob], SendPush]:
        """Make a push ready; a store that cannot part the two carries it out when it is sent."""
        steps = self._engine.push(jobs, self._handle_to)
        if not can_begin(self._store):
            return jobs, partial(self._push_at_once, steps)
        send = self._sender.ready(next(steps))
        return jobs, lambda: partial(finish, steps, send(), self._sender)

    def _push_at_once(self, steps: Steps[T]) -> Callable[[], T]:
        result = self._drive(steps)
        return lambda: result

    def _handle_to(self, job_id: str, type_name: str, queue: str) -> JobHandle[Any]:
        return self._control.handle_to(job_id, type_name, queue)  # the double changes it later

    def _handle(self, new: NewJob, stored_as: str) -> JobHandle[Any]:
        return JobHandle(
            id=stored_as,
            type=new.type,
            queue=new.queue,
            created=stored_as == new.id,
            control=self._control,
        )

    def _open_outbox(self, _: JobContext, /) -> JobOutbox:
        self._engine.require(Capability.CHILDREN, "what a handler enqueues on its context")
        held = Held(self._engine, on_context=True)
        return JobOutbox(held, self._control, self._async_control)
