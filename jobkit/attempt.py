"""Runs one attempt at a job: the one path of worker threads, event loops and the double.

Whatever a handler or its middleware does, an `Ended` comes out; and it comes out in the process in
which the attempt began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import fields
from functools import partial
from typing import Any, TypeAlias

from jobkit.context import CURRENT_JOB, JobContext
from jobkit.ending import SUCCEEDED, Ended, ended_raising, ended_returning
from jobkit.handlerset import Call
from jobkit.options import RunOptions
from jobkit.process import end_child, process_number

__all__ = [
    "Ended",
    "Offload",
    "attempt",
    "run_async",
    "run_options",
    "run_sync",
    "start",
]

# Runs a function in a thread, for sync handlers below async middleware.
Offload: TypeAlias = Callable[[Callable[[], None]], Awaitable[object]]

RUN_OPTIONS = frozenset(field.name for field in fields(RunOptions))


def run_options(
    call: Mapping[str, Any], type: Mapping[str, Any], defaults: Mapping[str, Any]
) -> RunOptions:
    """Merge what a call, its job type and the backend say about attempts; the first one wins.

    None is a value: `timeout=None` in a call means none, whatever the type says.

    >>> run_options({"timeout": None}, {"max_retries": 3}, {"max_retries": 9}).max_retries
    3
    """
    merged = {**defaults, **type, **call}
    return RunOptions(**{name: merged[name] for name in RUN_OPTIONS & merged.keys()})


def run_sync(call: Call, job: object, ctx: JobContext) -> Ended:
    """Run an attempt in this thread, in its own copy of the context; `call` must not be async."""
    process = process_number()
    context = copy_context()
    context.run(CURRENT_JOB.set, ctx)
    try:
        if call.middleware:
            value = context.run(_through, call, job, ctx, 0)
        elif call.wants_context:
            value = context.run(call.function, job, ctx)
        else:
            value = context.run(call.function, job)
    except BaseException as error:
        _stay_in(process, ctx, error)
        return ended_raising(error, ctx)
    _stay_in(process, ctx)
    if value is None and ctx.cancelled.reason is None:
        return SUCCEEDED
    return ended_returning(value, call, ctx)


def start(
    call: Call, job: object, ctx: JobContext, *, offload: Offload | None = None
) -> asyncio.Task[Ended]:
    """Run an attempt as a task of the running loop, in its own copy of the context.

    When `ctx.cancelled` is set, from any thread, the task is cancelled. A sync handler runs in
    the thread that `offload` chooses, without it here; it is never left behind. The task ends
    with an `Ended`, or as cancelled if others than `ctx.cancelled` cancel it before it begins.
    """
    context = copy_context()
    context.run(CURRENT_JOB.set, ctx)  # a loop may want to know whose task it is before that begins
    running = attempt(call, job, ctx, offload)
    return asyncio.get_running_loop().create_task(running, context=context)


async def run_async(
    call: Call, job: object, ctx: JobContext, *, offload: Offload | None = None
) -> Ended:
    """Run an attempt as `start` does, and wait for it; a cancel of the waiter ends both."""
    task = start(call, job, ctx, offload=offload)
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait((task,))
        raise
    return task.result()


async def attempt(call: Call, job: object, ctx: JobContext, offload: Offload | None) -> Ended:
    """Run an attempt in the current task, which is cancelled when `ctx.cancelled` is set.

    The task is for this attempt alone, and so is its context.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task(loop)
    assert task is not None  # else nobody could await this
    process = process_number()
    CURRENT_JOB.set(ctx)
    cancel = partial(_cancel_soon, loop, task)
    ctx.cancelled.on_set(cancel)
    try:
        value = await _through_async(call, job, ctx, offload, 0)
    except BaseException as error:
        _stay_in(process, ctx, error)
        return ended_raising(error, ctx)
    else:
        _stay_in(process, ctx)
        if value is None and ctx.cancelled.reason is None:
            return SUCCEEDED
        return ended_returning(value, call, ctx)
    finally:
        ctx.cancelled.forget(cancel)
        if task.cancelling():
            await _absorb_cancel(task)
        del task, cancel  # the frames of an error lead here: no cycle of references for each job


def _stay_in(process: int, ctx: JobContext, error: BaseException | None = None) -> None:
    """End this process if it is not the one in which the attempt began: see `end_child`."""
    # A child that is on its way somewhere else may throw away what its parent had begun.
    if process != process_number() and not isinstance(error, GeneratorExit):
        end_child(f"job {ctx.id} ({ctx.type})", error)


def _cancel_soon(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    with suppress(RuntimeError):  # the loop is closed: there is nothing left to cancel
        loop.call_soon_threadsafe(task.cancel)


async def _absorb_cancel(task: asyncio.Task[Any]) -> None:
    """Take a cancel that reached the task after its last await: it would replace the result."""
    if asyncio.current_task(task.get_loop()) is task:  # not so if it is thrown away half-way
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)


def _through_async(
    call: Call, job: object, ctx: JobContext, offload: Offload | None, depth: int
) -> Awaitable[Any]:
    value: Awaitable[Any]
    if depth < call.async_depth:
        call_next = partial(_through_async, call, job, ctx, offload, depth + 1)
        value = call.middleware[depth].function(ctx, call_next)
    elif call.registration.is_async:
        value = call.function(job, ctx) if call.wants_context else call.function(job)
    else:
        value = _through_below(_Below(call, job, ctx, depth), ctx, offload)
    return value


async def _through_below(below: _Below, ctx: JobContext, offload: Offload | None) -> Any:
    if offload is None:
        below()
    else:
        await _wait_until_done(asyncio.ensure_future(offload(below)), ctx)
    return below.result()


def _through(call: Call, job: object, ctx: JobContext, depth: int) -> Any:
    if depth < len(call.middleware):
        call_next = partial(_through, call, job, ctx, depth + 1)
        return call.middleware[depth].function(ctx, call_next)
    return call.function(job, ctx) if call.wants_context else call.function(job)


async def _wait_until_done(running: asyncio.Future[object], ctx: JobContext) -> None:
    """Wait for a thread; `ctx.cancelled` ends it only by the handler's looking at it."""
    while not running.done():
        try:
            await asyncio.wait((running,))
        except asyncio.CancelledError:
            if not ctx.cancelled.is_set():
                raise
    running.result()


class _Below:
    """The sync part of a call, and what came of it.

    What it raises does not pass through a future: one that is given a StopIteration never ends.
    """

    __slots__ = ("_arguments", "_context", "_error", "_value")

    def __init__(self, call: Call, job: object, ctx: JobContext, depth: int) -> None:
        self._context = copy_context()
        self._arguments = (call, job, ctx, depth)
        self._value: Any = None
        self._error: BaseException | None = None

    def __call__(self) -> None:
        process, ctx = process_number(), self._arguments[2]
        try:
            self._value = self._context.run(_through, *self._arguments)
        except BaseException as error:
            _stay_in(process, ctx, error)
            self._error = error
        _stay_in(process, ctx)

    def result(self) -> Any:
        error, self._error = self._error, None
        if error is None:
            return self._value
        try:
            raise error
        finally:
            del error  # its traceback leads here
