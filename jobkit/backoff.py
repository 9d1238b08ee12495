"""How long to wait before a retry: pure functions of the retry's number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from jobkit.errors import InvalidOption
from jobkit.ids import jitter

JITTER = 0.2  # of the delay, to either side
LONGEST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Exponential:
    """Wait longer after each failure, up to a limit.

    >>> Exponential(first=timedelta(seconds=2), factor=2).delay(retry=3)
    datetime.timedelta(seconds=8)
    """

    first: timedelta = timedelta(seconds=1)
    factor: float = 1.6
    longest: timedelta = LONGEST

    def __post_init__(self) -> None:
        if self.first < timedelta(0) or self.longest < timedelta(0):
            raise InvalidOption(f"{self!r}: first and longest must not be negative")
        if not 1 <= self.factor < float("inf"):
            raise InvalidOption(f"{self!r}: factor must be a finite number of at least 1")

    def delay(self, retry: int) -> timedelta:
        """Return the wait before this retry (1 is the first), without jitter."""
        exponent = min(retry - 1, 64)  # far past `longest`; keeps the power finite
        try:
            seconds = self.first.total_seconds() * self.factor**exponent
        except OverflowError:
            return self.longest
        return timedelta(seconds=min(seconds, self.longest.total_seconds()))


Backoff: TypeAlias = timedelta | Exponential | Callable[[int], timedelta]


def retry_delay(backoff: Backoff, *, retry: int, job_id: str, attempt: int) -> timedelta:
    """Return the wait before a retry; jitter is a function of job and attempt alone.

    `Exponential` is spread by 20 % to either side and stays within its `longest`; a fixed
    `timedelta` and a callable are taken as they are.
    """
    match backoff:
        case timedelta():
            return backoff
        case Exponential():
            spread = 1 + JITTER * (2 * jitter(job_id, attempt) - 1)
            return min(backoff.delay(retry) * spread, backoff.longest)
        case _:
            delay = backoff(retry)
            # Types are a promise that user code may break at run time.
            if not isinstance(delay, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InvalidOption(f"backoff({retry}) returned {delay!r}: return a timedelta")
            return max(delay, timedelta(0))
