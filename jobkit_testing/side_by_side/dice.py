"""Where choices come from: one number at a time, from a seed or from Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")
_FACTOR, _MORE, _MASK = 6364136223846793005, 1442695040888963407, (1 << 64) - 1


class Choices(Protocol):
    """A source of choices; 0 is the simplest."""

    def below(self, bound: int) -> int:
        """Return a number from 0 to below `bound`."""
        ...


class Dice:
    """Choices that are the same for one seed, on every machine.

    >>> [Dice(1).below(6) == Dice(1).below(6) for _ in range(3)]
    [True, True, True]
    """

    def __init__(self, seed: int) -> None:
        self._state = (seed * 2 + 1) * _FACTOR & _MASK

    def below(self, bound: int) -> int:
        """Return a number from 0 to below `bound`."""
        self._state = state = (self._state * _FACTOR + _MORE) & _MASK
        return (state >> 33) * bound >> 31


class Chooser:
    """What can be asked of a source of choices."""

    def __init__(self, choices: Choices) -> None:
        self.below = choices.below

    def pick(self, items: Sequence[T]) -> T:
        """Return one of these; put the simplest first."""
        return items[self.below(len(items))]

    def one_in(self, n: int) -> bool:
        """Tell, once in n times, yes."""
        return self.below(n) == n - 1

    def some(self, items: Sequence[T], most: int) -> list[T]:
        """Return up to `most` different ones of these."""
        left = list(items)
        number = min(len(left), self.below(most + 1))
        return [left.pop(self.below(len(left))) for _ in range(number)]

    def recent(self, items: Sequence[T]) -> T:
        """Return one of these, more likely one of the last."""
        if len(items) > 12 and not self.one_in(4):
            items = items[-12:]
        return self.pick(items)
