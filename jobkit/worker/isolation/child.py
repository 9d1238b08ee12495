"""One isolated attempt, in the process that was forked for it.

It reads its order from the link, runs the handler, sends home how that ended, and is gone. If
the worker goes away first, or says so, the child kills itself and all that it has started.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from typing import Any, NoReturn

from jobkit.attempt import run_async, run_sync
from jobkit.client.outbox import JobOutbox
from jobkit.context import JobContext
from jobkit.engine.results import encode_result
from jobkit.errortext import error_of
from jobkit.handlerset import Call
from jobkit.outcome import Failed, Outcome, Succeeded
from jobkit.store import NewJob
from jobkit.worker.isolation.checkins import CheckIns
from jobkit.worker.isolation.context import context_of
from jobkit.worker.isolation.logs import forward_logs
from jobkit.worker.isolation.portable import Code
from jobkit.worker.isolation.wire import Done, Order, Stop, receive, send

FAILED = 70  # the exit code of a child that cannot even tell what went wrong


def run(link: socket.socket) -> NoReturn:
    """Run the attempt that comes over this link, and end the process."""
    code = FAILED
    try:
        order = receive(link)
        if isinstance(order, Order):
            _run(link, order)
        code = 0
    except BaseException:
        logging.getLogger("jobkit.worker").exception("an isolated process failed")
    finally:
        _flush()
        os._exit(code)


def _run(link: socket.socket, order: Order) -> None:
    speaking = threading.Lock()

    def tell(message: object) -> None:
        with speaking, suppress(OSError):  # the worker is gone: so are we, at once
            send(link, message)

    checkins = CheckIns(tell)
    ctx = context_of(order, checkins.hear)
    threading.Thread(target=_listen, args=(link, ctx), name="jobkit-link", daemon=True).start()
    forward_logs(tell)
    done = _done(order, ctx)
    _flush()  # first: the worker may go on as soon as it knows
    tell(replace(done, said=checkins.last))


def _listen(link: socket.socket, ctx: JobContext) -> None:
    while (message := receive(link)) is not None:
        if isinstance(message, Stop):
            ctx.cancelled.set(message.reason)
    os.killpg(0, signal.SIGKILL)  # the worker is gone, and the job somebody else's


def _done(order: Order, ctx: JobContext) -> Done:
    """Run the handler with its middleware; whatever it does, this returns."""
    try:
        code: Code = pickle.loads(order.code)
        call = code.call()
        job = call.registration.job_type.decode(order.payload)
        outcome = _portable(_outcome(call, job, ctx))
        done = Done(outcome=outcome, children=_children(ctx))
        pickle.dumps(done)
    except BaseException as error:
        return Done(outcome=Failed(error_of(error)))
    return done


def _outcome(call: Call, job: Any, ctx: JobContext) -> Outcome:
    if not call.is_async:
        return run_sync(call, job, ctx).outcome
    # The runner is not closed: what the handler left on its loop ends with the process.
    return asyncio.Runner().run(run_async(call, job, ctx, offload=_in_thread)).outcome


def _in_thread(function: Callable[[], None]) -> Awaitable[object]:
    return asyncio.get_running_loop().run_in_executor(None, function)


def _portable(outcome: Outcome) -> Outcome:
    """Return the outcome without objects of users' classes, which may not travel."""
    match outcome:
        case Succeeded(value) if value is not None:
            return Succeeded(encode_result(value))
        case Failed(at=at) if at is not None:
            return replace(outcome, at=at.astimezone(UTC))
        case _:
            return outcome


def _children(ctx: JobContext) -> tuple[NewJob, ...]:
    outbox = ctx.take_outbox()
    return outbox.take() if isinstance(outbox, JobOutbox) else ()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads it
            stream.flush()
