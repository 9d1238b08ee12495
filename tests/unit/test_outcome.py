"""B33, B34: what follows a failure or a timeout."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobkit.backoff import JITTER, LONGEST, Exponential
from jobkit.ids import jitter
from jobkit.options import RunOptions
from jobkit.outcome import Error, Failed, GiveUp, RunAgain, TimedOut, next_step

FAILED = Failed(Error(type="ValueError", message="no"))
TIMED_OUT = TimedOut(Error(type="TimeoutError", message="late"))
OPTIONS = RunOptions(max_retries=3, max_timeout_retries=1)


def step(outcome: Failed | TimedOut, failures: int, timeouts: int) -> RunAgain | GiveUp:
    return next_step(outcome, OPTIONS, job_id="j", failures=failures, timeouts=timeouts)


@pytest.mark.parametrize(
    ("outcome", "failures", "timeouts", "retry"),
    [(FAILED, 0, 0, 1), (FAILED, 2, 0, 3), (FAILED, 1, 1, 2), (TIMED_OUT, 2, 0, 1)],
)
def test_the_delay_counts_its_own_kind_and_the_jitter_all_attempts(
    outcome: Failed | TimedOut, failures: int, timeouts: int, retry: int
) -> None:
    """B34: retry n waits 1 s x 1.6^(n-1); the spread is that of this attempt of this job."""
    spread = 1 + JITTER * (2 * jitter("j", 1 + failures + timeouts) - 1)

    expected = RunAgain(timedelta(seconds=1.6 ** (retry - 1)) * spread)

    assert step(outcome, failures, timeouts) == expected


def test_failures_and_timeouts_have_an_end_each() -> None:
    """B33: the last retry is the one that the option names."""
    assert isinstance(step(FAILED, 2, 9), RunAgain)
    assert isinstance(step(TIMED_OUT, 9, 0), RunAgain)
    assert step(FAILED, 3, 0) == GiveUp()
    assert step(TIMED_OUT, 0, 1) == GiveUp()


def test_no_jitter_goes_past_the_longest_delay() -> None:
    """B34: never over an hour."""
    options = RunOptions(max_retries=None, backoff=Exponential(first=LONGEST))

    steps = [
        next_step(FAILED, options, job_id=str(number), failures=0, timeouts=0)
        for number in range(100)
    ]

    assert max(step.delay for step in steps if isinstance(step, RunAgain)) == LONGEST
