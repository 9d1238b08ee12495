"""Standing by: while the pump rests, its next claims wait in the store, behind the next hint.

So a job that comes to an idle worker costs it one answer, not a hint and then a round trip. A claim
that stands by is the line's pending claim, numbered like any other. Whoever cannot wait for its
answer sends it again as it is: the store carries it out once, and tells the copy the same. An
answer that comes when the claim is no longer pending is not heeded.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from jobkit.worker.cycle import Cycle
from jobkit.worker.listener import Listener

GRACE = 1.0  # seconds by which an answer may be late before the pump asks itself


class Standby:
    """What stands by, and what came of it; whoever listens brings that."""

    def __init__(self) -> None:
        self._brought = deque[tuple[Cycle, list[Any]]]()
        self._standing: Cycle | None = None
        self.listener: Listener | None = None

    @property
    def has_claims(self) -> bool:
        """Whether claims stand by that nobody has asked for otherwise."""
        return self._standing is not None

    @property
    def is_free(self) -> bool:
        """Whether somebody listens who waits for nothing now."""
        return self.listener is not None and not self.listener.is_waiting

    def wait(self, cycle: Cycle, timeout: float) -> None:
        """Wait for a hint, with these claims, or none, behind it."""
        assert self.listener is not None
        if cycle.operations:
            self._standing = cycle
        self.listener.wait(cycle, timeout)

    def stand_down(self) -> None:
        """Note that the claims are sent again: the store is asked at once."""
        self._standing = None

    def bring(self, cycle: Cycle, results: list[Any]) -> None:
        """Leave an answer for the pump."""
        self._brought.append((cycle, results))

    def take(self) -> tuple[list[tuple[Cycle, list[Any]]], bool]:
        """Return what came, and whether it is all that was heard.

        It is not if the claims behind a hint did not stand by any longer.
        """
        brought: list[tuple[Cycle, list[Any]]] = []
        are_current = True
        while self._brought:
            cycle, results = self._brought.popleft()
            brought.append((cycle, results))
            if cycle is self._standing:
                self._standing = None
            else:
                are_current = False
        return brought, are_current
