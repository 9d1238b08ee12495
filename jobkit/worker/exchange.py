"""What is under way between a worker and the store, and what comes back.

One request is under way at a time; behind its claims, on another connection, there may be a
second one that only settles. What is not answered is told again later: the store can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobkit.seldom import Seldom
from jobkit.store import Answer, Store, begin, can_begin
from jobkit.worker.cycle import Cycle
from jobkit.worker.settling import Endings, Settling

RAREST = 1000  # times that claims take settlements along, at most, after a trail got lost


@dataclass(frozen=True, slots=True)
class Flight:
    """A request that is under way, and the ends that it tells of."""

    cycle: Cycle
    endings: Endings
    answer: Answer


class Exchange:
    """The requests of one worker; the pump says what they are.

    A *trail* is what settles behind claims.
    """

    def __init__(self, store: Store, settling: Settling, *, now: Callable[[], int | None]) -> None:
        self._store = store
        self._settling = settling
        self._now = now
        self._flight: Flight | None = None
        self._trail: Flight | None = None
        self._can_trail = can_begin(store)
        self._trails = Seldom(rarest=RAREST)

    @property
    def is_under_way(self) -> bool:
        """Whether a request waits for its answer, other than a trail."""
        return self._flight is not None

    @property
    def has_trail(self) -> bool:
        """Whether a trail waits for its answer."""
        return self._trail is not None

    @property
    def is_over(self) -> bool:
        """Whether every answer was heard."""
        return self._flight is None and self._trail is None

    def may_trail(self) -> bool:
        """Tell whether a second request is worth a try: ever more rarely where it got lost."""
        return self._can_trail and self._trails.is_due()

    def send(self, cycle: Cycle, endings: Endings) -> None:
        """Send a request that tells of these ends."""
        self._flight = self._depart(cycle, endings)

    def send_behind(self, cycle: Cycle, endings: Endings) -> None:
        """Send a trail."""
        try:
            self._trail = self._depart(cycle, endings)
        except Exception:
            self._trails.failed()  # else claims alone might go through time and again
            raise

    def land(self, *, awake: bool) -> None:
        """Wait for the answer to the request, and take in what it says; trails stay under way.

        Raises what the store said instead. `awake`: nobody else wants the interpreter meanwhile.
        """
        flight, self._flight = self._flight, None
        if flight is None:
            return
        try:
            self._hear(flight, awake)
        except Exception:
            self.land_trail(awake=awake)  # what lost one answer lost both, and is one failure
            raise

    def land_trail(self, *, awake: bool) -> None:
        """Wait for the answer to a trail, if there is one, and take in what it says."""
        trail, self._trail = self._trail, None
        if trail is None:
            return
        try:
            self._hear(trail, awake)
        except Exception:
            self._trails.failed()
            raise
        self._trails.went_well()

    def _depart(self, cycle: Cycle, endings: Endings) -> Flight:
        answer = begin(self._store, cycle.operations, now=self._now())
        if endings:
            self._settling.waiting = []
        return Flight(cycle, endings, answer)

    def _hear(self, flight: Flight, awake: bool) -> None:
        try:
            results = flight.answer.wait(awake=awake)
        except Exception:
            self._settling.keep(flight.endings)
            raise
        flight.cycle.heed(results)
