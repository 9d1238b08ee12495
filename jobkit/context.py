"""What a handler knows about the job that it runs, and the metadata that its enqueues carry."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NoReturn, Protocol, TypeVar, Unpack

from jobkit.cancellation import Cancellation
from jobkit.clock import from_milliseconds
from jobkit.errors import InvalidOption, NotSupported, WrongState
from jobkit.handle import JobHandle
from jobkit.jobtype import DataclassLike
from jobkit.options import EnqueueOptions
from jobkit.progress import CheckedIn, check_in
from jobkit.protocols import AsyncEnqueuer, Enqueuer

J = TypeVar("J", bound=DataclassLike)

NO_METADATA: Mapping[str, str] = MappingProxyType({})

_LOGGER = logging.getLogger("jobkit.job")
# Opening and closing are rare, and two threads of one handler must not open two outboxes.
_OUTBOXES = threading.Lock()


class Outbox(Protocol):
    """Holds what a handler enqueues on its context until the job succeeds."""

    @property
    def sync(self) -> Enqueuer:
        """What `ctx.enqueue` and its siblings write to."""
        ...

    @property
    def aio(self) -> AsyncEnqueuer:
        """What `ctx.aio` is."""
        ...


class JobContext:
    """One attempt at one job, as its handler and middleware see it. It satisfies `Enqueuer`.

    What is enqueued on it, or on `aio`, is published in the atomic step of the job's success
    and dropped by any other end. `attempt` is 1 + failures + timeouts so far; `retries_left`
    None is without end; `fence` grows with each claim of the job.
    """

    # Made once per job: it takes raw values, and works out the rest when asked.
    __slots__ = (
        "_deadline",
        "_enqueued_at",
        "_on_checkin",
        "_open_outbox",
        "_outbox",
        "_run_at",
        "_values",
        "attempt",
        "cancelled",
        "fence",
        "id",
        "metadata",
        "queue",
        "retries_left",
        "schedule",
        "type",
    )

    def __init__(
        self,
        *,
        id: str,
        type: str,
        queue: str,
        attempt: int,
        retries_left: int | None,
        run_at: int,
        enqueued_at: int,
        deadline: int | None = None,
        metadata: Mapping[str, str] = NO_METADATA,
        fence: int = 0,
        schedule: str | None = None,
        cancelled: Cancellation | None = None,
        open_outbox: Callable[[JobContext], Outbox] | None = None,
        on_checkin: Callable[[JobContext, CheckedIn], None] | None = None,
    ) -> None:
        """Take instants as milliseconds.

        `open_outbox` is called once, at the first enqueue; `on_checkin` at each check-in, in the
        handler's thread: it must not wait.
        """
        self.id = id
        self.type = type
        self.queue = queue
        self.attempt = attempt
        self.retries_left = retries_left
        self._run_at = run_at
        self._enqueued_at = enqueued_at
        self._deadline = deadline
        self.metadata = metadata
        self.fence = fence
        self.schedule = schedule
        self.cancelled = Cancellation() if cancelled is None else cancelled
        self._open_outbox = open_outbox
        self._on_checkin = on_checkin
        self._outbox: Outbox | None = None
        self._values: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<JobContext {self.type} {self.id} attempt={self.attempt}>"

    @property
    def run_at(self) -> datetime:
        """When this run was due."""
        return from_milliseconds(self._run_at)

    @property
    def enqueued_at(self) -> datetime:
        """When the job was enqueued."""
        return from_milliseconds(self._enqueued_at)

    @property
    def deadline(self) -> datetime | None:
        """When this attempt times out; None: never."""
        return None if self._deadline is None else from_milliseconds(self._deadline)

    @property
    def values(self) -> dict[str, Any]:
        """A dict in which middleware and handler leave things for each other."""
        if self._values is None:
            self._values = {}
        return self._values

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """The logger "jobkit.job"; its records carry `job_id`, `job_type` and `attempt`."""
        extra = {"job_id": self.id, "job_type": self.type, "attempt": self.attempt}
        return _JobLogger(_LOGGER, extra)

    @property
    def aio(self) -> AsyncEnqueuer:
        """The same enqueues for coroutines."""
        return self._held("aio").aio

    def enqueue(self, job: J, /, **options: Unpack[EnqueueOptions]) -> JobHandle[J]:
        """Enqueue a job if this one succeeds, in the same atomic step."""
        return self._held("enqueue").sync.enqueue(job, **options)

    def enqueue_many(
        self,
        jobs: Iterable[DataclassLike],
        /,
        *,
        chunk: int | None = None,
        **options: Unpack[EnqueueOptions],
    ) -> list[JobHandle[Any]]:
        """Enqueue jobs if this one succeeds, in the same atomic step."""
        return self._held("enqueue_many").sync.enqueue_many(jobs, chunk=chunk, **options)

    def transaction(self) -> AbstractContextManager[Enqueuer]:
        """Hold what is enqueued in the block; its end adds it to what this job publishes."""
        return self._held("transaction").sync.transaction()

    def checkin(self, text: str, *, done: float | None = None, total: float | None = None) -> None:
        """Say how far the handler is; the record shows it within a second as `progress`.

        It never waits: the worker writes the last word of each job, every half a second, and
        with its end. Text is cut at 1 KiB. Raises `InvalidOption` for what is no text or number.
        """
        said = check_in(text, done=done, total=total)
        if self._on_checkin is None:
            raise self._belongs_to_no_queue("checkin")
        self._on_checkin(self, said)

    def take_outbox(self) -> Outbox | None:
        """Close this context for enqueues, and return what it was given; None: nothing.

        For the engine, which publishes it with the job's success, or drops it.
        """
        with _OUTBOXES:
            outbox, self._outbox, self._open_outbox = self._outbox, None, _closed
        return outbox

    def _held(self, method: str) -> Outbox:
        with _OUTBOXES:
            if self._outbox is None:
                if self._open_outbox is None:
                    raise self._belongs_to_no_queue(method)
                self._outbox = self._open_outbox(self)
            return self._outbox

    def _belongs_to_no_queue(self, method: str) -> NotSupported:
        return NotSupported(
            f"{method}: {self!r} was made by hand and belongs to no queue; let a worker, or "
            f"TestingJobs.perform(job), make the context"
        )


def _closed(ctx: JobContext) -> NoReturn:
    raise WrongState(
        f"{ctx!r} has ended: what is enqueued on it now would never be published; enqueue before "
        f"the handler returns, or on the backend"
    )


CURRENT_JOB: ContextVar[JobContext | None] = ContextVar("jobkit.current_job", default=None)


def current_job() -> JobContext | None:
    """Return the context of the job that runs here; None outside of a handler."""
    return CURRENT_JOB.get()


@dataclass(frozen=True, slots=True)
class _Added:
    """What `metadata` blocks add, and to which job's enqueues.

    A job run inside such a block (the double runs them where the test is) is another job: it
    must not see the metadata of its caller, as it would not in a worker.
    """

    job: JobContext | None
    pairs: Mapping[str, str]


_ADDED: ContextVar[_Added | None] = ContextVar("jobkit.metadata", default=None)


def metadata(**pairs: str) -> AbstractContextManager[None]:
    """Add these pairs to the metadata of every enqueue in the block.

    >>> with metadata(user="7"):
    ...     dict(current_metadata())
    {'user': '7'}
    """
    for key, value in pairs.items():
        # Types are a promise that user code may break at run time.
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidOption(f"metadata: {key}={value!r}: give a str")
    return _adding(pairs)


@contextmanager
def _adding(pairs: Mapping[str, str]) -> Generator[None]:
    token = _ADDED.set(_Added(CURRENT_JOB.get(), {**current_metadata(), **pairs}))
    try:
        yield
    finally:
        _ADDED.reset(token)


def current_metadata() -> Mapping[str, str]:
    """Return what an enqueue here inherits: the running job's metadata, and what blocks add."""
    job, added = CURRENT_JOB.get(), _ADDED.get()
    if added is not None and added.job is job:
        return added.pairs
    return NO_METADATA if job is None else job.metadata


class _JobLogger(logging.LoggerAdapter[logging.Logger]):
    """Adds its fields to those that a call gives; the stock adapter drops the latter."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs
