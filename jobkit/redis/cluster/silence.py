"""Nodes that keep everybody waiting: left alone for a while, so that the others are served."""

from __future__ import annotations

from collections.abc import Callable

from jobkit.redis.hosts import Host

SHARE = 3  # a node that kept us waiting for a second is left alone for so many
LONGEST = 5.0  # seconds


class Silence:
    """Which nodes failed slowly, and until when nobody asks them.

    A node that refuses at once costs nothing to ask, and is asked each time.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._until: dict[Host, float] = {}

    def kept_waiting(self, host: Host, since: float) -> None:
        """Note that a node was asked at `since` and has failed now."""
        now = self.monotonic()
        self._until[host] = now + min(SHARE * (now - since), LONGEST)

    def lasts(self, host: Host) -> bool:
        """Tell whether a node is to be left alone now."""
        until = self._until.get(host)
        if until is None:
            return False
        if until > self.monotonic():
            return True
        self._until.pop(host, None)
        return False
