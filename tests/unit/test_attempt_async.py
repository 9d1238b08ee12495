"""One attempt on an event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

from jobkit.attempt import Ended, Offload, run_async, start
from jobkit.cancellation import Reason
from jobkit.context import JobContext, current_job
from jobkit.outcome import (
    Dead,
    Discarded,
    Failed,
    GaveUp,
    HandedBack,
    Outcome,
    Succeeded,
    TimedOut,
)
from tests.unit.calls import ANN, Greet, a_call, a_context

PATIENCE = 10  # seconds, for what happens at once

var: ContextVar[str] = ContextVar("var", default="unset")


def end_of(
    handler: Callable[..., Any],
    *middleware: Callable[..., Any],
    ctx: JobContext | None = None,
    offload: Offload | None = None,
) -> Ended:
    call = a_call(handler, *middleware)
    assert call.is_async
    return asyncio.run(run_async(call, ANN, ctx or a_context(), offload=offload))


async def pass_on(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> object:
    return await call_next()


def in_thread(threads: ThreadPoolExecutor) -> Offload:
    return lambda function: asyncio.get_running_loop().run_in_executor(threads, function)


def test_an_async_handler_gets_its_job_and_its_context() -> None:
    """B2"""
    seen: list[object] = []
    ctx = a_context()

    async def handler(job: Greet, ctx: JobContext) -> int:
        await asyncio.sleep(0)
        seen.extend([job, ctx, current_job()])
        return 3

    ended = end_of(handler, ctx=ctx)

    assert ended == Ended(Succeeded(3))
    assert seen == [ANN, ctx, ctx]


@pytest.mark.parametrize(
    "error",
    [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError],
)
def test_whatever_an_async_handler_raises_is_a_failure(error: type[BaseException]) -> None:
    """B32"""

    async def handler(job: Greet) -> None:
        await asyncio.sleep(0)
        raise error

    ended = end_of(handler)

    assert isinstance(ended.outcome, Failed)
    assert isinstance(ended.exception, error)


def test_an_async_handler_may_return_its_verdict() -> None:
    """B35"""

    async def handler(job: Greet) -> object:
        return Dead("gone")

    assert isinstance(end_of(handler).outcome, GaveUp)


def test_an_async_handler_that_forgets_an_await_has_failed() -> None:
    """B2"""

    async def handler(job: Greet) -> object:
        return asyncio.sleep(0)

    outcome = end_of(handler).outcome

    assert isinstance(outcome, Failed)
    assert "'sleep', which was never run" in outcome.error.message


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_handler_that_cancels_its_own_task_spoils_nothing(attempts: int) -> None:
    """B32"""

    async def handler(job: Greet) -> int:
        for _ in range(attempts):
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        return 3

    assert end_of(handler).outcome == Succeeded(3)


def when_told(reason: Reason, handler: Callable[[Greet], Coroutine[Any, Any, object]]) -> Outcome:
    """Run a handler that signals `ready`, and tell it to stop from another thread."""

    async def scenario() -> Ended:
        ctx, ready = a_context(), asyncio.Event()
        ctx.values["ready"] = ready
        task = start(a_call(handler), ANN, ctx)
        await ready.wait()
        await asyncio.to_thread(ctx.cancelled.set, reason)
        return await asyncio.wait_for(task, PATIENCE)

    return asyncio.run(scenario()).outcome


async def wait_for_ever(job: Greet) -> None:
    ctx = current_job()
    assert ctx is not None
    ctx.values["ready"].set()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("timeout", TimedOut),
        ("cancel", Discarded),
        ("shutdown", HandedBack),
        ("lost", HandedBack),
        ("deleted", HandedBack),
    ],
)
def test_the_task_of_a_handler_that_is_told_to_stop_is_cancelled(
    reason: Reason, outcome: type[Outcome]
) -> None:
    """B28, B44, B52, B38, B46"""
    assert isinstance(when_told(reason, wait_for_ever), outcome)


def test_a_timeout_shows_where_the_handler_was() -> None:
    """B28"""
    outcome = when_told("timeout", wait_for_ever)

    assert isinstance(outcome, TimedOut)
    assert outcome.error.message == "ran past its deadline"
    assert "await asyncio.Event().wait()" in outcome.error.traceback


def test_a_handler_that_finishes_in_spite_of_shutdown_has_succeeded() -> None:
    """B52"""

    async def stubborn(job: Greet) -> str:
        try:
            await wait_for_ever(job)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "done"

    assert when_told("shutdown", stubborn) == Succeeded("done")


def test_a_handler_that_was_told_before_it_began_ends_at_its_first_await() -> None:
    """B44"""
    steps: list[str] = []

    async def handler(job: Greet) -> None:
        steps.append("begun")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        steps.append("not reached")

    ended = end_of(handler, ctx=a_context(told="cancel"))

    assert isinstance(ended.outcome, Discarded)
    assert steps == ["begun"]


def test_telling_an_attempt_that_has_ended_changes_nothing() -> None:
    ctx = a_context()

    async def handler(job: Greet) -> None: ...

    ended = end_of(handler, ctx=ctx)
    ctx.cancelled.set("shutdown")

    assert ended.outcome == Succeeded(None)


def test_a_waiter_that_is_cancelled_ends_the_attempt_too() -> None:
    """`await jobs.aio.drain()` under a timeout of its caller."""
    stopped: list[str] = []

    async def handler(job: Greet) -> None:
        try:
            await wait_for_ever(job)
        except asyncio.CancelledError:
            stopped.append("stopped")
            raise

    async def scenario() -> None:
        ctx, ready = a_context(), asyncio.Event()
        ctx.values["ready"] = ready
        waiter = asyncio.create_task(run_async(a_call(handler), ANN, ctx))
        await ready.wait()
        waiter.cancel()
        await waiter

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())
    assert stopped == ["stopped"]


def test_each_async_attempt_has_its_own_copy_of_the_context() -> None:
    """B25"""
    seen: list[str] = []

    async def middleware(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> object:
        var.set("by middleware")
        return await call_next()

    async def handler(job: Greet) -> None:
        seen.append(var.get())

    async def scenario() -> None:
        await run_async(a_call(handler, middleware), ANN, a_context())
        seen.append(var.get())

    asyncio.run(scenario())

    assert seen == ["by middleware", "unset"]


def test_async_middleware_is_an_onion_around_a_sync_handler_as_well() -> None:
    """B25"""
    steps: list[str] = []

    async def outer(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> object:
        steps.append("outer in")
        value = await call_next()
        steps.append("outer out")
        return value

    def inner(ctx: JobContext, call_next: Callable[[], Any]) -> object:
        steps.append("inner in")
        value = call_next()
        steps.append("inner out")
        return value

    def handler(job: Greet) -> str:
        steps.append("handler")
        return job.name

    ended = end_of(handler, outer, inner)

    assert ended.outcome == Succeeded("Ann")
    assert steps == ["outer in", "inner in", "handler", "inner out", "outer out"]


def test_a_sync_handler_below_async_middleware_runs_in_the_thread_that_the_worker_gives() -> None:
    """B25: context variables of middleware are seen in threads too."""
    seen: list[object] = []

    async def middleware(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> object:
        var.set("by middleware")
        await call_next()
        return var.get()

    def handler(job: Greet, ctx: JobContext) -> None:
        seen.extend([threading.current_thread().name, var.get(), current_job() is ctx])
        var.set("by handler")

    with ThreadPoolExecutor(1, thread_name_prefix="pool") as threads:
        offloaded = end_of(handler, middleware, offload=in_thread(threads))
    inline = end_of(handler, middleware)

    here = threading.current_thread().name
    assert seen == ["pool_0", "by middleware", True, here, "by middleware", True]
    assert offloaded.outcome == inline.outcome == Succeeded("by middleware")


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_a_sync_handler_raises_in_a_thread_reaches_the_middleware(
    error: type[BaseException],
) -> None:
    """B32"""
    seen: list[type[BaseException]] = []

    async def middleware(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> object:
        try:
            return await call_next()
        except BaseException as caught:
            seen.append(type(caught))
            raise

    def handler(job: Greet) -> None:
        raise error

    with ThreadPoolExecutor(1) as threads:
        ended = end_of(handler, middleware, offload=in_thread(threads))

    assert isinstance(ended.outcome, Failed)
    assert seen == [error]
    assert isinstance(ended.exception, error)


def test_a_stop_iteration_in_a_thread_is_a_failure_and_not_the_end_of_the_loop() -> None:
    """B32"""

    def handler(job: Greet) -> None:
        raise StopIteration

    with ThreadPoolExecutor(1) as threads:
        offloaded = end_of(handler, pass_on, offload=in_thread(threads))
    inline = end_of(handler, pass_on)

    assert isinstance(offloaded.outcome, Failed)
    assert isinstance(inline.outcome, Failed)
    assert offloaded.outcome.error.type == inline.outcome.error.type


def test_a_sync_handler_in_a_thread_is_waited_for_when_told_to_stop() -> None:
    """B28: the attempt is over when its handler returns, not before."""
    returned: list[str] = []

    def handler(job: Greet, ctx: JobContext) -> None:
        assert ctx.cancelled.wait(PATIENCE)
        let_go.wait(PATIENCE)
        returned.append("returned")

    let_go = threading.Event()

    async def scenario(threads: ThreadPoolExecutor) -> Ended:
        ctx = a_context()
        task = start(a_call(handler, pass_on), ANN, ctx, offload=in_thread(threads))
        await asyncio.sleep(0)
        ctx.cancelled.set("timeout")
        for _ in range(10):  # of the loop, in which the cancel reaches the task
            await asyncio.sleep(0)
        assert not task.done()
        let_go.set()
        return await task

    with ThreadPoolExecutor(1) as threads:
        ended = asyncio.run(scenario(threads))

    assert returned == ["returned"]
    assert isinstance(ended.outcome, TimedOut)


@pytest.mark.parametrize("fails", [False, True])
def test_an_attempt_leaves_no_cycle_of_references(fails: bool) -> None:
    """A collection of garbage for every few hundred jobs would cost more than running them."""

    class Big:
        pass

    async def handler(job: Greet) -> None:
        await asyncio.sleep(0)
        if fails:
            raise ValueError

    async def scenario() -> weakref.ref[Big]:
        ctx = a_context()
        ctx.values["big"] = big = Big()
        task = start(call, ANN, ctx)
        await asyncio.wait((task,))
        return weakref.ref(big)

    call = a_call(handler)
    gc.disable()
    try:
        gone = asyncio.run(scenario())
        assert gone() is None
    finally:
        gc.enable()
