"""`MemoryJobs`: jobs in this process, for demos and local runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from jobkit.clock import Clock, SystemClock, to_milliseconds
from jobkit.engine import Engine
from jobkit.handlers import Handlers
from jobkit.ids import system_ids
from jobkit.memory.store import AsyncMemoryStore, MemoryStore
from jobkit.options import EnqueueOptions, QueueOptions
from jobkit.worker import WorkingJobs


class MemoryJobs(WorkingJobs):
    """Keep jobs in this process: real threads, a real clock, and nothing outlives it.

    For tests there is `jobkit_testing.TestingJobs`, where nothing runs until it is told to.
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
        store = MemoryStore(chosen)
        super().__init__(
            engine,
            store,
            AsyncMemoryStore(store),
            clock=chosen,
            enqueue_timeout=enqueue_timeout,
        )

    def __repr__(self) -> str:
        return "MemoryJobs()"
