"""Several simulated workers, interleaved by a seed, and what goes wrong meanwhile.

There are no threads: each worker is somewhere between two of its steps (free, a job claimed, a
handler under way, its end to be settled), and one of them at a time goes on by one step. An async
handler goes on from await to await. A sync one runs as a whole; where it enqueues, others go on.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jobkit.attempt import Ended, run_sync
from jobkit.clock import MILLISECOND, from_milliseconds
from jobkit.engine.running import Run
from jobkit.errors import BackendUnavailable
from jobkit.store import MAX_LOSSES, LaneSet, StoredJob
from jobkit_testing.chance import Chance
from jobkit_testing.dying import Died
from jobkit_testing.enqueues import FailingEnqueue
from jobkit_testing.mishaps import lose_lease_of
from jobkit_testing.no_loop import loop_is_running
from jobkit_testing.running import Attempts, Ending, InlineWorker, Ran
from jobkit_testing.standing import running_at, waiting_at
from jobkit_testing.stepping import StepLoop

if TYPE_CHECKING:
    import asyncio

    from jobkit_testing.workshop import Workshop

BEFORE_RUN = "crashed before the run"
IN_HANDLER = "crashed in the handler"
BEFORE_ACK = "crashed before the settlement"
AFTER_ACK = "crashed after the settlement"
LOST = "lost its lease"
TOLD = "lost its lease, and told the handler so"
NOT_STORED = "its enqueue fails, and nothing is stored"
STORED = "its enqueue fails, and is stored all the same"
BEFORE_ENQUEUE = "crashed in the handler, before an enqueue"
BEHIND_ENQUEUE = "crashed in the handler, behind an enqueue"
TIMES = {f"the clock goes on by {ms / 1000:g} s": ms for ms in (1, 1_000, 10_000)}
LOSSES = frozenset({BEFORE_RUN, IN_HANDLER, BEFORE_ACK, LOST, TOLD, BEFORE_ENQUEUE, BEHIND_ENQUEUE})
TURNS_AT_ENQUEUE = (0, 0, 1, 2, 4)  # of others, while a sync handler is at an enqueue


@dataclass(eq=False, slots=True)
class Slot:
    """A worker, and how far it is with its job; all None: it is free."""

    worker: InlineWorker
    stored: StoredJob | None = None
    claimed_at: int = 0
    attempt: Attempts[Ending] | None = None
    run: Run | None = None
    task: asyncio.Task[Ended] | None = None
    ending: Ending | None = None
    is_moving: bool = False
    is_spoilt: bool = False  # a fault befell it: what its handler raises is no surprise

    def free(self) -> None:
        """Be done with the job."""
        self.stored = self.attempt = self.run = self.task = self.ending = None
        self.is_spoilt = False


class Explorer:
    """Lets workers go on by turns, as chance decides."""

    def __init__(self, shop: Workshop, chance: Chance, *, workers: int) -> None:
        self._shop = shop
        self._chance = chance
        self._slots = [Slot(shop.hire()) for _ in range(workers)]
        self._dry: set[Slot] = set()  # those that have found nothing to claim
        self._done: deque[Ran] = deque()
        self._losses: Counter[str] = Counter()
        self._left_standing: list[Attempts[Ending]] = []
        self._loop: StepLoop | None = None
        self._current: Slot | None = None
        self._beaten_at = shop.now()
        self._queues: Callable[[], Iterable[str]] = tuple
        self._lanes = shop.lanes()
        self.timeline = shop.timeline
        self.has_run = False  # a job, in steps that others come between

    @property
    def is_inside(self) -> bool:
        """Whether a handler is running: it may run jobs itself."""
        return self._current is not None

    def next_of(
        self, queues: Callable[[], Iterable[str]], lanes: LaneSet, *, patient: bool
    ) -> Ran | None:
        """Go on until an attempt is over; None if nothing is due and nothing is under way.

        `patient`: wait for the leases of dead workers.
        """
        self._queues, self._lanes = queues, lanes
        self._dry.clear()
        while not self._done:
            if self._go_on() or self._wait_for_handlers():
                continue
            if not (patient and self._wait_for_leases()):
                return None
        return self._done.popleft()

    def close(self) -> None:
        """Let go of all that has not ended."""
        if self._loop is not None:
            self._loop.finish()
        standing = [slot.attempt for slot in self._slots if slot.attempt is not None]
        for attempt in [*self._left_standing, *standing]:
            attempt.close()

    # Whose turn it is.

    def _go_on(self) -> bool:
        """Let one worker go on; False if none can."""
        able = [slot for slot in self._slots if self._is_able(slot)]
        if not able:
            return False
        slot = self._chance.turn(able)
        slot.is_moving, before, self._current = True, self._current, None
        try:
            self._move(slot)
        finally:
            slot.is_moving, self._current = False, before
        return True

    def _is_able(self, slot: Slot) -> bool:
        if slot.is_moving:
            return False
        if slot.stored is None:
            return slot not in self._dry
        if slot.task is None or slot.ending is not None:
            return True
        assert self._loop is not None  # it has made the task
        assert slot.run is not None
        return self._loop.is_ready(slot.run.ctx)

    def _move(self, slot: Slot) -> None:
        if slot.stored is None:
            self._claim(slot)
            return
        self._dry.clear()
        if slot.ending is not None:
            self._settle(slot, slot.stored, slot.ending)
        elif slot.run is None:
            self._begin(slot, slot.stored)
        else:
            self._step(slot, slot.run)

    # The steps of a worker.

    def _claim(self, slot: Slot) -> None:
        if self._shop.now() - self._beaten_at >= self._shop.lease // 3:
            self._beaten_at = self._shop.now()
            self._shop.keep_leases()  # before anybody takes them for lost
        for queue in self._queues():
            while True:
                claimed = slot.worker.claim(queue, self._lanes)
                if claimed.jobs:
                    slot.stored, slot.claimed_at = claimed.jobs[0], claimed.now
                    return
                if not self._shop.agenda.is_due(queue):
                    break
        self._dry.add(slot)

    def _begin(self, slot: Slot, stored: StoredJob) -> None:
        self.has_run = True
        planned = self._shop.faults.take(stored) if self._shop.faults.armed else None
        if planned is not None:
            self._carry_out(slot, planned(slot.worker, stored, slot.claimed_at))
            return
        fault = self._fault(slot, stored, BEFORE_RUN, LOST)
        if fault == BEFORE_RUN:
            self._die(slot, stored, fault)
            return
        slot.attempt = slot.worker.attempt(stored, slot.claimed_at)
        try:
            slot.run = next(slot.attempt)
        except StopIteration as end:
            slot.ending = end.value
            return
        if slot.run.call.is_async:
            self._loop = self._loop or StepLoop(self._shop.clock)
            slot.task = self._loop.begin(slot.run)
            return
        self._current = slot
        self._end(slot, run_sync(slot.run.call, slot.run.job, slot.run.ctx))

    def _carry_out(self, slot: Slot, planned: Attempts[Ran]) -> None:
        """Let happen what the scenario has asked for, in one step."""
        try:
            run = next(planned)
            while True:
                run = planned.send(self._execute(run))
        except StopIteration as end:
            self._over(slot, end.value)
        if slot.worker.is_dead:
            slot.worker = self._shop.hire()

    def _execute(self, run: Run) -> Ended:
        if not run.call.is_async:
            return run_sync(run.call, run.job, run.ctx)
        self._loop = self._loop or StepLoop(self._shop.clock)
        return self._loop.attempt(run)

    def _step(self, slot: Slot, run: Run) -> None:
        assert self._loop is not None
        assert slot.task is not None
        assert slot.attempt is not None
        stored = run.stored
        if self._fault(slot, stored, IN_HANDLER, LOST, TOLD) == IN_HANDLER:
            at = waiting_at(run.call.registration.function, slot.task)
            self._loop.abandon(run.ctx)
            self._left_standing.append(slot.attempt)
            self._die(slot, stored, IN_HANDLER + at)
            return
        self._current = slot
        self._loop.step(run.ctx)
        if slot.task.done():
            self._loop.end(run.ctx)
            self._end(slot, slot.task.result())

    def _end(self, slot: Slot, ended: Ended) -> None:
        assert slot.attempt is not None
        try:
            slot.attempt.send(ended)
        except StopIteration as end:
            slot.ending = end.value
        if slot.worker.is_dead and slot.stored is not None and slot.ending is not None:
            self._over(slot, slot.worker.left(slot.stored, slot.ending))
            slot.worker = self._shop.hire()

    def _settle(self, slot: Slot, stored: StoredJob, ending: Ending) -> None:
        fault = self._fault(slot, stored, BEFORE_ACK, AFTER_ACK, LOST)
        worker = slot.worker
        if fault == BEFORE_ACK:
            self._die(slot, stored, fault, ending)
        elif fault == AFTER_ACK:
            ran = worker.take_note(ending, worker.send(ending))
            worker.die(stored, fault)
            self._over(slot, ran)
            slot.worker = self._shop.hire()
        else:
            self._over(slot, worker.settle(ending))

    def _over(self, slot: Slot, ran: Ran) -> None:
        error = None if slot.is_spoilt and not ran.always else ran.error
        if slot.run is not None and self._loop is not None:
            self._loop.end(slot.run.ctx)
        self._done.append(Ran(ran.job, ran.kind, error, ran.always))
        slot.free()

    def _die(self, slot: Slot, stored: StoredJob, words: str, ending: Ending | None = None) -> None:
        slot.worker.die(stored, words)
        ran = slot.worker.left(stored, ending)
        slot.worker = self._shop.hire()
        self._done.append(ran)
        slot.free()

    # What goes wrong.

    def _fault(self, slot: Slot, stored: StoredJob, *possible: str) -> str | None:
        """Let chance choose a fault, and bring it about if it is not the worker's own death."""
        may_lose = self._losses[stored.id] < MAX_LOSSES - 1  # the next would make it dead
        names = [name for name in possible if may_lose or name not in LOSSES]
        name = self._chance.fault([*names, *TIMES])
        if name is None:
            return None
        if name in TIMES:
            self._chance.note(name, name)
            self._shop.timeline.fault(name, self._shop.now())
            self._shop.clock.advance(TIMES[name] * MILLISECOND)
            for other in self._slots:
                other.is_spoilt = other.stored is not None  # it may be late by that
            self._dry.clear()
            return None
        run = slot.run
        at = "" if run is None else waiting_at(run.call.registration.function, slot.task)
        self._note(slot, stored, name, at)
        if name in (LOST, TOLD):
            slot.is_spoilt = True
            lose_lease_of(slot.worker, stored, name + at, tell=name == TOLD)
        return name

    def _note(self, slot: Slot, stored: StoredJob, name: str, at: str) -> None:
        job = self._shop.timeline.name(stored)
        self._chance.note(name, f"{slot.worker.name} {name}{at}: {job}")
        self._losses[stored.id] += name in LOSSES

    def at_enqueue(self, is_held: bool) -> FailingEnqueue | None:
        """Let others go on, and choose what becomes of an enqueue; `is_held`: on a context."""
        slot = self._current
        if slot is None or slot.run is None or slot.worker.is_dead:
            return None
        stored = slot.run.stored
        if not loop_is_running():
            for _ in range(self._chance.turn(TURNS_AT_ENQUEUE)):
                if not self._go_on():
                    break
        may_lose = self._losses[stored.id] < MAX_LOSSES - 1
        crashes = [BEFORE_ENQUEUE, BEHIND_ENQUEUE] if may_lose else []
        name = self._chance.fault(crashes if is_held else [*crashes, NOT_STORED, STORED])
        if name is None:
            return None
        at = running_at(slot.run.call.registration.function)
        self._note(slot, stored, name, at)
        slot.is_spoilt = True
        if name in LOSSES:
            slot.worker.die(stored, name + at)
            return FailingEnqueue(name, Died(name), stored=name == BEHIND_ENQUEUE)
        is_stored = name == STORED
        said: Literal["no", "unknown"] = "unknown" if is_stored else "no"
        error = BackendUnavailable("the store is out of reach", stored=said, passing=False)
        return FailingEnqueue(name, error, is_stored)

    # Time.

    def _wait_for_handlers(self) -> bool:
        """Let time pass until a handler goes on, or something gets due; False if none waits."""
        if self._loop is None or loop_is_running():
            return False
        if not any(slot.task is not None and slot.ending is None for slot in self._slots):
            return False
        events = [at for at in map(self._shop.next_event, self._queues()) if at is not None]
        longest = None
        if events and any(slot.stored is None for slot in self._slots):
            longest = max(1, min(events) - self._shop.now()) * MILLISECOND
        self._loop.wait(longest)
        self._dry.clear()
        return True

    def _wait_for_leases(self) -> bool:
        """Let time pass until the next lease of a dead worker ends; False if there is none."""
        ends = [self._shop.orphans.next_end(queue) for queue in self._queues()]
        end = min((at for at in ends if at is not None), default=None)
        if end is None:
            return False
        self._shop.clock.travel_to(from_milliseconds(end))
        self._dry.clear()
        return True
