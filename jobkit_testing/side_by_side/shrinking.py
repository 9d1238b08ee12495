"""A failing program made shorter: steps left out, then what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import Any, Final

from jobkit_testing.side_by_side.values import default_of
from jobkit_testing.side_by_side.world import Step

TRIES: Final = 600
Fails = Callable[[Sequence[Step]], bool]


def shrink(program: Sequence[Step], fails: Fails, *, tries: int = TRIES) -> Sequence[Step]:
    """Return the shortest program found that still fails, in a bounded number of tries."""
    left = _Budget(fails, tries)
    best = list(program)
    if not left(best):
        return best  # comparing more often has hidden it: keep what was found
    while True:
        before = list(best)
        best = _simpler(_fewer(best, left), left)
        if best == before or left.is_spent:
            return best


class _Budget:
    """Counts tries; when they are spent, nothing fails any more."""

    def __init__(self, fails: Fails, tries: int) -> None:
        self._fails = fails
        self._tries = tries

    @property
    def is_spent(self) -> bool:
        return self._tries <= 0

    def __call__(self, program: Sequence[Step]) -> bool:
        self._tries -= 1
        return self._tries >= 0 and self._fails(program)


def _fewer(program: list[Step], fails: Fails) -> list[Step]:
    """Leave out runs of steps: half of all, a quarter, and so on, down to single ones."""
    size = max(1, len(program) // 2)
    while True:
        start = len(program)
        while start > 0:
            start = max(0, start - size)
            candidate = program[:start] + program[start + size :]
            if candidate and fails(candidate):
                program = candidate
        if size == 1:
            return program
        size //= 2


def _simpler(program: list[Step], fails: Fails) -> list[Step]:
    """Put simpler steps in place, as long as it still fails."""
    for place in range(len(program)):
        while True:
            for step in _variants(program[place]):
                candidate = [*program[:place], step, *program[place + 1 :]]
                if fails(candidate):
                    program = candidate
                    break
            else:
                break
    return program


def _variants(value: Any) -> Iterator[Any]:
    """Yield values that are simpler in one place."""
    known: Any = value  # what isinstance finds out has no types inside
    if isinstance(value, tuple):
        items: tuple[Any, ...] = known
        yield from (items[:i] + items[i + 1 :] for i in range(len(items)))
        for i, item in enumerate(items):
            yield from ((*items[:i], simpler, *items[i + 1 :]) for simpler in _variants(item))
    elif isinstance(value, Mapping):
        pairs: Mapping[Any, Any] = known
        for key in pairs:
            yield {other: item for other, item in pairs.items() if other != key}
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            item, default = getattr(value, field.name), default_of(field)
            if default is not MISSING and item != default:
                yield replace(value, **{field.name: default})
            for simpler in _variants(item):
                yield replace(value, **{field.name: simpler})
