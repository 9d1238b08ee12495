"""The pump: settles what has ended and claims what comes next, in one round trip.

It reads the crew's `done`, writes settlements and claims to the store, and hands what it got to
the crew; as often as there is something to do, else every `poll` seconds. While it rests, what a
claim that stood by has brought is handed out by the thread that heard of it.

One request is under way at a time, and what comes next is sent as soon as its answer has been read,
before that is looked after. Where nothing can be claimed because of settlements, they go behind the
claims, on their own. So the store works while the worker does. If the store is away, the pump keeps
what it could not settle and tries again, ever less often. If it dies, leases run out, and other
workers take over.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from jobkit.clock import Clock
from jobkit.engine import Engine
from jobkit.errors import BackendUnavailable
from jobkit.store import Store
from jobkit.worker import rests
from jobkit.worker.claiming import Claiming
from jobkit.worker.crew import Crew
from jobkit.worker.cycle import Cycle
from jobkit.worker.exchange import Exchange
from jobkit.worker.helm import Helm
from jobkit.worker.inbox import Inbox, Start
from jobkit.worker.settling import Endings, Settling, by_queue, let_nothing_in
from jobkit.worker.succession import Succession

JOBS_FIRST = 0.001  # seconds that jobs have the interpreter before what is not urgent
LATE_END = 0.05  # seconds that an end may wait for its batch
_LOGGER = logging.getLogger("jobkit.worker")


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
        self._worker = worker
        self._clock = clock
        self._failures = 0
        self._claiming = True
        self._dry_wanted = False
        self._inbox = Inbox(crew, engine, store, now=now)
        self._settling = Settling(crew, engine, self._inbox, worker=worker)
        self._exchange = Exchange(store, self._settling, now=now)
        self.claiming = Claiming(crew, engine, self._inbox, worker=worker, clock=clock, now=now)
        self.lines = self.claiming.lines
        self.tally = self._inbox.tally
        self.succession = Succession(engine, self._inbox.announce_as_stored)
        self.went_dry = threading.Event()
        self.reached_store = threading.Event()
        self.last_error: BackendUnavailable | None = None
        self.has_ticks_due: Callable[[], bool] = lambda: False
        self._is_alone = False  # what ended last ran in this thread, and nothing runs elsewhere
        self._turn = threading.Lock()  # one thread at a time has the cycle, and what it knows
        self._has_brought = False
        self._stopping = False
        self._given_up = False
        self._rest_ahead = 0.0
        self._helm = Helm(self._pump, name="jobkit-pump")

    # What other threads ask for.

    def start(self) -> None:
        """Start its two threads."""
        self._helm.start()

    def hint(self) -> None:
        """Look at the store at once."""
        self.claiming.hinted = True
        self._crew.progress.set()

    def ticked(self, fired: bool) -> None:
        """Take note that due ticks have been looked at, and perhaps fired."""
        if fired:
            self.claiming.hinted = True
        if fired or self._dry_wanted:
            self._crew.progress.set()

    def want_dry(self) -> None:
        """Look everywhere, and set `went_dry` once nothing is left that could run here."""
        self.went_dry.clear()
        # First: a cycle under way must not answer from what it knew before.
        self.claiming.hinted = True
        self._dry_wanted = True
        self.hint()

    def stop_claiming(self) -> None:
        """Claim no more; what was claimed ahead goes back."""
        self._claiming = False
        self._crew.close_line()
        self._crew.progress.set()

    def stop(self, timeout: float) -> bool:
        """End once everything that ended is settled; False if time runs out."""
        self._stopping = True
        self._crew.progress.set()
        is_done = self._helm.wait_until_ended(timeout)
        self.went_dry.set()  # nobody must wait for a pump that has stopped
        self._given_up = True  # what could not be settled by now comes back with its lease
        return is_done

    def answered(self, cycle: Cycle, results: list[Any]) -> None:
        """Take an answer to what stood by; called in a thread of the pool.

        While the pump rests, that thread hands out the jobs, and goes on with the first of them.
        """
        self.claiming.standby.bring(cycle, results)
        if self._turn.acquire(blocking=False):
            try:
                self._guarded(self._hand_out_here)
            finally:
                self._turn.release()
        self._crew.progress.set()

    def _hand_out_here(self) -> float:
        if self._claiming:
            self._has_brought = self._take_brought(self._crew.start_here)
        return 0.0

    # The thread that has the helm.

    def _pump(self) -> bool:
        """Go round until the end (True), or until the mate has taken the helm (False)."""
        while self._let_jobs_run():
            if self._rest_ahead > 0:
                self._crew.progress.wait(self._rest_ahead)
            self._crew.progress.clear()
            with self._turn:
                self._rest_ahead = self._guarded(self._cycle)
                if self._is_over():
                    return True
        return False

    def _let_jobs_run(self) -> bool:
        """See that jobs which wait for a thread have one; False: the helm is gone meanwhile.

        This thread runs them itself where it can: nobody has to be woken for quick ones, and they
        are settled together. Its mate wakes up beside that, and goes on here if one of them takes
        long.
        """
        threads = self._crew.threads
        self._is_alone = False
        if not threads.has_waiting:
            return True
        if self._may_run_jobs() and self._helm.may_be_left():
            has_helm = self._helm.leave_for(threads.take_part)
            self._is_alone = has_helm and not self._crew.slots.are_used
            return has_helm
        try:
            threads.wake()
        except Exception:  # it is tried again in the next round
            _LOGGER.exception("no thread can be had for the jobs that wait for one")
        return True

    def _may_run_jobs(self) -> bool:
        """Tell whether this thread may run jobs now.

        Not while an answer is awaited that brings more of the same batch: with no places in line,
        those would run and be settled by halves, and half a batch costs the store almost as much.
        """
        return self._crew.settings.prefetch > 0 or not self._exchange.is_under_way

    def _guarded(self, step: Callable[[], float]) -> float:
        """Do a step, whatever comes of it, and return for how long to rest."""
        try:
            return step()
        except BackendUnavailable as error:
            return self._outage(error)
        except Exception:
            _LOGGER.exception("the pump failed; it goes on")
            return rests.FIRST

    def _is_over(self) -> bool:
        """Tell whether there is nothing more to do; give back what runs yet after a stop."""
        if self._stopping:
            self._give_rest_back()
            if not self._has_open_ends():
                return True
        return self._given_up and self._exchange.is_over

    def _cycle(self) -> float:
        """Do one round trip, or none, and return for how long to rest."""
        self.lines.look_at_handlers()
        has_brought = self._take_brought(self._crew.start) or self._has_brought
        self._has_brought = False
        try:
            self._communicate()
        finally:
            self._open_inbox(self._crew.start)
        self._tell_if_dry()
        if has_brought and self._crew.held:
            return min(self._rest(), JOBS_FIRST)
        rest = self._rest()
        if self._claiming and rest > 0 and not self._exchange.has_trail:
            if self._dry_wanted:  # what comes while a drain waits for what runs
                self.claiming.listen(self.claiming.rest())
            else:
                self.claiming.stand_by()
                rest = self._rest()
        return rest

    def _communicate(self) -> None:
        """Send what there is to send, and wait for an answer, if one is under way."""
        if not self._exchange.is_under_way:
            self._send()
        if not self._exchange.is_under_way:
            self._exchange.land_trail(awake=self._is_alone)
            return
        self._open_inbox(self._crew.start)  # of settlements that trailed, while the store works
        self._exchange.land(awake=self._is_alone)
        self._mended()
        if self._has_to_send():  # else there is nothing to send before these jobs have run
            self._send()

    def _send(self) -> None:
        """Send what there is to tell and to ask, if there is something."""
        if self._given_up:
            return
        endings = self._settling.collect()
        settles, claims = self._plan(endings)
        is_ahead = bool(claims.operations) and self._may_go_ahead(endings)
        first = claims if is_ahead else settles.then(claims)
        if not first.operations:
            return
        self._exchange.send(first, [] if is_ahead else endings)
        self._exchange.land_trail(awake=self._is_alone)  # sent before, so its answer comes first
        if is_ahead:
            self._exchange.send_behind(settles, endings)

    def _may_go_ahead(self, endings: Endings) -> bool:
        """Tell whether claims may be carried out before these are settled, and that is worth it.

        Their slots are free: their handlers have ended. With jobs in other threads there is always
        one that works while the store does, and a second request would only cost more.
        """
        if not endings or not self._is_alone or not self._claiming or self._failures:
            return False
        if self._crew.settings.concurrency == 1:  # there a job finds the one before it settled
            return False
        return self._let_nothing_in(endings) and self._exchange.may_trail()

    def _let_nothing_in(self, endings: Endings) -> bool:
        return not self.lines.has_limits and let_nothing_in(endings, self._clock.monotonic())

    def _open_inbox(self, start: Start) -> None:
        self._inbox.open(start)
        if not self._claiming:  # told to stop while it was under way: nothing of it is begun
            self._crew.close_line()

    def _take_brought(self, start: Start) -> bool:
        """Take what claims that stood by have brought; False: nothing."""
        brought = self.claiming.take_brought()
        for cycle, results in brought:
            try:
                cycle.heed(results)
                if results:  # a hint alone tells of no operation that can be carried out again
                    self._mended()
            finally:
                self._open_inbox(start)
        return bool(brought)

    def _give_rest_back(self) -> None:
        """Give back what runs yet: a claim under way when all else was given back brought it."""
        for work in list(self._crew.held.values()):
            if not work.ended:
                work.cancelled.set("shutdown")
                self._crew.give_back(work)

    def _has_open_ends(self) -> bool:
        """Whether something is to be told, or is to be learned that the store can tell now."""
        if self._crew.done or self._settling.waiting or not self._exchange.is_over:
            return True
        return self.lines.has_pending and not self._failures

    # What is sent.

    def _plan(self, endings: Endings) -> tuple[Cycle, Cycle]:
        """Return what there is to tell, and what to ask."""
        settles, claims = Cycle(), Cycle()
        for queue, of_queue in by_queue(endings).items():
            self._settling.plan(settles, queue, of_queue)
            if not (self.lines.hears_of(queue) and self._let_nothing_in(of_queue)):
                self.lines.ask(queue)  # it costs no further round trip
        if endings and (self._dry_wanted or self._crew.settings.strict):
            self.lines.ask_everywhere()  # what ended may have enqueued in other queues
        self.succession.plan(claims, self.lines.names)
        if self._claiming:
            self.claiming.plan(claims)
        else:
            self.claiming.plan_voids(claims)
        return settles, claims

    # Rest and trouble.

    def _has_to_send(self) -> bool:
        if self._crew.done or self.succession.is_pending:
            return True
        return self._claiming and self.claiming.rest() == 0.0

    def _rest(self) -> float:
        if self._exchange.is_under_way or self._has_to_send():
            return 0.0
        if self._exchange.has_trail:
            return JOBS_FIRST if self._crew.slots.are_used else 0.0
        rest = self.claiming.rest() if self._claiming else LATE_END
        return min(rest, LATE_END) if self._crew.held else rest

    def _outage(self, error: BackendUnavailable) -> float:
        self.last_error = error
        if self._failures == 0:
            _LOGGER.warning("%s; the worker pauses and tries again", error)
        self._failures += 1
        rest = rests.rest_after(self._failures, self._worker)
        if self._claiming:  # else whoever stops would wait for the listener, who connects anew
            self.claiming.listen(rest)  # it may be one queue alone that is refused
        return rest

    def _mended(self) -> None:
        if not self.reached_store.is_set():
            self.reached_store.set()
        self.last_error = None
        if self._failures:
            _LOGGER.warning("the store is back after %d tries", self._failures)
            self._failures = 0
            self.lines.ask_everywhere()

    def _tell_if_dry(self) -> None:
        if not self._dry_wanted or self._crew.held or self._crew.done or self.claiming.hinted:
            return
        if not self._exchange.is_over or self.succession.is_pending:
            return
        if self._claiming and self.lines.is_worth_asking and not self.claiming.has_lost_all_slots():
            return
        if self._claiming and self.has_ticks_due():
            return
        self._dry_wanted = False
        self.went_dry.set()

    def counts(self) -> Counter[str]:
        """Return what was done so far."""
        return Counter(self.tally.counts)
