"""What a seed decides: whose turn it is, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from jobkit.ids import jitter

T = TypeVar("T")
MOST_FAULTS = 3
# How likely a fault is wherever one may happen: many runs with few, some with one at each step.
DENSITIES = (0.0, 0.1, 0.1, 0.3, 0.3, 0.6)


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault that happened: at which place of the run, by name, and in words for people."""

    place: int
    name: str
    words: str


class Chance:
    """Decides by its seed; with a `script`, which faults happen is given by place.

    Places are where something may go wrong, counted from 0 in the order of the run.
    """

    def __init__(self, seed: int, script: Mapping[int, str] | None = None) -> None:
        self.happened: list[Happened] = []
        self._script = script
        self._turns, self._luck = f"explore {seed} turns", f"explore {seed} luck"
        self._drawn = {self._turns: 0, self._luck: 0}
        self._place = -1
        self._density = self._among(self._luck, DENSITIES)
        self._left = 1 + int(self._draw(self._luck) * MOST_FAULTS)

    def turn(self, options: Sequence[T]) -> T:
        """Choose who goes on."""
        return options[0] if len(options) == 1 else self._among(self._turns, options)

    def fault(self, possible: Sequence[str]) -> str | None:
        """Choose what goes wrong here, if something does; say `note` if it does."""
        self._place += 1
        if self._script is not None:
            name = self._script.get(self._place)
            return name if name in possible else None
        if not self._left or not possible or self._draw(self._luck) >= self._density:
            return None
        self._left -= 1
        return self._among(self._luck, possible)

    def note(self, name: str, words: str) -> None:
        """Note that what was chosen last has happened."""
        self.happened.append(Happened(self._place, name, words))

    def _among(self, stream: str, options: Sequence[T]) -> T:
        return options[int(self._draw(stream) * len(options))]

    def _draw(self, stream: str) -> float:
        self._drawn[stream] += 1
        return jitter(stream, self._drawn[stream])
