"""An event loop whose timer is the virtual clock.

When nothing is ready, the loop moves the clock to the next timer or alarm: `asyncio.sleep(60)`
takes no time and moves the clock by 60 s. What comes from outside of the loop (threads, sockets,
child processes) comes in real time; for that the loop waits, once a handler, for up to a second.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

from jobkit.attempt import Ended, run_async
from jobkit.engine.running import Run
from jobkit_testing.clock import VirtualClock
from jobkit_testing.no_loop import run_here

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PATIENCE = 1.0  # seconds of real time for what does not come from the loop itself
MOST_STEPS = 100_000  # of the clock in one attempt
MICROSECOND = timedelta(microseconds=1)


class WaitsForReal(AssertionError):
    """A handler waits for real time to pass, which a test must not."""


class Idling(selectors.BaseSelector):
    """A selector that moves a virtual clock when nothing is ready."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._real = selectors.DefaultSelector()
        self._steps_left = MOST_STEPS
        self._is_patient = True
        self.in_threads = 0  # calls under way in the loop's executors

    def begin(self, *, is_patient: bool = True) -> None:
        """Begin to count anew; `is_patient`: the real wait may be used."""
        self._steps_left = MOST_STEPS
        self._is_patient = is_patient

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, go to the next timer or alarm."""
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._is_patient and self._may_be_woken(has_timer=timeout is not None):
            ready = self._real.select(PATIENCE)
            if ready:
                return ready
            self._is_patient = False
        self._clock.advance(self._step(timeout))
        return self._real.select(0)

    def _step(self, timeout: float | None) -> timedelta:
        alarm = self._clock.until_alarm()
        timer = None if timeout is None else round(timeout * 1_000_000) * MICROSECOND
        steps = [step for step in (timer, alarm) if step is not None]
        if not steps:
            raise WaitsForReal(
                f"the handler waits for what does not come within {PATIENCE:g} s of real time, and "
                "no timer is set. Give it a double of what it waits for, or a timeout"
            )
        self._steps_left -= 1
        if self._steps_left < 0:
            raise WaitsForReal(
                f"the handler has let time pass {MOST_STEPS:,} times, until {self._clock.now()}, "
                "and has not ended: does it wait in a loop for what nobody does? Give it a timeout"
            )
        return min(steps)

    def _may_be_woken(self, *, has_timer: bool) -> bool:
        """Tell whether something outside of the loop may be under way."""
        if self.in_threads or len(self._real.get_map()) > 1:  # the one is the loop's own pipe
            return True
        # A library's own thread, perhaps; but who has set a timer just lets time pass.
        return not has_timer and _other_threads()

    # The rest is as the real one does it.

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs attempts of async handlers in virtual time."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._idling = Idling(clock)
        self._threads: ThreadPoolExecutor | None = None
        super().__init__(self._idling)
        # Clocks count whole microseconds: a timer less than that away is due.
        self._clock_resolution = MICROSECOND.total_seconds()

    def time(self) -> float:
        """Return the virtual seconds by which timers are set."""
        return self._clock.monotonic()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread; until it returns the loop waits for it in real time."""
        if executor is None:
            executor = self._threads = self._threads or ThreadPoolExecutor()
        future = super().run_in_executor(executor, func, *args)
        self._idling.in_threads += 1
        future.add_done_callback(self._back_from_thread)
        return future

    def attempt(self, run: Run) -> Ended:
        """Run one attempt to its end."""
        self._idling.begin()
        task = self.create_task(run_async(run.call, run.job, run.ctx, offload=run_here))
        try:
            return self.run_until_complete(task)
        except BaseException:
            # Only what is none of the handler's doing gets here: it waits for ever, or Ctrl-C.
            task.cancel()
            self._complete(asyncio.wait((task,)))
            raise

    def finish(self) -> None:
        """Cancel what handlers have left behind, and close."""
        try:
            if left := asyncio.all_tasks(self):
                for task in left:
                    task.cancel()
                self._complete(asyncio.wait(left))
            self._complete(self.shutdown_asyncgens())
        finally:
            if self._threads is not None:
                self._threads.shutdown(wait=not self._idling.in_threads, cancel_futures=True)
            self.close()

    def _complete(self, last: Coroutine[Any, Any, object]) -> None:
        self._idling.begin(is_patient=False)
        with suppress(WaitsForReal):  # it does not let itself be cancelled
            self.run_until_complete(last)

    def _back_from_thread(self, _: asyncio.Future[Any]) -> None:
        self._idling.in_threads -= 1


def _other_threads() -> bool:
    here = threading.current_thread()
    # A "Dummy" stands for a thread that was not made by threading: of a debugger, of xdist.
    return any(
        thread is not here and not thread.name.startswith("Dummy-")
        for thread in threading.enumerate()
    )
