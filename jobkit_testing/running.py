"""A worker of the double: it claims, runs and settles one job at a time, where it is called.

What a production worker does in threads is here a generator: it yields each attempt to be run,
and is sent how that ended. So sync and async callers share all but the running itself. Claiming,
the attempt and its settlement are steps of their own, so that others can put them together in
another way: a fault may befall a worker between any two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from msgspec.structs import replace

from jobkit.attempt import Ended
from jobkit.clock import to_milliseconds
from jobkit.context import JobContext
from jobkit.engine.running import Run, milliseconds
from jobkit.errors import BackendUnavailable
from jobkit.errortext import error_of
from jobkit.hooks import Event
from jobkit.outcome import Failed
from jobkit.progress import CheckedIn, encode_progress
from jobkit.record import JobState
from jobkit.store import (
    CheckIn,
    Claimed,
    Get,
    LaneSet,
    MarkTimedOut,
    Release,
    Settle,
    Settled,
    Settlement,
    StoredJob,
    Succeed,
    TakenOver,
    TakeOver,
)
from jobkit.worker.aftermath import after_settling, announce, announce_start, event_of
from jobkit_testing.clock import NOTHING
from jobkit_testing.judging import judged, to_escape
from jobkit_testing.presence import Presence
from jobkit_testing.timeline import Kind

if TYPE_CHECKING:
    from jobkit_testing.workshop import Workshop

T = TypeVar("T")
Attempts: TypeAlias = Generator[Run, Ended, T]

_KINDS: Mapping[Event | None, Kind] = {
    "on_success": "succeeded",
    "on_retry": "retried",
    "on_dead": "dead",
    "on_cancel": "cancelled",
    None: "snoozed",
}


class Ending(NamedTuple):
    """How an attempt has ended, and what is to be told to the store.

    `error`: what the handler raised, if it failed. `always`: it escapes whatever the caller says.
    """

    stored: StoredJob
    settlement: Settlement
    error: BaseException | None = None
    always: bool = False


class Ran(NamedTuple):
    """One attempt that is over: the job after it, and what is to escape as of its ending.

    `kind`: "crashed" if its worker has died before it was settled.
    """

    job: StoredJob
    kind: Kind
    error: BaseException | None = None
    always: bool = False


class InlineWorker(Presence):
    """Serves queues with the handlers of its workshop, until it dies."""

    def __init__(self, name: str, shop: Workshop) -> None:
        super().__init__(name, shop)
        self.is_dead = False
        self._faults = shop.faults
        self._agenda = shop.agenda
        self._clock = shop.clock
        self.timeline = shop.timeline

    def __repr__(self) -> str:
        return f"<InlineWorker {self.name!r}{', dead' if self.is_dead else ''}>"

    def next_job(
        self, queue: str, lanes: LaneSet, *, only: str | None = None
    ) -> Attempts[Ran | None]:
        """Run the best job of a queue that is due, or this one; None if there is none."""
        claimed = self.claim(queue, lanes, only=only)
        if not claimed.jobs:
            return None
        return (yield from self.work(claimed.jobs[0], claimed.now))

    def work(self, stored: StoredJob, now: int) -> Attempts[Ran]:
        """Run a job that this worker has claimed, and settle it, or whatever befalls it."""
        if self._faults.armed:
            mishap = self._faults.take(stored)
            if mishap is not None:
                return (yield from mishap(self, stored, now))
        return self.settle((yield from self.attempt(stored, now)))

    # The steps.

    def claim(self, queue: str, lanes: LaneSet, *, only: str | None = None) -> Claimed:
        """Claim the best job of a queue that is due, or this one; fire the ticks that are due."""
        if only is None and self._agenda.is_tick_due(queue):
            self._agenda.fire_due(queue)
        claimed = self._claim(queue, lanes, only)
        if only is None and self._agenda.hear_of_tick(queue, claimed):
            self._agenda.fire_due(queue)
            if not claimed.jobs:
                claimed = self._claim(queue, lanes, only)
        self._agenda.note(queue, claimed)
        for job_id in claimed.ended:
            self._tell_of_lost(queue, job_id)
        return claimed

    def look(self, queue: str, lanes: LaneSet) -> None:
        """Claim nothing: show that somebody is alive, and take back what others have lost."""
        claimed = self._claim(queue, lanes, None, slots=0)
        for job_id in claimed.ended:
            self._tell_of_lost(queue, job_id)

    def attempt(
        self, stored: StoredJob, now: int, *, meanwhile: Callable[[Run], object] | None = None
    ) -> Attempts[Ending]:
        """Run a job that was claimed at `now`; `meanwhile` happens while the handler runs."""
        begun = self.shop.runner.begin(
            stored, now=lambda: to_milliseconds(self._clock.now()), on_checkin=self._check_in
        )
        if not isinstance(begun, Run):
            return Ending(stored, begun)
        return (yield from self._attempt(begun, now, meanwhile))

    def settle(self, ending: Ending) -> Ran:
        """Tell the store how an attempt has ended, and the hooks what came of it."""
        if self.is_dead:  # it died while this handler ran jobs itself
            return self.left(ending.stored, ending)
        settled = self.send(ending)
        ran = self.take_note(ending, settled)
        if settled.verdict == "ok":
            self._call_hooks(ran.job, ending.settlement, settled)
        return ran

    def send(self, ending: Ending) -> Settled:
        """Tell the store how an attempt has ended."""
        settle = Settle(
            queue=ending.stored.queue,
            worker=self.name,
            version=self._engine.version,
            settlements=(ending.settlement,),
            bounds=self._engine.bounds(ending.stored.queue),
        )
        settled: Settled = self._run(settle)[0]
        return settled

    def take_note(self, ending: Ending, settled: Settled) -> Ran:
        """Note what a settlement has brought about."""
        stored, settlement = ending.stored, ending.settlement
        now = self._read(stored)
        if settled.verdict != "ok":
            self.timeline.note("lost", stored, settled.at)
            return Ran(now or stored, "lost", ending.error, ending.always)
        after = now or after_settling(stored, settlement, settled)  # the latter if not kept
        event = event_of(settlement, settled)
        if event is None and isinstance(settlement, Release):
            kind: Kind = "handed back"
            self.timeline.note(kind, after, settled.at)
        else:
            kind = _KINDS[event]
            self.timeline.note_end(kind, after, settled.at)
        if isinstance(settlement, Succeed) and settled.state is JobState.SUCCEEDED:
            self.shop.publish(settlement.children)
        return Ran(after, kind, ending.error, ending.always)

    # Trouble.

    def die(self, stored: StoredJob, words: str) -> None:
        """Do nothing any more: the leases of this job, and of all that runs here, go their way."""
        if self.is_dead:
            return
        self.is_dead = True
        self.timeline.fault(words, self.shop.now(), stored)
        self.shop.bury(self, [stored, *(run.stored for run in self.held.values())])

    def left(self, stored: StoredJob, ending: Ending | None = None) -> Ran:
        """Return what is left of an attempt whose worker died before it was settled."""
        now = self._read(stored) or stored
        if ending is None or not ending.always:
            return Ran(now, "crashed")
        return Ran(now, "crashed", ending.error, always=True)  # a failed assertion is the test's

    def lose_leases(self, queue: str) -> None:
        """Let others take the leases of this worker, as if it had been silent for too long."""
        bounds = self._engine.bounds(queue)
        taken: TakenOver = self._run(TakeOver(queue=queue, worker=self.name, bounds=bounds))
        self._is_forgotten_by(queue)
        for job_id in taken.ended:
            self._tell_of_lost(queue, job_id)

    # What the steps are made of.

    def _attempt(
        self, run: Run, now: int, meanwhile: Callable[[Run], object] | None
    ) -> Attempts[Ending]:
        stored = run.stored
        self.timeline.note("started", stored, now)
        if run.call.hooks:
            announce_start(self._engine, run.call, stored)
        self.held[stored.id] = run
        alarm = None
        if run.ctx.deadline is not None:
            left = max(run.ctx.deadline - self._clock.now(), NOTHING)
            alarm = self._clock.call_later(left, partial(self._time_out, run))
        started = self._clock.monotonic()
        from_outside = False
        try:
            if meanwhile is not None:
                meanwhile(run)
            ended = yield run
        except BaseException as trouble:  # none of the handler's doing: Ctrl-C, or it hangs
            ended, from_outside = Ended(Failed(error_of(trouble)), trouble), True
        finally:
            self._clock.advance(NOTHING)  # one that follows the system's may have moved unseen
            if alarm is not None:
                alarm.cancel()
            if self.held.get(stored.id) is run:
                del self.held[stored.id]
        ended = judged(run, ended)
        duration = milliseconds(self._clock.monotonic() - started)
        settlement = self.shop.runner.end(run, ended, duration=duration)
        error, always = to_escape(ended)
        return Ending(stored, settlement, error, always or from_outside)

    def _call_hooks(self, after: StoredJob, settlement: Settlement, settled: Settled) -> None:
        event = event_of(settlement, settled)
        call = self._engine.handlers.call(after.type)
        if event == "on_dead" or (event is not None and call is not None and call.hooks):
            announce(self._engine, call, event, after)

    def _time_out(self, run: Run) -> None:
        if not self.is_dead and run.ctx.cancelled.set("timeout"):
            mark = MarkTimedOut(queue=run.stored.queue, worker=self.name, lease=run.lease)
            self._run(mark)
            self.timeline.note("timed out", run.stored, to_milliseconds(self._clock.now()))

    def _check_in(self, ctx: JobContext, said: CheckedIn) -> None:
        """Write at once what a handler says: in a test, nobody comes by to do it later."""
        run = self.held.get(ctx.id)
        if run is None or run.lease.fence != ctx.fence or self.is_dead:
            return
        progress = encode_progress(said)
        with suppress(BackendUnavailable):  # a handler never hears of the store
            if self._run(
                CheckIn(queue=ctx.queue, worker=self.name, lease=run.lease, progress=progress)
            ):
                at = to_milliseconds(self._clock.now())
                noted = replace(run.stored, progress=progress, checked_in_at=at)
                self.timeline.note("checked in", noted, at)

    def _read(self, stored: StoredJob) -> StoredJob | None:
        now: StoredJob | None = self._run(Get(queue=stored.queue, id=stored.id))
        return now

    def _tell_of_lost(self, queue: str, job_id: str) -> None:
        """Tell of a job that a claim found lost, and ended."""
        stored: StoredJob | None = self._run(Get(queue=queue, id=job_id))
        if stored is None:
            return
        is_dead = stored.state is JobState.DEAD
        at = stored.finished_at or to_milliseconds(self._clock.now())
        self.timeline.note_end("dead" if is_dead else "cancelled", stored, at)
        event: Event = "on_dead" if is_dead else "on_cancel"
        announce(self._engine, self._engine.handlers.call(stored.type), event, stored)
