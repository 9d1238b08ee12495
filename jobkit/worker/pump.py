"""The pump: settles what has ended and claims what comes next, in one round trip.

It reads the crew's `done`, writes settlements and claims to the store, and hands what it got to
the crew; as often as there is something to do, else every `poll` seconds. One request is under
way at a time. What comes next is sent as soon as an answer has been read, and only then is that
answer looked after: so the store works while the worker does. If the store is away it keeps what
it could not settle and tries again, ever less often. If it dies, leases run out, and other
workers take over.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jobkit.clock import Clock, duration_milliseconds
from jobkit.engine import Engine
from jobkit.errors import BackendUnavailable
from jobkit.ids import jitter
from jobkit.store import Announce, Answer, Claimed, Settle, Store, UseOrder, begin
from jobkit.worker import rests
from jobkit.worker.crew import Crew
from jobkit.worker.cycle import Cycle
from jobkit.worker.inbox import Ending, Inbox
from jobkit.worker.lines import Lines, QueueLine, tell_of_order
from jobkit.worker.succession import Succession

SETTLED_AT_ONCE = 500
LATE_END = 0.05  # seconds that an end may wait for its batch
_LOGGER = logging.getLogger("jobkit.worker")


@dataclass(frozen=True, slots=True)
class Flight:
    """A request that is under way."""

    cycle: Cycle
    endings: list[Ending]
    answer: Answer


class Pump:
    """The cycle of a worker."""

    def __init__(
        self,
        crew: Crew,
        engine: Engine,
        store: Store,
        *,
        worker: str,
        clock: Clock,
        now: Callable[[], int | None],
    ) -> None:
        self._crew = crew
        self._engine = engine
        self._store = store
        self._worker = worker
        self._clock = clock
        self._now = now
        self._settings = crew.settings
        self._lease = duration_milliseconds(crew.settings.lease)
        self.lines = Lines(engine, crew.runner, crew.settings, worker=worker, about=crew.about)
        self._next_poll = 0.0
        # Two batches fill the worker: one is fetched while the other one runs.
        half = (crew.settings.concurrency + crew.settings.prefetch) // 2
        self._batch = max(crew.settings.concurrency, half)
        self._unsettled: list[Ending] = []
        self._turn = 0
        self._failures = 0
        self._hinted = False
        self._claiming = True
        self._dry_wanted = False
        self._flight: Flight | None = None
        self._inbox = Inbox(crew, engine, store, now=now)
        self.tally = self._inbox.tally
        self.succession = Succession(engine, self._inbox.announce_as_stored)
        self.went_dry = threading.Event()
        self.reached_store = threading.Event()
        self.last_error: BackendUnavailable | None = None
        self.is_exhausted = False
        self.on_tick: Callable[[str, int | None, int], None] | None = None
        self.has_ticks_due: Callable[[], bool] = lambda: False
        self._stopping = False
        self._given_up = False
        self._thread = threading.Thread(target=self._pump, name="jobkit-pump", daemon=True)

    # What other threads ask for.

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def hint(self) -> None:
        """Look at the store at once."""
        self._hinted = True
        self._crew.progress.set()

    def ticked(self, fired: bool) -> None:
        """Take note that due ticks have been looked at, and perhaps fired."""
        if fired:
            self._hinted = True
        if fired or self._dry_wanted:
            self._crew.progress.set()

    def want_dry(self) -> None:
        """Look everywhere, and set `went_dry` once nothing is left that could run here."""
        self.went_dry.clear()
        self._hinted = True  # first: a cycle under way must not answer from what it knew before
        self._dry_wanted = True
        self.hint()

    def stop_claiming(self) -> None:
        """Claim no more; what was claimed ahead goes back."""
        self._claiming = False
        self._crew.close_line()
        self._crew.progress.set()

    def stop(self, timeout: float) -> bool:
        """End the thread once everything that ended is settled; False if time runs out."""
        self._stopping = True
        self._crew.progress.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self.went_dry.set()  # nobody must wait for a pump that has stopped
        self._given_up = True  # what could not be settled by now comes back with its lease
        return not self._thread.is_alive()

    # The thread.

    def _pump(self) -> None:
        while True:
            self._crew.progress.clear()
            try:
                rest = self._cycle()
            except BackendUnavailable as error:
                rest = self._outage(error)
            except Exception:
                _LOGGER.exception("the pump failed; it goes on")
                rest = rests.FIRST
            if self._stopping:
                self._give_rest_back()
                if not (self._crew.done or self._unsettled or self._flight):
                    return
            if self._given_up and self._flight is None:
                return
            if rest > 0:
                self._crew.progress.wait(rest)

    def _cycle(self) -> float:
        """Do one round trip, or none, and return for how long to rest."""
        self.lines.look_at_handlers()
        flight = self._flight or self._send()
        self._flight = None
        if flight is not None:
            self._land(flight)
        self._tell_if_dry()
        return self._rest()

    def _send(self) -> Flight | None:
        """Send what there is to tell and to ask; None: nothing."""
        if self._given_up:
            return None
        endings = self._take_endings()
        cycle = self._plan(endings)
        if not cycle.operations:
            return None
        try:
            return Flight(cycle, endings, begin(self._store, cycle.operations, now=self._now()))
        except Exception:
            self._unsettled = endings
            raise

    def _land(self, flight: Flight) -> None:
        """Wait for an answer, send what comes next, and do what follows from the answer."""
        try:
            results = flight.answer.wait()
        except Exception:
            self._unsettled = flight.endings  # unanswered; the store can tell if it gets them twice
            raise
        try:
            flight.cycle.heed(results)
            self._mended()
            if self._rest() == 0.0:  # else there is nothing to send before these jobs have run
                self._flight = self._send()
        finally:
            self._inbox.open()
            if not self._claiming:  # told to stop while it was under way: nothing of it is begun
                self._crew.close_line()

    def _take_endings(self) -> list[Ending]:
        done = self._crew.done
        endings, self._unsettled = self._unsettled, []
        while done:
            endings.append(done.popleft())
        return endings

    def _give_rest_back(self) -> None:
        """Give back what runs yet: a claim under way when all else was given back brought it."""
        for work in list(self._crew.held.values()):
            if not work.ended:
                work.cancelled.set("shutdown")
                self._crew.give_back(work)

    # What is sent.

    def _plan(self, endings: list[Ending]) -> Cycle:
        cycle = Cycle()
        for queue in dict.fromkeys(work.queue for work, _ in endings):
            of_queue = [ending for ending in endings if ending[0].queue == queue]
            for at in range(0, len(of_queue), SETTLED_AT_ONCE):
                self._plan_settle(cycle, queue, of_queue[at : at + SETTLED_AT_ONCE])
            self.lines.ask(queue)  # it costs no further round trip
        if endings and (self._dry_wanted or self._settings.strict):
            self.lines.ask_everywhere()  # what ended may have enqueued in other queues
        self.succession.plan(cycle, self.lines.names)
        if self._claiming:
            self._plan_claims(cycle)
        return cycle

    def _plan_settle(self, cycle: Cycle, queue: str, endings: list[Ending]) -> None:
        if self._crew.checks_in:  # a handler's last word, before its lease is gone
            for work, _ in endings:
                if new := work.check_in(self._worker):
                    cycle.add(new[1])
        settle = Settle(
            queue=queue,
            worker=self._worker,
            version=self._engine.version,
            settlements=tuple(settlement for _, settlement in endings),
            bounds=self._engine.bounds(queue),
        )
        cycle.add(
            settle,
            partial(self._inbox.settled, endings),
            refused=lambda _: self._unsettled.extend(endings),
        )

    def _plan_claims(self, cycle: Cycle) -> None:
        now = self._clock.monotonic()
        if self._hinted or now >= self._next_poll:
            self._hinted = False
            self._next_poll = now + self._poll()
            self.lines.ask_everywhere()
        if self._has_lost_all_slots():
            self.is_exhausted = True
            return
        self.lines.look_out(now)
        slots, ahead = self._room()
        suspects = 0 if self._inbox.has_suspect or self._crew.runs_suspect() else 1
        asked = self.lines.ask_for(slots=slots, prefetch=ahead, suspects=suspects)
        for ask in asked:
            if ask.spread is not None:
                cycle.add(ask.spread, partial(self.lines.told, ask.line))
            if ask.beat is not None:
                cycle.add(ask.beat, partial(self.lines.announced, ask.line))
            claimed = partial(self._claimed, ask.line, self._clock.monotonic())
            cycle.add(ask.claim, claimed, refused=partial(self._unclaimed, ask.line))
        if names := self.lines.to_enter():
            cycle.add(Announce(queues=names), partial(self.lines.entered, names))
            for queue, order in self._engine.orders.items():
                use = UseOrder(queue=queue, order=order)
                cycle.add(use, partial(tell_of_order, use))

    def _room(self) -> tuple[int, int]:
        """Return for how many jobs there are slots, and how many may be claimed ahead."""
        free = self._crew.slots.free - self._crew.slots.waiting - self._inbox.jobs
        slots = max(0, free)
        ahead = self._settings.prefetch + min(0, free)
        return slots, max(0, min(ahead, self._batch - slots))

    def _has_lost_all_slots(self) -> bool:
        return len(self._crew.abandoned) >= self._settings.concurrency

    def _poll(self) -> float:
        self._turn += 1
        spread = 0.75 + jitter(self._worker, self._turn) / 2
        return self._settings.poll.total_seconds() * spread

    # What comes back.

    def _unclaimed(self, line: QueueLine, _: BackendUnavailable) -> None:
        line.is_away = True

    def _claimed(self, line: QueueLine, sent: float, claimed: Claimed) -> None:
        asked, line.pending = line.pending, None
        line.is_away = False
        if claimed.lanes_unknown:
            line.announced = None
            line.entered = False  # whoever forgot us may have forgotten what is paused
            line.worth_asking = True
            return
        line.worth_asking = line.has_more = claimed.more
        if self.on_tick is not None:
            self.on_tick(line.name, claimed.next_tick, claimed.now)
        line.next_due = None
        if claimed.next_due is not None:
            line.next_due = self._clock.monotonic() + (claimed.next_due - claimed.now) / 1000
        lease = self._lease if asked is None else asked.lease
        self._inbox.claimed(line.name, claimed, sent + lease / 1000)

    # Rest and trouble.

    def _rest(self) -> float:
        if self._flight is not None or self._crew.done or self.succession.is_pending:
            return 0.0
        if self._hinted and self._claiming:
            return 0.0
        now = self._clock.monotonic()
        rest = self._next_poll - now
        if self._crew.held:
            rest = min(rest, LATE_END)
        if self._claiming and self._is_worth_claiming():
            rest = min(rest, self.lines.next_look(now))
        return max(rest, 0.0) if self._claiming else LATE_END

    def _is_worth_claiming(self) -> bool:
        slots, ahead = self._room()
        return slots > 0 or ahead >= self._batch

    def _outage(self, error: BackendUnavailable) -> float:
        self.last_error = error
        if self._failures == 0:
            _LOGGER.warning("%s; the worker pauses and tries again", error)
        self._failures += 1
        return rests.rest_after(self._failures, self._worker)

    def _mended(self) -> None:
        self.reached_store.set()
        self.last_error = None
        if self._failures:
            _LOGGER.warning("the store is back after %d tries", self._failures)
            self._failures = 0
            self.lines.ask_everywhere()

    def _tell_if_dry(self) -> None:
        if not self._dry_wanted or self._crew.held or self._crew.done or self._hinted:
            return
        if self._flight is not None:
            return
        if self.succession.is_pending:
            return
        if self._claiming and self.lines.is_worth_asking and not self._has_lost_all_slots():
            return
        if self._claiming and self.has_ticks_due():
            return
        self._dry_wanted = False
        self.went_dry.set()

    def counts(self) -> Counter[str]:
        """Return what was done so far."""
        return Counter(self.tally.counts)
