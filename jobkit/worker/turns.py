"""Whose turn it is among queues with weights: pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd


class Turns:
    """Smooth weighted round robin: turns in proportion to the weights, and never in a bunch.

    Each turn adds to every name its weight, and goes to the name that has most, which pays the
    sum of all weights for it. A turn is paid for whether or not it was of use: who had nothing to
    give when it was his turn gets none back.

    >>> turns = Turns()
    >>> [turns.next({"mail": 3, "default": 1}) for _ in range(8)]
    ['mail', 'mail', 'default', 'mail', 'mail', 'mail', 'default', 'mail']
    >>> turns.give(40, {"mail": 9, "default": 1})
    {'mail': 36, 'default': 4}
    """

    def __init__(self) -> None:
        self._saved: dict[str, int] = {}

    def next(self, weights: Mapping[str, int]) -> str:
        """Return whose turn it is among these names; there must be one."""
        saved = self._saved
        for name, weight in weights.items():
            saved[name] = saved.get(name, 0) + weight
        chosen = max(weights, key=saved.__getitem__)  # of equals the first
        saved[chosen] -= sum(weights.values())
        return chosen

    def give(self, number: int, weights: Mapping[str, int]) -> dict[str, int]:
        """Return how many of so many turns are whose; there must be a name."""
        unit = gcd(*weights.values())
        # A whole round gives each its weight, and leaves everybody with what he had.
        rounds, rest = divmod(number, sum(weights.values()) // unit)
        given = {name: rounds * (weight // unit) for name, weight in weights.items()}
        for _ in range(rest):
            given[self.next(weights)] += 1
        return given
