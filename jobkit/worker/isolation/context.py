"""The `JobContext` of an isolated attempt: taken apart in the worker, put together in the child."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from jobkit.client.control import AsyncControl, Control
from jobkit.client.outbox import JobOutbox
from jobkit.client.transaction import Held
from jobkit.clock import system_milliseconds, to_milliseconds
from jobkit.context import JobContext
from jobkit.engine import Engine
from jobkit.engine.running import Run
from jobkit.handlers import Handlers
from jobkit.ids import system_ids
from jobkit.progress import CheckedIn
from jobkit.store import Capability, Delete, Operation, Queues, refuse
from jobkit.worker.isolation.portable import Enqueueing
from jobkit.worker.isolation.wire import Order


def order_of(
    run: Run, *, code: bytes, enqueueing: bytes, capabilities: frozenset[Capability]
) -> Order:
    """Return what a child needs in order to run this attempt."""
    ctx, stored = run.ctx, run.stored
    return Order(
        code=code,
        enqueueing=enqueueing,
        payload=stored.payload,
        context={
            "id": ctx.id,
            "type": ctx.type,
            "queue": ctx.queue,
            "attempt": ctx.attempt,
            "retries_left": ctx.retries_left,
            "run_at": stored.run_at,
            "enqueued_at": stored.enqueued_at,
            "deadline": None if ctx.deadline is None else to_milliseconds(ctx.deadline),
            "metadata": dict(ctx.metadata),
            "fence": ctx.fence,
            "schedule": ctx.schedule,
        },
        capabilities=capabilities,
    )


def context_of(order: Order, on_checkin: Callable[[JobContext, CheckedIn], None]) -> JobContext:
    """Return the context that the handler sees in the child."""

    def hear(ctx: JobContext, said: CheckedIn) -> None:
        refuse([(Capability.CHECK_INS, f"ctx.checkin of {ctx.type}")], order.capabilities)
        on_checkin(ctx, said)

    return JobContext(**order.context, open_outbox=lambda _: _outbox(order), on_checkin=hear)


def _outbox(order: Order) -> JobOutbox:
    """Return where the handler's enqueues wait until the worker publishes them."""
    given: Enqueueing = pickle.loads(order.enqueueing)
    handlers = Handlers()
    for hook in given.hooks:
        handlers.on_enqueue(hook)
    engine = Engine(
        handlers=handlers,
        defaults=given.defaults,
        queues=None,
        new_ids=lambda: system_ids(system_milliseconds),
        max_payload=given.max_payload,
        version=given.version,
        durable=given.durable,
    )
    engine.capabilities = order.capabilities
    engine.require(Capability.CHILDREN, "what a handler enqueues on its context")
    held = Held(engine, on_context=True)
    return JobOutbox(held, Control(engine, _nothing), AsyncControl(engine, _nothing_async))


def _nothing(operation: Operation[Any]) -> Any:
    """Answer for a store without jobs: what a handler enqueues is not stored while it runs."""
    match operation:
        case Queues():
            return ()
        case Delete():
            return False
        case _:
            return None


async def _nothing_async(operation: Operation[Any]) -> Any:
    return _nothing(operation)
