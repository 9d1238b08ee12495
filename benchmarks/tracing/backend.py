"""The backend of the trace check: the production one, over a store that is recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol, cast

from benchmarks.tracing.trace import Began, StopsClaiming, Word
from jobkit.clock import SystemClock, duration_milliseconds, system_milliseconds
from jobkit.engine import Engine
from jobkit.handlers import Handlers
from jobkit.ids import system_ids
from jobkit.options import QueueOptions, WorkerSettings
from jobkit.store import AsyncStore, Store
from jobkit.worker import Worker, WorkingJobs

# Many jobs end in a run: enough of them are kept, and not all, so that they are trimmed too.
KEPT = QueueOptions(finished_max=300, dead_max=40)
QUEUES = {"default": KEPT, "mail": KEPT, "bulk": QueueOptions(order="run_at", finished_max=50)}


class _Stoppable(Protocol):
    def stop_claiming(self) -> None: ...


class TracedJobs(WorkingJobs):
    """As `RedisJobs`, but for the store. `say` writes down what its workers do."""

    def __init__(
        self,
        store: Store,
        async_store: AsyncStore,
        *,
        sender: str,
        say: Callable[[Word], None],
        handlers: Handlers | None = None,
    ) -> None:
        engine = Engine(
            handlers=handlers or (),
            defaults=None,
            queues=QUEUES,
            new_ids=lambda: system_ids(system_milliseconds),
            max_payload=None,
            version="trace",
            durable=True,
        )
        super().__init__(
            engine,
            store,
            async_store,
            clock=SystemClock(),
            enqueue_timeout=timedelta(seconds=5),
        )
        self.worker_name = ""
        self._place = sender
        self._say = say

    def _new_worker(self, settings: WorkerSettings) -> Worker:
        worker = super()._new_worker(settings)
        self.worker_name = worker.name
        self._say(
            Began(
                sender=self._place,
                worker=worker.name,
                types=frozenset(self._engine.handlers.names()),
                queues=frozenset(worker.queues),
                concurrency=settings.concurrency,
                prefetch=settings.prefetch,
                lease=duration_milliseconds(settings.lease),
            )
        )
        self._tell_of_stopping(worker)
        return worker

    def _tell_of_stopping(self, worker: Worker) -> None:
        """Have it written down right after the pump was told to claim no more.

        Before or after `shutdown` would be too early or too late to tell which claim is wrong.
        """
        pump = cast(_Stoppable, vars(worker)["_pump"])
        stop_claiming = pump.stop_claiming

        def stop_and_tell() -> None:
            stop_claiming()
            self._say(StopsClaiming(worker=worker.name))

        vars(pump)["stop_claiming"] = stop_and_tell
