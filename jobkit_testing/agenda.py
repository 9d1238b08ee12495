"""What the workers of the double know of the time to come: when something gets due, by queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobkit.clock import to_milliseconds
from jobkit.engine import Engine, drive
from jobkit.store import Claimed, Operation
from jobkit_testing.clock import VirtualClock


class Agenda:
    """When the next job or tick of each queue gets due, as the last claims said.

    Instants here are those of the virtual clock; the store's own may be apart from it.
    """

    def __init__(
        self, engine: Engine, run: Callable[[Operation[Any]], Any], clock: VirtualClock
    ) -> None:
        self._engine = engine
        self._run = run
        self._clock = clock
        self._next_due: dict[str, int | None] = {}
        self._next_tick: dict[str, int | None] = {}
        self._looked: dict[str, int] = {}  # by the store's clock

    def forget(self) -> None:
        """Forget everything."""
        self._next_due.clear()
        self._next_tick.clear()
        self._looked.clear()

    def note(self, queue: str, claimed: Claimed) -> None:
        """Take note of when a job gets due."""
        due = claimed.next_due
        self._next_due[queue] = None if due is None else due - claimed.now + self._now()

    def is_due(self, queue: str) -> bool:
        """Tell whether the last claim has left a job that is due: it makes ready so many."""
        due = self._next_due.get(queue)
        return due is not None and due <= self._now()

    def next_event(self, queue: str) -> int | None:
        """Return when a job or a tick of a queue gets due, as far as is known."""
        known = (self._next_due.get(queue), self._next_tick.get(queue))
        return min((at for at in known if at is not None and at > self._now()), default=None)

    def is_tick_due(self, queue: str) -> bool:
        """Tell whether a tick has to be fired."""
        tick = self._next_tick.get(queue)
        return tick is not None and tick <= self._now()

    def hear_of_tick(self, queue: str, claimed: Claimed) -> bool:
        """Take note of the next tick; true if it is due, and was not when we looked last."""
        tick = claimed.next_tick
        if tick is not None and tick <= self._looked.get(queue, -1):
            return False  # that of a schedule which is not for us
        self._next_tick[queue] = None if tick is None else tick - claimed.now + self._now()
        return tick is not None and tick <= claimed.now

    def fire_due(self, queue: str) -> None:
        """Fire the ticks that are due."""
        looked = drive(self._engine.scheduling.fire_due(queue), self._run)
        self._looked[queue] = looked.now
        tick = looked.next
        self._next_tick[queue] = None if tick is None else tick - looked.now + self._now()

    def _now(self) -> int:
        return to_milliseconds(self._clock.now())
