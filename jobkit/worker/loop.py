"""The event loop on which async handlers run, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any

from jobkit.attempt import Ended, attempt
from jobkit.engine.running import Run
from jobkit.worker.threads import ThreadPool
from jobkit.worker.work import Work

Begin = Callable[[Work], Run | None]
Finish = Callable[[Work, Ended], object]
LAST_WAIT = 1.0  # seconds that tasks have to end, and then that connections have
_LOGGER = logging.getLogger("jobkit.worker")


class HandlerLoop:
    """Runs attempts as tasks. The loop starts with the first of them.

    `begin` gives the attempt of a work, or None if there is nothing to run. `finish` takes how
    it ended. `flush` is called once after each turn of the loop in which works ended, with
    those; it returns works to begin in their place. `at_end` runs on the loop before it closes.
    """

    def __init__(
        self,
        size: int,
        name: str,
        *,
        begin: Begin,
        finish: Finish,
        flush: Callable[[Sequence[Work]], Sequence[Work]],
        at_end: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._size = size
        self._name = name
        self._begin = begin
        self._finish = finish
        self._flush = flush
        self._at_end = at_end
        self._left: list[Work] = []  # in this turn of the loop
        self._context = Context()  # not the one of a task that has ended: each begins afresh
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPool | None = None
        self._tasks: dict[Work, asyncio.Task[None]] = {}

    def submit(self, works: Sequence[Work]) -> None:
        """Start a batch of attempts."""
        self._running_loop().call_soon_threadsafe(self._start, works)

    def close(self) -> None:
        """Cancel what is left, and end the loop."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            with suppress(RuntimeError):  # it ended by itself
                loop.call_soon_threadsafe(loop.stop)
        if self._threads is not None:
            self._threads.close()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._run, args=(self._loop,), name=self._name, daemon=True
                )
                thread.start()
            return self._loop

    def _start(self, works: Sequence[Work]) -> None:
        loop = asyncio.get_running_loop()
        for work in works:  # kept here: the loop itself has weak references only
            self._tasks[work] = loop.create_task(self._work(work))

    async def _work(self, work: Work) -> None:
        # All in one task: a callback at its end would cost another turn of the loop for each job;
        # and all made in it, so that a batch of quick ones is not a heap for the collector.
        run = self._begin(work)
        if run is not None:
            self._finish(work, await attempt(run.call, run.job, run.ctx, self._offload))
        del self._tasks[work]
        self._leave(work)

    def _leave(self, work: Work) -> None:
        if not self._left:
            asyncio.get_running_loop().call_soon(self._flush_now, context=self._context)
        self._left.append(work)

    def _flush_now(self) -> None:
        left, self._left = self._left, []
        self._start(self._flush(left))

    def _offload(self, function: Callable[[], None]) -> Awaitable[object]:
        # Not asyncio's executor: a thread of that would keep the process from ending.
        if self._threads is None:
            self._threads = ThreadPool(self._size, f"{self._name}-sync")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def run() -> None:
            function()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_set_done, done)

        self._threads.submit([run])
        return done

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the loop until it is closed, whatever users' code does to it."""
        asyncio.set_event_loop(loop)
        while self._loop is loop:
            try:
                loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                # asyncio lets these two out of a task; other jobs are still running here.
                _LOGGER.warning("a task of a handler raised %r; the event loop goes on", error)
        try:
            loop.run_until_complete(self._wind_up())
        except BaseException:  # a SystemExit of a task that was cancelled, as above
            _LOGGER.exception("the event loop of the handlers did not end in order")
        finally:
            loop.close()

    async def _wind_up(self) -> None:
        """Cancel what is left on the loop, and let go of what it holds."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=LAST_WAIT)
        async with asyncio.timeout(LAST_WAIT):
            await asyncio.get_running_loop().shutdown_asyncgens()
            await self._at_end()


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
