"""An event loop in virtual time whose handlers go on one step at a time, when they are told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from datetime import timedelta
from typing import TypeVarTuple, Unpack

from jobkit.attempt import Ended, start
from jobkit.context import CURRENT_JOB, JobContext
from jobkit.engine.running import Run
from jobkit_testing.clock import VirtualClock
from jobkit_testing.no_loop import run_here
from jobkit_testing.virtual_loop import VirtualLoop

Ts = TypeVarTuple("Ts")


class StepLoop(VirtualLoop):
    """Keeps what is ready by attempt, in order; each attempt goes on by `step` alone.

    A step ends where the handler gives way to the loop. Which attempt a callback is of, its
    context tells: each attempt has its own copy, with its job in it.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._ready_of: dict[JobContext, deque[asyncio.Handle]] = {}
        self._abandoned: set[JobContext] = set()
        self._is_waiting = False
        self._virtual = clock
        super().__init__(clock)

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call this in the attempt's next step; at once if it is of none."""
        ctx = CURRENT_JOB.get() if context is None else context.get(CURRENT_JOB)
        ready = None if ctx is None else self._ready_of.get(ctx)
        if ctx is None or ready is None:
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        ready.append(handle)
        if self._is_waiting and ctx not in self._abandoned:
            self._stop_waiting()
        return handle

    def begin(self, run: Run) -> asyncio.Task[Ended]:
        """Make the task of an attempt, which does nothing until its first step."""
        self._ready_of[run.ctx] = deque()
        self._idling.begin()

        async def make() -> asyncio.Task[Ended]:
            return start(run.call, run.job, run.ctx, offload=run_here)

        return self.run_until_complete(make())

    def is_ready(self, ctx: JobContext) -> bool:
        """Tell whether an attempt can go on."""
        return bool(self._ready_of[ctx])

    def step(self, ctx: JobContext) -> None:
        """Let an attempt go on, up to where it gives way."""
        self._run_handle(self._ready_of[ctx].popleft())
        super().call_soon(self.stop)
        self.run_forever()

    def end(self, ctx: JobContext) -> None:
        """Forget an attempt that has ended; what it has left behind goes on freely."""
        for handle in self._ready_of.pop(ctx, ()):
            self._run_handle(handle)

    def abandon(self, ctx: JobContext) -> None:
        """Let an attempt stand still: its process has died."""
        self._abandoned.add(ctx)

    def wait(self, longest: timedelta | None) -> None:
        """Let time pass until some attempt can go on, or for so long."""
        alarm = None if longest is None else self._virtual.call_later(longest, self._stop_waiting)
        self._is_waiting = True
        try:
            self.run_forever()
        finally:
            self._is_waiting = False
            if alarm is not None:
                alarm.cancel()

    def finish(self) -> None:
        """Cancel what is left, that of dead processes as well, and close."""
        for ctx in list(self._ready_of):
            self.end(ctx)
        super().finish()

    def _run_handle(self, handle: asyncio.Handle) -> None:
        if not handle.cancelled():
            super().call_soon(handle._run)

    def _stop_waiting(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self.stop()
