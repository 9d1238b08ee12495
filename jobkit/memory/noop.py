"""`NoopJobs`: accepts every job and forgets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar, Unpack

from jobkit.client import AsyncJobs, Jobs
from jobkit.clock import Clock, SystemClock, to_milliseconds
from jobkit.engine import Engine
from jobkit.handlers import Handlers
from jobkit.ids import system_ids
from jobkit.memory.store import AsyncMemoryStore, MemoryStore
from jobkit.options import (
    EnqueueOptions,
    QueueOptions,
    WorkerOptions,
    check_timeout,
    worker_settings,
)
from jobkit.report import Report
from jobkit.store import Operation

R = TypeVar("R")


class ForgetfulStore(MemoryStore):
    """A memory store that is new for every operation: all are accepted, none leaves a trace."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._clock = clock

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation on nothing."""
        return MemoryStore(self._clock).run(operation, now=now)

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out each operation on nothing."""
        return MemoryStore(self._clock).run_many(operations, now=now)


class NoopJobs(Jobs):
    """Accept every job and forget it: for programs that must run without background jobs.

    Jobs and options are validated as on every backend, and nothing is stored, run or found
    again.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Greet:
    ...     name: str
    >>> jobs = NoopJobs()
    >>> jobs.enqueue(Greet("Ann")).cancel()
    False
    """

    def __init__(
        self,
        *,
        handlers: Handlers | Sequence[Handlers] = (),
        defaults: EnqueueOptions | None = None,
        queues: Mapping[str, QueueOptions] | None = None,
        clock: Clock | None = None,
        enqueue_timeout: timedelta | None = None,
        max_payload: int | None = None,
        version: str | None = None,
    ) -> None:
        chosen = clock or SystemClock()
        engine = Engine(
            handlers=handlers,
            defaults=defaults,
            queues=queues,
            new_ids=lambda: system_ids(lambda: to_milliseconds(chosen.now())),
            max_payload=max_payload,
            version=version,
            durable=False,
        )
        store = ForgetfulStore(chosen)
        super().__init__(
            engine,
            store,
            AsyncMemoryStore(store),
            now=lambda: None,
            monotonic=chosen.monotonic,
            enqueue_timeout=enqueue_timeout,
        )

    def __repr__(self) -> str:
        return "NoopJobs()"

    @cached_property
    def aio(self) -> AsyncNoopJobs:
        """The async twin."""
        return AsyncNoopJobs(self)

    def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Check the options; there is nothing to run."""
        worker_settings(options)

    def drain(self, *, timeout: timedelta | None = None) -> Report:
        """Return at once: nothing waits."""
        check_timeout(timeout, of="drain")
        return Report()

    def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Return at once: nothing runs."""
        check_timeout(timeout, of="shutdown")


class AsyncNoopJobs(AsyncJobs):
    """The async twin of `NoopJobs`."""

    def __init__(self, jobs: NoopJobs) -> None:
        super().__init__(jobs)
        self._noop = jobs

    async def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Check the options; there is nothing to run."""
        self._noop.start(**options)

    async def drain(self, *, timeout: timedelta | None = None) -> Report:
        """Return at once: nothing waits."""
        return self._noop.drain(timeout=timeout)

    async def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Return at once: nothing runs."""
        self._noop.shutdown(timeout=timeout)
