"""How an attempt ended, and what follows from it: pure decisions.

A handler raises or returns `Retry`, `Snooze`, `Discard` or `Dead` to choose; whatever else it
raises is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from jobkit.backoff import retry_delay
from jobkit.errors import InvalidOption
from jobkit.options import RunOptions


class Verdict(Exception):
    """The base of what a handler may raise or return to decide on its job."""


class Retry(Verdict):
    """Fail this attempt, and run again at a chosen time; spends an attempt."""

    def __init__(
        self, *, delay: timedelta | None = None, at: datetime | None = None, reason: str = ""
    ) -> None:
        if (delay is None) == (at is None):
            raise InvalidOption("Retry takes delay= or at=, one of them")
        if at is not None and at.utcoffset() is None:
            raise InvalidOption(f"Retry(at={at!r}) has no time zone; give an aware datetime")
        super().__init__(reason)
        self.delay = delay
        self.at = at
        self.reason = reason


class Snooze(Verdict):
    """Run again after a delay; spends nothing."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(f"snoozed for {delay}")
        self.delay = delay


class Discard(Verdict):
    """End the job as cancelled: there is nothing to do any more."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Dead(Verdict):
    """End the job as dead: no retry will help."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What went wrong, as text."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned; `value` is what."""

    value: object = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised, or asked for a retry at a chosen time."""

    error: Error
    delay: timedelta | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The attempt passed its deadline."""

    error: Error


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The handler asked to run again later."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Discarded:
    """The handler asked to drop the job, or followed a cancel."""

    error: Error
    outcome: Literal["discarded", "cancelled"] = "discarded"


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The handler asked to bury the job, or the job cannot be run at all."""

    error: Error


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The worker shuts down; the job goes back to the front of its line."""


Outcome: TypeAlias = Succeeded | Failed | TimedOut | Snoozed | Discarded | GaveUp | HandedBack


@dataclass(frozen=True, slots=True)
class RunAgain:
    """Wait for `delay`, or until `at`, and run again."""

    delay: timedelta = timedelta(0)
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Bury the job."""


def next_step(
    outcome: Failed | TimedOut, options: RunOptions, *, job_id: str, failures: int, timeouts: int
) -> RunAgain | GiveUp:
    """Decide what follows a failure or a timeout; the counts are those before this one.

    >>> error = Error(type="ValueError", message="no")
    >>> next_step(Failed(error), RunOptions(max_retries=0), job_id="1", failures=0, timeouts=0)
    GiveUp()
    """
    if isinstance(outcome, TimedOut):
        spent, allowed = timeouts, options.max_timeout_retries
    else:
        spent, allowed = failures, options.max_retries
    if allowed is not None and spent >= allowed:
        return GiveUp()
    if isinstance(outcome, Failed) and outcome.at is not None:
        return RunAgain(at=outcome.at)
    if isinstance(outcome, Failed) and outcome.delay is not None:
        return RunAgain(max(outcome.delay, timedelta(0)))
    attempt = 1 + failures + timeouts
    return RunAgain(retry_delay(options.backoff, retry=spent + 1, job_id=job_id, attempt=attempt))
