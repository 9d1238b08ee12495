"""What the end of an attempt means to a test: whether it failed, and what is to escape."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from jobkit.attempt import Ended
from jobkit.engine.running import Run
from jobkit.errortext import error_of, error_text
from jobkit.outcome import Failed, GaveUp, TimedOut, Verdict


def judged(run: Run, ended: Ended) -> Ended:
    """Return how an attempt ended for a test: by a failed assertion, or late, or as it says."""
    if ended.exception is not None and is_assertion(ended.exception):
        return Ended(GaveUp(error_of(ended.exception)), ended.exception)
    if run.ctx.cancelled.reason == "timeout" and not isinstance(ended.outcome, TimedOut):
        message = f"ran past its deadline of {run.ctx.deadline}"
        error = error_text(type="TimeoutError", message=message)
        return Ended(TimedOut(error), ended.exception)
    return ended


def to_escape(ended: Ended) -> tuple[BaseException | None, bool]:
    """Return what is to escape from the run, and whether it does whatever the caller says."""
    exception = ended.exception
    if exception is not None and is_assertion(exception):
        return exception, True
    match ended.outcome:
        case TimedOut(error):
            timeout = TimeoutError(error.message)
            if not isinstance(exception, asyncio.CancelledError):
                timeout.__cause__ = exception
            return timeout, False
        case Failed() if not isinstance(exception, Verdict):
            return exception, isinstance(exception, KeyboardInterrupt)
        case _:
            return None, False


def is_assertion(error: BaseException) -> bool:
    """Tell whether this fails (or skips) the test itself, alone or in a group."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)  # they hold nothing else
        return any(map(is_assertion, group.exceptions))
    pytest = sys.modules.get("_pytest.outcomes")
    return isinstance(error, AssertionError) or (
        pytest is not None and isinstance(error, pytest.OutcomeException)
    )
