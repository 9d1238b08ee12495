"""Carries runs out: sync handlers here, async ones on a private loop or as tasks of this one."""

from __future__ import annotations

import asyncio
import threading
from typing import TypeVar

from jobkit.attempt import Ended, run_sync, start
from jobkit.engine.running import Run
from jobkit_testing.clock import VirtualClock
from jobkit_testing.no_loop import no_loop, run_here
from jobkit_testing.running import Attempts
from jobkit_testing.virtual_loop import PATIENCE, VirtualLoop, WaitsForReal
from jobkit_testing.workshop import Workshop

T = TypeVar("T")


class Escape(Exception):
    """Carries what a handler raised out of a run, whatever it is."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Driver:
    """Gives the attempts of a run to their handlers, one after the other."""

    def __init__(self, shop: Workshop, clock: VirtualClock) -> None:
        self._shop = shop
        self._clock = clock
        self._lock = threading.RLock()
        self._depth = 0
        self._loop: VirtualLoop | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way: a handler may have made this call."""
        return self._depth > 0

    def run(self, steps: Attempts[T]) -> T:
        """Carry out a run in this thread."""
        __tracebackhide__ = True
        self._begin()
        try:
            return self._carry_out(steps)
        except Escape as escape:
            escaped = escape.error
        finally:
            self._end()
        raise escaped  # here, so that its context stays the handler's

    async def run_async(self, steps: Attempts[T]) -> T:
        """Carry out a run in the running loop."""
        __tracebackhide__ = True
        self._begin()
        try:
            return await self._carry_out_async(steps)
        except Escape as escape:
            escaped = escape.error
        finally:
            self._end()
        raise escaped

    def _carry_out(self, steps: Attempts[T]) -> T:
        __tracebackhide__ = True
        try:
            run = next(steps)
            while True:
                try:
                    ended = self._execute(run)
                except BaseException as error:
                    run = steps.throw(error)
                else:
                    run = steps.send(ended)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _carry_out_async(self, steps: Attempts[T]) -> T:
        __tracebackhide__ = True
        try:
            run = next(steps)
            while True:
                try:
                    ended = await self._execute_async(run)
                except BaseException as error:
                    run = steps.throw(error)
                else:
                    run = steps.send(ended)
        except StopIteration as end:
            result: T = end.value
            return result

    def _begin(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def _end(self) -> None:
        try:
            self._depth -= 1
            if self._depth == 0:
                loop, self._loop = self._loop, None
                if loop is not None:
                    loop.finish()
                self._shop.leave()
        finally:
            self._lock.release()

    def _execute(self, run: Run) -> Ended:
        if not run.call.is_async:
            return run_sync(run.call, run.job, run.ctx)
        if self._loop is None:
            self._loop = VirtualLoop(self._clock)
        if not self._loop.is_running():
            return self._loop.attempt(run)
        inner = VirtualLoop(self._clock)  # a handler below async middleware runs jobs itself
        try:
            return inner.attempt(run)
        finally:
            inner.finish()

    async def _execute_async(self, run: Run) -> Ended:
        if not run.call.is_async:
            with no_loop():
                return run_sync(run.call, run.job, run.ctx)
        task = start(run.call, run.job, run.ctx, offload=run_here)
        timer = self._deadline_timer(run)
        try:
            await asyncio.wait((task,), timeout=PATIENCE)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait((task,))
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait((task,), timeout=PATIENCE)
        raise WaitsForReal(
            f"the handler of {run.stored.type} waited for more than {PATIENCE:g} s of real time: "
            "jobs.aio runs handlers on this loop, whose timers are real. Run it from a sync test, "
            "where jobs.drain() lets the virtual clock jump, or give it less to wait for"
        )

    def _deadline_timer(self, run: Run) -> asyncio.TimerHandle | None:
        """Let real time reach a near deadline, as the virtual time would."""
        timeout, deadline = run.options.timeout, run.ctx.deadline
        if timeout is None or deadline is None or timeout.total_seconds() >= PATIENCE:
            return None

        def reach() -> None:
            if deadline > self._clock.now():
                self._clock.travel_to(deadline)

        return asyncio.get_running_loop().call_later(timeout.total_seconds(), reach)
