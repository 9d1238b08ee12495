"""`WorkingJobs`: a backend whose handlers run in a worker of this process."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Unpack

from jobkit.client import AsyncJobs, Jobs
from jobkit.clock import Clock
from jobkit.engine import Engine
from jobkit.engine.running import Runner
from jobkit.errors import WrongState
from jobkit.options import WorkerOptions, WorkerSettings, check_timeout, worker_settings
from jobkit.report import Report
from jobkit.store import AsyncStore, Store
from jobkit.worker.signals import stop_signals
from jobkit.worker.worker import Worker


class WorkingJobs(Jobs):
    """Adds to `Jobs` what needs a worker: start, drain, shutdown, run.

    `handed_back`: how many jobs the last shutdown gave back because they did not end in time.
    `imports`: modules that a process of an isolated job imports before it looks up the handler.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        async_store: AsyncStore,
        *,
        clock: Clock,
        enqueue_timeout: timedelta | None,
    ) -> None:
        super().__init__(
            engine,
            store,
            async_store,
            now=lambda: None,
            monotonic=clock.monotonic,
            enqueue_timeout=enqueue_timeout,
        )
        self.handed_back = 0
        self.imports: tuple[str, ...] = ()
        self._clock = clock
        self._life = threading.RLock()
        self._worker: Worker | None = None
        self._stopping: Worker | None = None
        self._process = os.getpid()

    @cached_property
    def aio(self) -> AsyncWorkingJobs:
        """The async twin: the same jobs, handlers and worker."""
        return AsyncWorkingJobs(self)

    def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Start a worker in this process; does nothing if one runs."""
        settings = worker_settings(options)
        with self._life:
            if self.worker is None:
                self._worker = self._new_worker(settings)
                self._worker.start()

    def drain(self, *, timeout: timedelta | None = None) -> Report:
        """Run until nothing is left that is due and can be run here.

        Waits for the worker that was started, or runs one for this. Raises `TimeoutError`.
        `ran` has the last 10,000 records.
        """
        check_timeout(timeout, of="drain")
        worker = self.worker
        if worker is not None:
            return worker.drain(timeout)
        worker = self._new_worker(worker_settings({}))
        began = self._clock.monotonic()
        for_hooks = timedelta(0)
        try:
            report = worker.drain(timeout)
            for_hooks = worker.settings.shutdown_timeout
            if timeout is not None:
                took = timedelta(seconds=self._clock.monotonic() - began)
                for_hooks = min(for_hooks, timeout - took)
            return report
        finally:
            worker.stop(timedelta(0), for_hooks=for_hooks)

    def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Stop claiming, wait for what runs, then tell it to stop and hand the rest back.

        `timeout` None: the worker's `shutdown_timeout`. Idempotent; fine if never started.
        """
        check_timeout(timeout, of="shutdown")
        with self._life:
            worker = self.worker
            if worker is None:
                return
            self._stopping, self._worker = worker, None  # in this order: `hurry` looks at both
            limit = worker.settings.shutdown_timeout if timeout is None else timeout
            self.handed_back = worker.stop(limit)
            self._stopping = None

    def run(self, **options: Unpack[WorkerOptions]) -> None:
        """Start a worker, wait for SIGTERM or SIGINT, and shut down; a second SIGINT hurries.

        Call it in the main thread: it installs signal handlers while it runs.
        """
        if threading.current_thread() is not threading.main_thread():
            raise WrongState("run() installs signal handlers, so call it in the main thread")
        with stop_signals(self.hurry) as stop:
            self.start(**options)
            self.wait_while_working(stop)
            self.shutdown()

    def wait_while_working(self, stop: threading.Event) -> None:
        """Wait until told to stop, or until the worker has lost all its slots."""
        while not stop.wait(0.2):
            if self._worker is None or self._worker.is_exhausted:
                return

    def hurry(self) -> None:
        """Make the shutdown that is under way, or about to begin, hand back what still runs."""
        worker = self._stopping or self._worker
        if worker is not None:
            worker.hurry()

    def close(self) -> None:
        """Stop the worker, if one runs, and let go of all connections; idempotent."""
        self.shutdown()
        super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def enqueue_timeout(self) -> timedelta:
        """For how long an enqueue tries again while the store is away."""
        return timedelta(seconds=self._sender.timeout)

    @property
    def worker(self) -> Worker | None:
        """The worker that was started, if one runs in this process."""
        if self._process != os.getpid():  # a fork: the threads are the parent's
            self._process, self._worker = os.getpid(), None
        return self._worker

    def _new_worker(self, settings: WorkerSettings) -> Worker:
        runner = Runner(self._engine, open_outbox=self._open_outbox)
        return Worker(
            self._engine,
            self._store,
            runner,
            settings,
            clock=self._clock,
            now=self._sender.now,
            at_end_of_loop=self._async_sender.store.close,
            imports=self.imports,
        )


class AsyncWorkingJobs(AsyncJobs):
    """The async twin of a backend with a worker; the worker is the same."""

    def __init__(self, jobs: WorkingJobs) -> None:
        super().__init__(jobs)
        self._working = jobs

    async def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Start a worker in this process; does nothing if one runs."""
        await asyncio.to_thread(self._working.start, **options)

    async def drain(self, *, timeout: timedelta | None = None) -> Report:
        """Run until nothing is left that is due and can be run here; see `Jobs.drain`."""
        return await asyncio.to_thread(self._working.drain, timeout=timeout)

    async def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Stop the worker: finish what runs, hand back the rest; idempotent."""
        await asyncio.to_thread(self._working.shutdown, timeout=timeout)

    async def close(self) -> None:
        """Stop the worker, if one runs, and close both twins; idempotent."""
        await self.shutdown()
        await super().close()
