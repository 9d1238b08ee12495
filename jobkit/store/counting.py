"""How stores count attempts: by the group of their type, in a ring of minutes and in totals.

What was counted in a minute stands in that minute's place of the ring. Whoever counts there
again after the ring has gone round adds what it finds to the totals first, so each attempt stands
in one of the two, and nothing has to be removed by the clock. One count is a letter and a number:

- A to V: attempts that ended, by duration: up to each of `DURATION_BOUNDS`, and longer;
- u: the sum of their durations in milliseconds;
- f failed, t timed out, c cancelled, r retried, d dead, l lost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from jobkit.record import AttemptOutcome
from jobkit.stats import DURATION_BOUNDS

MINUTE_LENGTH: Final = 60_000
MINUTES_KEPT: Final = 180
TYPES_COUNTED: Final = 200  # of a queue; the others go under one name
OTHER_TYPES: Final = "(other)"
BUCKETS: Final = "ABCDEFGHIJKLMNOPQRSTUV"
# Which letter an attempt's outcome adds to, beside its bucket; other outcomes are not counted.
LETTER_OF: Mapping[AttemptOutcome, str] = {
    "failed": "f",
    "dead": "f",
    "timed_out": "t",
    "cancelled": "c",
    "discarded": "c",
}


class StoredCounts(Struct, frozen=True, kw_only=True):
    """What was counted of one group: attempts by bucket, their time, and their ends."""

    buckets: tuple[int, ...]
    busy: int = 0
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    retried: int = 0
    dead: int = 0
    lost: int = 0


class StoredStatistics(Struct, frozen=True, kw_only=True):
    """The counts of a queue by group: in all, and by the instant at which a minute begins."""

    now: int
    totals: Mapping[str, StoredCounts]
    minutes: Mapping[int, Mapping[str, StoredCounts]]


def bucket_of(duration: int) -> str:
    """Return the letter under which an attempt of so many milliseconds is counted.

    >>> bucket_of(0), bucket_of(1), bucket_of(2), bucket_of(3_600_001)
    ('A', 'A', 'B', 'V')
    """
    return BUCKETS[bisect_left(DURATION_BOUNDS, duration)]


def counts_of(numbers: Mapping[str, int]) -> StoredCounts:
    """Return what these letters and numbers say."""
    return StoredCounts(
        buckets=tuple(numbers.get(letter, 0) for letter in BUCKETS),
        busy=numbers.get("u", 0),
        failed=numbers.get("f", 0),
        timed_out=numbers.get("t", 0),
        cancelled=numbers.get("c", 0),
        retried=numbers.get("r", 0),
        dead=numbers.get("d", 0),
        lost=numbers.get("l", 0),
    )
