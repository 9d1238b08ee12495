"""How long to rest while the store is away: longer after each failure, with jitter."""

from __future__ import annotations

from jobkit.ids import jitter

FIRST = 0.1  # seconds
LONGEST = 5.0
_ENOUGH = 10  # doublings that lead past the longest; keeps the power finite


def rest_after(failures: int, *who: str, first: float = FIRST) -> float:
    """Return the seconds to rest after so many failures in a row; `who` rests, for the jitter.

    >>> [round(rest_after(failures, "ann"), 1) <= 5 for failures in (1, 5, 500)]
    [True, True, True]
    """
    longest = min(first * 2.0 ** min(failures, _ENOUGH), LONGEST)
    return longest * (0.5 + jitter(*who, failures) / 2)
