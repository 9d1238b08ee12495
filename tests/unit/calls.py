"""Builders for tests that run attempts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobkit.cancellation import Reason
from jobkit.context import JobContext, Outbox
from jobkit.handlers import Handlers, Middleware
from jobkit.handlerset import Call, HandlerSet
from jobkit.progress import CheckedIn


@dataclass(frozen=True)
class Greet:
    name: str


ANN = Greet("Ann")


def a_context(
    *,
    told: Reason | None = None,
    deadline: int | None = None,
    metadata: Mapping[str, str] | None = None,
    open_outbox: Callable[[JobContext], Outbox] | None = None,
    on_checkin: Callable[[JobContext, CheckedIn], None] | None = None,
) -> JobContext:
    """Make a context; `told`: why the handler was told to stop before it began."""
    ctx = JobContext(
        id="01J0000000000000000000000A",
        type="tests.Greet",
        queue="mail",
        attempt=2,
        retries_left=3,
        run_at=1_000,
        enqueued_at=500,
        deadline=deadline,
        metadata=metadata or {},
        fence=7,
        open_outbox=open_outbox,
        on_checkin=on_checkin,
    )
    if told is not None:
        ctx.cancelled.set(told)
    return ctx


def a_call(handler: Callable[..., Any], *middleware: Middleware) -> Call:
    """Register a handler of `Greet` behind middleware, outermost first."""
    handlers = Handlers()
    for each in middleware:
        handlers.middleware(each)
    handlers.register(handler, job=Greet)
    call = HandlerSet(handlers).call(next(iter(handlers.registrations)))
    assert call is not None
    return call
