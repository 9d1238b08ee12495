"""What a worker claims and when: for how many jobs it has room, and which queues to ask.

While there is nothing to do, the next claims stand by in the store: see `standby.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jobkit.clock import Clock, duration_milliseconds
from jobkit.engine import Engine
from jobkit.errors import BackendUnavailable
from jobkit.ids import jitter
from jobkit.store import Announce, Claim, Claimed, UseOrder
from jobkit.worker.crew import Crew
from jobkit.worker.cycle import Cycle
from jobkit.worker.inbox import Inbox
from jobkit.worker.lines import Lines, QueueLine, tell_of_order
from jobkit.worker.standby import GRACE, Standby


class Claiming:
    """The claims of one worker; the pump sends them.

    `hinted`: every queue is to be asked at once; any thread may set it. `is_exhausted`: every
    slot is taken by a handler that was abandoned.
    """

    def __init__(
        self,
        crew: Crew,
        engine: Engine,
        inbox: Inbox,
        *,
        worker: str,
        clock: Clock,
        now: Callable[[], int | None],
    ) -> None:
        self._crew = crew
        self._engine = engine
        self._inbox = inbox
        self._worker = worker
        self._clock = clock
        self._now = now
        self._settings = crew.settings
        self._lease = duration_milliseconds(crew.settings.lease)
        # Two batches fill the worker: one is fetched while the other one runs.
        half = (crew.settings.concurrency + crew.settings.prefetch) // 2
        self._batch = max(crew.settings.concurrency, half)
        self._next_poll = 0.0
        self._interval = 0.0
        self._turn = 0
        self.lines = Lines(engine, crew.runner, crew.settings, worker=worker, about=crew.about)
        self.standby = Standby()
        self.hinted = False
        self.is_exhausted = False
        self.on_tick: Callable[[str, int | None, int], None] | None = None

    def plan(self, cycle: Cycle) -> None:
        """Claim for the room there is, if it is time to ask."""
        now = self._clock.monotonic()
        if self.hinted or now >= self._next_poll:
            self.hinted = False
            self.polled()
            self.lines.ask_everywhere()
        if self.has_lost_all_slots():
            self.is_exhausted = True
            return
        self.lines.look_out(now)
        if self.standby.has_claims and not self.lines.is_worth_asking:
            return
        self.standby.stand_down()
        slots, ahead = self._room()
        suspects = 0 if self._inbox.has_suspect or self._crew.runs_suspect() else 1
        for ask in self.lines.ask_for(slots=slots, prefetch=ahead, suspects=suspects, now=now):
            if ask.spread is not None:
                cycle.add(ask.spread, partial(self.lines.told, ask.line))
            if ask.beat is not None:
                cycle.add(ask.beat, partial(self.lines.announced, ask.line))
            self._add(cycle, ask.line, ask.claim, now)
        if names := self.lines.to_enter():
            cycle.add(Announce(queues=names), partial(self.lines.entered, names))
            for queue, order in self._engine.orders.items():
                use = UseOrder(queue=queue, order=order)
                cycle.add(use, partial(tell_of_order, use))

    def plan_voids(self, cycle: Cycle) -> None:
        """Learn what claims without an answer took, and keep them from taking more."""
        for line in self.lines:
            if void := self.lines.void(line):
                self._add(cycle, line, void, self._clock.monotonic())

    def stand_by(self) -> None:
        """Let the next claims wait in the store, or listen for a hint, until it is time to ask."""
        if self.standby.has_claims or not self.standby.is_free or not self._has_room():
            return
        now = self._clock.monotonic()
        # Leases count from when a claim was sent: a quarter may go by before it is carried out.
        wait = min(self._next_poll - now, self.lines.next_look(now), self._lease / 4000)
        if wait <= 0:
            return
        cycle = Cycle()
        if self._now() is None and not self._crew.runs_suspect():  # by the store's own clock
            slots, ahead = self._room()
            for ask in self.lines.stand_by(slots=slots, prefetch=ahead, now=now):
                self._add(cycle, ask.line, ask.claim, now)
        if cycle.operations:
            self._next_poll = now + wait + GRACE
        self.standby.wait(cycle, wait)

    def listen(self, seconds: float) -> None:
        """Listen for a hint while the pump rests for another reason."""
        if not self.standby.has_claims and self.standby.is_free:
            self.standby.wait(Cycle(), seconds)

    def take_brought(self) -> list[tuple[Cycle, list[Any]]]:
        """Return the answers to claims that stood by."""
        brought, are_current = self.standby.take()
        if brought:
            self._put_off_poll()
        if not are_current:  # the hint is still to be heeded
            self.hinted = True
        return brought

    def rest(self) -> float:
        """Return for how many seconds nothing is worth asking."""
        if self.hinted:
            return 0.0
        now = self._clock.monotonic()
        rest = self._next_poll - now
        # Also while claims stand by: an idle Redis may end a wait a tenth of a second late.
        if self._has_room():
            rest = min(rest, self.lines.next_look(now))
        return max(rest, 0.0)

    def polled(self) -> None:
        """Note that every queue is being asked, or was."""
        self._turn += 1
        spread = 0.75 + jitter(self._worker, self._turn) / 2
        self._interval = self._settings.poll.total_seconds() * spread
        self._put_off_poll()

    def _put_off_poll(self) -> None:
        self._next_poll = self._clock.monotonic() + self._interval

    def has_lost_all_slots(self) -> bool:
        """Tell whether every slot is taken by a handler that was abandoned."""
        return len(self._crew.abandoned) >= self._settings.concurrency

    def _room(self) -> tuple[int, int]:
        """Return for how many jobs there are slots, and how many may be claimed ahead."""
        hooks = self._crew.hooks
        if hooks.is_full and not hooks.hang():
            return 0, 0
        free = self._crew.slots.free - self._crew.slots.waiting - self._inbox.jobs
        slots = max(0, free)
        ahead = self._settings.prefetch + min(0, free)
        return slots, max(0, min(ahead, self._batch - slots))

    def _has_room(self) -> bool:
        slots, ahead = self._room()
        return slots > 0 or ahead >= self._batch

    def _add(self, cycle: Cycle, line: QueueLine, claim: Claim, sent: float) -> None:
        claimed = partial(self._claimed, line, claim, sent)
        cycle.add(claim, claimed, refused=partial(self._refused, line, claim))

    def _refused(self, line: QueueLine, claim: Claim, _: BackendUnavailable) -> None:
        line.is_away = line.is_away or line.pending is claim

    def _claimed(self, line: QueueLine, claim: Claim, sent: float, claimed: Claimed) -> None:
        if line.pending is not claim:  # it was answered twice; only the first time says what ended
            self._inbox.ended(line.name, claimed.ended)
            return
        line.pending = None
        line.is_away = False
        if claimed.lanes_unknown:
            line.announced = None
            line.entered = False  # whoever forgot us may have forgotten what is paused
            line.worth_asking = True
            return
        is_filled = len(claimed.jobs) >= claim.slots + claim.prefetch
        line.has_more = claimed.more
        line.is_idle = claim.idle and not is_filled
        # The store hints only at those it could not fill; a claim that stood by may have been
        # for less room than there is now.
        line.worth_asking = claimed.more or (claim.idle and is_filled)
        if self.on_tick is not None:
            self.on_tick(line.name, claimed.next_tick, claimed.now)
        line.next_due = None
        if claimed.next_due is not None:
            line.next_due = self._clock.monotonic() + (claimed.next_due - claimed.now) / 1000
        leased_at = line.asked_at if claimed.repeated else sent
        self._inbox.claimed(line.name, claimed, leased_at + claim.lease / 1000)
