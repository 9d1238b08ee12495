"""Decides how an attempt ended, from what its handler did and what it was told."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from datetime import timedelta

from jobkit.cancellation import Reason
from jobkit.context import JobContext
from jobkit.errors import InvalidHandler
from jobkit.errortext import drop_our_frames, error_of, error_text
from jobkit.handlerset import Call
from jobkit.outcome import (
    Dead,
    Discard,
    Discarded,
    Error,
    Failed,
    GaveUp,
    HandedBack,
    Outcome,
    Retry,
    Snooze,
    Snoozed,
    Succeeded,
    TimedOut,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended.

    `exception` is what the handler raised, for a double that lets it escape. It holds on to the
    handler's frames: do not keep it.
    """

    outcome: Outcome
    exception: BaseException | None = None


SUCCEEDED = Ended(Succeeded())


def ended_raising(error: BaseException, ctx: JobContext) -> Ended:
    """Return the end of an attempt whose handler or middleware raised this."""
    drop_our_frames(error)
    reason = ctx.cancelled.reason  # read once: another thread may set it meanwhile
    outcome = told_to_stop(reason, ctx, error)
    if outcome is None:
        if isinstance(error, Verdict):
            outcome = _verdict(error)
        elif reason is not None:
            outcome = HandedBack()  # by shutdown; of a job that is lost or deleted nobody asks
        else:
            outcome = Failed(error_of(error))
    return Ended(outcome, error)


def ended_returning(value: object, call: Call, ctx: JobContext) -> Ended:
    """Return the end of an attempt whose handler, or outermost middleware, returned this."""
    error = _never_run(value, call)
    if outcome := told_to_stop(ctx.cancelled.reason, ctx, error):
        return Ended(outcome, error)
    if error is not None:
        return Ended(Failed(error_of(error)), error)
    match value:
        case Verdict():
            return Ended(_verdict(value))
        case type() if issubclass(value, Verdict):  # `return Dead`, the class
            return _verdict_class(value)
        case _:
            return Ended(Succeeded(value))


def _verdict_class(verdict: type[Verdict]) -> Ended:
    try:
        return Ended(_verdict(verdict()))  # as `raise` makes one
    except Exception as error:
        return Ended(Failed(error_of(error)), error)


def told_to_stop(
    reason: Reason | None, ctx: JobContext, error: BaseException | None
) -> Outcome | None:
    """Return the end of an attempt that timed out or was cancelled, whatever its handler did."""
    match reason:
        case "timeout":
            return TimedOut(_timeout_error(ctx, error))
        case "cancel":
            error_ = Error(type="CancelledError", message="the job was cancelled while it ran")
            return Discarded(error_, outcome="cancelled")
        case _:
            return None


def _timeout_error(ctx: JobContext, error: BaseException | None) -> Error:
    message = "ran past its deadline" + (f" of {ctx.deadline}" if ctx.deadline else "")
    if error is None:
        return error_text(type="TimeoutError", message=message)
    described = error_of(error)
    if not isinstance(error, asyncio.CancelledError):
        message = f"{message}, then raised {described.type}: {described.message}"
    return error_text(type="TimeoutError", message=message, traceback=described.traceback)


def _verdict(verdict: Verdict) -> Outcome:
    error = error_of(verdict)
    if _delay_is_wrong(verdict):
        message = f"{error.type} with a delay that is no timedelta: {error.message}"
        return Failed(error_text(type="jobkit.InvalidOption", message=message))
    match verdict:
        case Retry():
            return Failed(error, delay=verdict.delay, at=verdict.at)
        case Snooze():
            return Snoozed(verdict.delay)
        case Discard():
            return Discarded(error)
        case Dead():
            return GaveUp(error)
        case _:
            return Failed(error)


def _delay_is_wrong(verdict: Verdict) -> bool:
    # Types are a promise that user code may break at run time, and the worker has to survive it.
    delay: object = getattr(verdict, "delay", None)
    if delay is None:
        return isinstance(verdict, Snooze)
    return not isinstance(delay, timedelta)


def _never_run(value: object, call: Call) -> InvalidHandler | None:
    """Return an error if the value is code that was never run."""
    if not (inspect.isawaitable(value) or inspect.isgenerator(value) or inspect.isasyncgen(value)):
        return None
    name = repr(getattr(value, "__qualname__", value.__class__.__qualname__))
    if inspect.iscoroutine(value):
        value.close()  # or Python warns that it was never awaited
    return InvalidHandler(
        f"{call.registration.name}, or middleware around it, returned {name}, which was never "
        "run: write async def, and await it"
    )
