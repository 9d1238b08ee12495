"""Pauses in the memory store: of one queue, and of types over all queues."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobkit.store import PausedTypes, Pauses


@dataclass(slots=True)
class QueuePauses:
    """What is paused in one queue; `everywhere` is its copy of the list for all queues."""

    queue: bool = False
    types: set[str] = field(default_factory=set[str])
    everywhere: PausedTypes = field(default_factory=PausedTypes)

    def hold_any(self) -> bool:
        """Tell whether anything is paused: a claim asks once, and mostly that is all."""
        return self.queue or bool(self.types or self.everywhere.types)

    def hold(self, *names: str) -> bool:
        """Tell whether a type with one of these names may not be claimed."""
        everywhere = self.everywhere.types
        return self.queue or any(name in self.types or name in everywhere for name in names)

    def set(self, type_name: str | None, *, paused: bool) -> bool:
        """Pause or resume the queue, or a type in it; False if that changed nothing."""
        if paused == (self.queue if type_name is None else type_name in self.types):
            return False
        if type_name is None:
            self.queue = paused
        elif paused:
            self.types.add(type_name)
        else:
            self.types.discard(type_name)
        return True

    def hear(self, paused: PausedTypes) -> None:
        """Take over a newer list of what is paused over all queues."""
        if paused.version > self.everywhere.version:
            self.everywhere = paused

    def read(self) -> Pauses:
        """Return the flags as readers see them."""
        return Pauses(
            queue=self.queue,
            types=frozenset(self.types),
            everywhere=self.everywhere.types,
        )


def changed(before: PausedTypes, type_name: str, *, paused: bool, now: int) -> PausedTypes:
    """Return the list for all queues after a type was paused or resumed."""
    types = before.types | {type_name} if paused else before.types - {type_name}
    if types == before.types:
        return before
    return PausedTypes(version=max(before.version + 1, now), types=types)
