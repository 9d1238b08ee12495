"""The event loop on which async handlers run, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from jobkit.attempt import Ended, start
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
    it ended; `flush` is called once after the ends of one turn of the loop. `at_end` runs on
    the loop before it closes.
    """

    def __init__(
        self,
        size: int,
        name: str,
        *,
        begin: Begin,
        finish: Finish,
        flush: Callable[[], None],
        at_end: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._size = size
        self._name = name
        self._begin = begin
        self._finish = finish
        self._flush = flush
        self._at_end = at_end
        self._flush_is_due = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPool | None = None
        self._tasks: set[asyncio.Task[Ended]] = set()

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
        for work in works:
            run = self._begin(work)
            if run is None:
                self._flush_soon()
                continue
            task = start(run.call, run.job, run.ctx, offload=self._offload)
            self._tasks.add(task)  # the loop itself keeps weak references only
            task.add_done_callback(partial(self._done, work))

    def _done(self, work: Work, task: asyncio.Task[Ended]) -> None:
        self._tasks.discard(task)
        if task.cancelled():  # by the loop's end
            return
        self._finish(work, task.result())
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flush_is_due = False
        self._flush()

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
