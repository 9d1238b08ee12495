"""What a simulated worker is to the queues: what it announces, the leases it keeps, its claims."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from jobkit.cancellation import Reason
from jobkit.engine.running import Run
from jobkit.errors import BackendUnavailable
from jobkit.store import (
    Announce,
    Beat,
    Claim,
    Claimed,
    Heartbeat,
    LaneSet,
    Leave,
    PausedTypes,
    SpreadPauses,
    UseOrder,
)
from jobkit.worker.lines import tell_of_order

if TYPE_CHECKING:
    from jobkit_testing.workshop import Workshop

# One for all: two of these may work at one store, which knows a claim again by its number.
_REQUESTS = count(1)


class Presence:
    """A worker that queues know by its name.

    `held`: the attempts that are under way, by job; one, or more if a handler runs jobs itself.
    """

    def __init__(self, name: str, shop: Workshop) -> None:
        self.name = name
        self.shop = shop
        self.held: dict[str, Run] = {}
        self._engine = shop.engine
        self._run = shop.run
        self._announced: dict[str, str] = {}  # by queue: the key of the lanes that it has heard of

    def beat(self, queue: str, lanes: LaneSet) -> None:
        """Announce the lanes, and keep the leases of the attempts under way, as a keeper does."""
        leases = tuple(run.lease for run in self.held.values() if run.stored.queue == queue)
        beat: Beat = self._run(
            Heartbeat(
                queue=queue,
                worker=self.name,
                lanes=lanes,
                lease=self.shop.lease,
                leases=leases,
                about=self.shop.about,
            )
        )
        self._announced[queue] = lanes.key
        told: tuple[tuple[tuple[str, ...], Reason], ...] = (
            (beat.lost, "lost"),
            (beat.cancelled, "cancel"),
            (beat.deleted, "deleted"),
        )
        for ids, reason in told:
            for job_id in ids:
                self.tell(job_id, reason)

    def tell(self, job_id: str, reason: Reason) -> None:
        """Tell the handler of a job to stop, if it runs here."""
        run = self.held.get(job_id)
        if run is not None:
            run.ctx.cancelled.set(reason)

    def leave(self) -> None:
        """Let the queues forget this worker: between runs there is none."""
        while self._announced:
            queue, _ = self._announced.popitem()
            with suppress(BackendUnavailable):
                self._run(Leave(queue=queue, worker=self.name))

    def _is_forgotten_by(self, queue: str) -> None:
        """Announce anew what it serves, before its next claim of this queue."""
        self._announced.pop(queue, None)

    def _claim(self, queue: str, lanes: LaneSet, only: str | None, slots: int = 1) -> Claimed:
        """Claim the best job, or this one, and announce before what the queue has to know."""
        if queue not in self._announced:
            self._enter(queue)
        holds = self.held and any(run.stored.queue == queue for run in self.held.values())
        if holds or self._announced.get(queue) != lanes.key:
            self.beat(queue, lanes)
        claimed: Claimed = self._run(self._new_claim(queue, lanes, only, slots))
        if claimed.lanes_unknown:
            self._enter(queue)
            self.beat(queue, lanes)
            claimed = self._run(self._new_claim(queue, lanes, only, slots))
        return claimed

    def _new_claim(self, queue: str, lanes: LaneSet, only: str | None, slots: int) -> Claim:
        return Claim(
            queue=queue,
            worker=self.name,
            version=self._engine.version,
            request=next(_REQUESTS),
            lanes=lanes,
            slots=slots,
            lease=self.shop.lease,
            only=only,
            bounds=self._engine.bounds(queue),
        )

    def _enter(self, queue: str) -> None:
        """Announce that a queue is used, and tell it what is paused over all queues."""
        for name, order in self._engine.orders.items() if not self._announced else ():
            use = UseOrder(queue=name, order=order)  # children may come there as the first
            tell_of_order(use, self._run(use))
        paused: PausedTypes = self._run(Announce(queues=(queue,)))
        if paused.version:
            self._run(SpreadPauses(queue=queue, paused=paused))
