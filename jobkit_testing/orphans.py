"""The jobs of workers that have died, until somebody takes them over."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobkit.clock import MILLISECOND
from jobkit.errors import BackendUnavailable
from jobkit.record import ENDED, JobState
from jobkit.store import Get, StoredJob
from jobkit_testing.clock import Alarm

if TYPE_CHECKING:
    from jobkit_testing.workshop import Workshop


@dataclass(slots=True)
class Orphan:
    """A job whose worker has died, and when its lease is expected to end (virtual time)."""

    stored: StoredJob
    ends: int


class Orphans:
    """Sees to it that the leases of dead workers are taken back when they end.

    In a fleet there is always somebody who lives: it claims now and then, with no slot free
    perhaps, and thereby tells the store that time passes and takes back what has expired. Here it
    does so by the virtual clock, three times a lease and at the lease's end, however the clock is
    moved. What was taken back is queued again; nobody runs it until told.
    """

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop
        self._orphans: dict[str, Orphan] = {}
        self._alarm: Alarm | None = None

    def add(self, stored: StoredJob) -> None:
        """Watch over a job that is under a dead worker's lease."""
        if self._is_held(stored):
            self._orphans[stored.id] = Orphan(stored, self._shop.now() + self._shop.lease)
            self._wake_later()

    def next_end(self, queue: str) -> int | None:
        """Return when the next of these leases of a queue ends."""
        if not self._orphans:
            return None
        ends = [each.ends for each in self._orphans.values() if each.stored.queue == queue]
        return min(ends, default=None)

    def end_of(self, job_id: str) -> int | None:
        """Return when the lease of this job ends, if a dead worker holds it."""
        orphan = self._orphans.get(job_id)
        return orphan.ends if orphan is not None and self._is_held(orphan.stored) else None

    def count(self, queue: str, types: frozenset[str] | None) -> int:
        """Count the jobs of a queue, and of these types, that nobody has taken over."""
        return sum(
            each.stored.queue == queue
            and (types is None or each.stored.type in types)
            and self._is_held(each.stored)
            for each in self._orphans.values()
        )

    def clear(self) -> None:
        """Forget them."""
        self._orphans.clear()
        if self._alarm is not None:
            self._alarm.cancel()

    def _wake_later(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        first = min(each.ends for each in self._orphans.values())
        wait = max(1, min(first - self._shop.now(), self._shop.lease // 3))
        self._alarm = self._shop.clock.call_later(wait * MILLISECOND, self._look)

    def _look(self) -> None:
        lanes = self._shop.lanes()
        with suppress(BackendUnavailable):  # then later
            self._shop.keep_leases()  # nobody who lives loses anything
            for queue in dict.fromkeys(each.stored.queue for each in self._orphans.values()):
                self._shop.on_duty.look(queue, lanes)
            for each in list(self._orphans.values()):
                self._check(each)
        if self._orphans:
            self._wake_later()
        if self._shop.is_idle:
            self._shop.leave()

    def _check(self, orphan: Orphan) -> None:
        at, stored = self._shop.now(), orphan.stored
        if self._is_held(stored):
            if orphan.ends <= at:  # a holiday, or the store's clock is behind
                orphan.ends = at + self._shop.lease // 3
            return
        del self._orphans[stored.id]
        after = self._read(stored)
        if after is not None and after.state not in ENDED:
            self._shop.timeline.note("lost", stored, at)

    def _is_held(self, stored: StoredJob) -> bool:
        now = self._read(stored)
        return now is not None and now.state is JobState.RUNNING and now.fence == stored.fence

    def _read(self, stored: StoredJob) -> StoredJob | None:
        now: StoredJob | None = self._shop.run(Get(queue=stored.queue, id=stored.id))
        return now
