"""Pauses: of a queue, of a type in a queue, of a type over all queues; three independent flags.

A claim is one step on one queue, so everything that it heeds must be kept with that queue. A
pause over all queues is therefore a list of its own (`PauseType`), whose version grows with each
change, and each queue keeps a copy (`SpreadPauses`; an older list never replaces a newer one).
Nobody misses it: who pauses changes the list and reads the names of the queues in one step, and
then tells them all; who is going to claim from a queue writes its name down and reads the list in
one step (`Announce`), and tells the queue before the first claim. Whichever of the two steps
comes second has seen the other.
"""

from __future__ import annotations

from msgspec import Struct

from jobkit.store.operations import Operation


class PausedTypes(Struct, frozen=True, kw_only=True):
    """The types that are paused over all queues, and the queues that are to know it.

    `version` grows with each change; 0: nothing was ever paused so.
    """

    version: int = 0
    types: frozenset[str] = frozenset()
    queues: tuple[str, ...] = ()


class Pauses(Struct, frozen=True, kw_only=True):
    """What is paused in one queue: all of it, types in it, types over all queues."""

    queue: bool = False
    types: frozenset[str] = frozenset()
    everywhere: frozenset[str] = frozenset()

    def hold(self, *names: str) -> bool:
        """Tell whether a type with one of these names may not be claimed."""
        held = self.types | self.everywhere
        return self.queue or any(name in held for name in names)


class SetPause(Operation[None], frozen=True, kw_only=True):
    """Pause or resume a queue, or one type in it.

    Claims leave paused lanes alone from now on; what runs is not touched. A resume wakes
    workers that wait.
    """

    queue: str
    type: str | None = None
    paused: bool


class PauseType(Operation[PausedTypes], frozen=True, kw_only=True):
    """Pause or resume a type over all queues, and return whom to tell by `SpreadPauses`."""

    type: str
    paused: bool


class Announce(Operation[PausedTypes], frozen=True, kw_only=True):
    """Write down that these queues are used, and return which types are paused everywhere.

    A worker does this once for each queue, tells the queue by `SpreadPauses`, and then claims.
    """

    queues: tuple[str, ...] = ()


class SpreadPauses(Operation[None], frozen=True, kw_only=True):
    """Tell a queue which types are paused over all queues; what it knows better stays."""

    queue: str
    paused: PausedTypes


class ReadPauses(Operation[Pauses], frozen=True, kw_only=True):
    """Read what is paused in a queue."""

    queue: str
