"""From the values of rounds to what is shown: medians, ranges, ratios; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

# By figure and system, one value for each round.
Values = dict[str, dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, with the least and the greatest."""

    median: float
    least: float
    greatest: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up the values of rounds; there must be one.

        >>> Spread.of([3.0, 1.0, 2.0])
        Spread(median=2.0, least=1.0, greatest=3.0, rounds=3)
        """
        return cls(median(values), min(values), max(values), len(values))


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return the value below which that part of sorted values lies.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([1.0, 2.0, 3.0, 4.0], 0.99)
    (3.0, 4.0)
    """
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def ratio(of: Sequence[float], to: Sequence[float]) -> float | None:
    """Return the median of ratios round by round: only what ran side by side is compared.

    None: there is no round of both, or nothing but zeros to compare with.

    >>> ratio([20.0, 30.0], [10.0, 10.0])
    2.5
    """
    ratios = [one / other for one, other in zip(of, to, strict=False) if other]
    return median(ratios) if ratios else None


def best_peer(
    values: Mapping[str, Sequence[float]], *, own: str, limit: str, more_is_better: bool
) -> str | None:
    """Name the best system but for ours and the limit; None: nobody else was measured."""
    others = {
        name: median(each) for name, each in values.items() if name not in (own, limit) and each
    }
    if not others:
        return None
    return (max if more_is_better else min)(others, key=others.__getitem__)
