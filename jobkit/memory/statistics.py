"""The statistics of a queue in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobkit.store import (
    MINUTE_LENGTH,
    MINUTES_KEPT,
    OTHER_TYPES,
    TYPES_COUNTED,
    StoredCounts,
    StoredStatistics,
    bucket_of,
    counts_of,
)

Numbers = dict[str, int]


@dataclass(slots=True)
class Ledger:
    """What has been counted.

    `new`: what the operation under way counts, by group, until it is written. `ring`: by place
    and group, the minute and its numbers. `totals`: of every known group what left the ring.
    """

    new: dict[str, Numbers] = field(default_factory=dict[str, Numbers])
    ring: dict[tuple[int, str], tuple[int, Numbers]] = field(
        default_factory=dict[tuple[int, str], tuple[int, Numbers]]
    )
    totals: dict[str, Numbers] = field(default_factory=dict[str, Numbers])

    def count(self, group: str, letter: str, number: int = 1) -> None:
        """Count something of a group."""
        numbers = self.new.setdefault(group, {})
        numbers[letter] = numbers.get(letter, 0) + number

    def count_end(self, group: str, duration: int) -> None:
        """Count an attempt that ended and was heard of."""
        self.count(group, bucket_of(duration))
        self.count(group, "u", duration)

    def write(self, now: int) -> None:
        """Add what was counted to the minute."""
        if not self.new:
            return
        minute = now // MINUTE_LENGTH
        for group in sorted(self.new):
            self._write(self._known(group), minute, self.new[group])
        self.new.clear()

    def _known(self, group: str) -> str:
        """Return the name to count under: of too many groups the later ones have one together."""
        if group in self.totals:
            return group
        if len(self.totals) - (OTHER_TYPES in self.totals) >= TYPES_COUNTED:
            group = OTHER_TYPES
        self.totals.setdefault(group, {})
        return group

    def _write(self, group: str, minute: int, numbers: Numbers) -> None:
        place = (minute % MINUTES_KEPT, group)
        kept = self.ring.get(place)
        if kept is not None and kept[0] != minute:
            _add(kept[1], to=self.totals[group])
            kept = None
        if kept is None:
            kept = self.ring[place] = (minute, {})
        _add(numbers, to=kept[1])

    def read(self, now: int, *, minutes: int, totals: bool) -> StoredStatistics:
        """Return the last minutes, and what was counted in all."""
        last = now // MINUTE_LENGTH
        found: dict[int, dict[str, StoredCounts]] = {}
        sums = {group: dict(numbers) for group, numbers in self.totals.items()}
        for (_, group), (minute, numbers) in self.ring.items():
            _add(numbers, to=sums[group])
            if last - minutes < minute <= last:
                found.setdefault(minute * MINUTE_LENGTH, {})[group] = counts_of(numbers)
        return StoredStatistics(
            now=now,
            totals={group: counts_of(sums[group]) for group in sums} if totals else {},
            minutes={at: found[at] for at in sorted(found)},
        )


def _add(numbers: Numbers, *, to: Numbers) -> None:
    for letter, number in numbers.items():
        to[letter] = to.get(letter, 0) + number
