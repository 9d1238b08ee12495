"""The worker of the double: it claims, runs and settles one job at a time, where it is called.

What a production worker does in threads is here a generator: it yields each attempt to be run,
and is sent how that ended. So sync and async callers share all but the running itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeAlias, TypeVar

from msgspec.structs import replace

from jobkit.attempt import Ended
from jobkit.cancellation import Reason
from jobkit.clock import duration_milliseconds, to_milliseconds
from jobkit.context import JobContext
from jobkit.engine import Engine, drive
from jobkit.engine.crews import About, encode_about
from jobkit.engine.running import Run, Runner, milliseconds
from jobkit.errors import BackendUnavailable
from jobkit.errortext import error_of
from jobkit.hooks import Event
from jobkit.options import WorkerSettings
from jobkit.outcome import Failed
from jobkit.progress import CheckedIn, encode_progress
from jobkit.record import JobState
from jobkit.store import (
    Announce,
    Beat,
    CheckIn,
    Claim,
    Claimed,
    Get,
    Heartbeat,
    LaneSet,
    Leave,
    MarkTimedOut,
    NewJob,
    Operation,
    PausedTypes,
    Release,
    Settle,
    Settled,
    Settlement,
    SpreadPauses,
    StoredJob,
    Succeed,
    UseOrder,
)
from jobkit.worker.aftermath import after_settling, announce, announce_start, event_of
from jobkit.worker.lines import lane_set, tell_of_order
from jobkit_testing.clock import NOTHING, VirtualClock
from jobkit_testing.judging import judged, to_escape
from jobkit_testing.timeline import Kind, Timeline

T = TypeVar("T")
Attempts: TypeAlias = Generator[Run, Ended, T]

WORKER = "testing"
_KINDS: Mapping[Event | None, Kind] = {
    "on_success": "succeeded",
    "on_retry": "retried",
    "on_dead": "dead",
    "on_cancel": "cancelled",
    None: "snoozed",
}
# One for all: two of these may work at one store, which knows a claim again by its number.
_REQUESTS = count(1)


@dataclass(frozen=True, slots=True)
class Ran:
    """One attempt that has been settled: the job after it, and what is to escape.

    `error`: what the handler raised, if it failed. `always`: it escapes whatever the caller says.
    """

    job: StoredJob
    kind: Kind
    error: BaseException | None = None
    always: bool = False


class InlineWorker:
    """Serves queues with the handlers of its engine.

    `held`: the attempts that are under way, by job; one, or more if a handler runs jobs itself.
    `next_due`: by queue, when a job gets due, as the last claim said.
    """

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        run: Callable[[Operation[Any]], Any],
        clock: VirtualClock,
        timeline: Timeline,
        *,
        publish: Callable[[tuple[NewJob, ...]], object],
    ) -> None:
        self.settings = WorkerSettings()
        self.held: dict[str, Run] = {}
        self.next_due: dict[str, int | None] = {}
        self._next_tick: dict[str, int | None] = {}
        self._looked: dict[str, int] = {}
        self._engine = engine
        self._runner = runner
        self._run = run
        self._clock = clock
        self._timeline = timeline
        self._publish = publish
        self._announced: dict[str, str] = {}
        self._started = to_milliseconds(clock.now())
        self._lanes: tuple[int, LaneSet] | None = None

    def lanes(self, types: frozenset[str] | None = None) -> LaneSet:
        """Return the lanes of all types with handlers, or of those of them that are named."""
        version = self._engine.handlers.version
        if self._lanes is None or self._lanes[0] != version:
            self._lanes = (version, lane_set(self._engine, self._runner))
        served = self._lanes[1]
        if types is None:
            return served
        chosen = {name: lane for name, lane in served.lanes.items() if name in types}
        return LaneSet(key=f"{served.key} {' '.join(chosen)}", lanes=chosen)

    def next_job(
        self, queue: str, lanes: LaneSet, *, only: str | None = None
    ) -> Attempts[Ran | None]:
        """Run the best job of a queue that is due, or this one; None if there is none."""
        if only is None and self._is_tick_due(queue):
            self._fire_due(queue)
        claimed = self._claim(queue, lanes, only)
        if only is None and self._hear_of_tick(queue, claimed):
            self._fire_due(queue)
            if not claimed.jobs:
                claimed = self._claim(queue, lanes, only)
        self.next_due[queue] = claimed.next_due
        for job_id in claimed.ended:
            self._tell_of_lost(queue, job_id)
        if not claimed.jobs:
            return None
        stored = claimed.jobs[0]
        begun = self._runner.begin(stored, now=claimed.now, on_checkin=self._check_in)
        if isinstance(begun, Run):
            return (yield from self._attempt(begun, claimed.now))
        return self._settle(stored, begun)

    def next_event(self, queue: str) -> int | None:
        """Return when a job or a tick of a queue gets due, as far as is known."""
        known = (self.next_due.get(queue), self._next_tick.get(queue))
        return min((at for at in known if at is not None and at > self._now()), default=None)

    def forget_events(self) -> None:
        """Forget when something gets due."""
        self.next_due.clear()
        self._next_tick.clear()
        self._looked.clear()

    def _is_tick_due(self, queue: str) -> bool:
        tick = self._next_tick.get(queue)
        return tick is not None and tick <= self._now()

    def _hear_of_tick(self, queue: str, claimed: Claimed) -> bool:
        """Take note of the next tick; true if it is due, and was not when we looked last."""
        tick = claimed.next_tick
        if tick is not None and tick <= self._looked.get(queue, -1):
            return False  # that of a schedule which is not for us
        self._next_tick[queue] = tick
        return tick is not None and tick <= claimed.now

    def _fire_due(self, queue: str) -> None:
        looked = drive(self._engine.scheduling.fire_due(queue), self._run)
        self._looked[queue] = looked.now
        self._next_tick[queue] = looked.next

    def _now(self) -> int:
        return to_milliseconds(self._clock.now())

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
                self._run(Leave(queue=queue, worker=WORKER))

    def _attempt(self, run: Run, now: int) -> Attempts[Ran]:
        stored = run.stored
        self._timeline.note("started", stored, now)
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
        settlement = self._runner.end(run, ended, duration=duration)
        error, always = to_escape(ended)
        return self._settle(stored, settlement, error, always=always or from_outside)

    def _settle(
        self,
        stored: StoredJob,
        settlement: Settlement,
        error: BaseException | None = None,
        *,
        always: bool = False,
    ) -> Ran:
        settle = Settle(
            queue=stored.queue,
            worker=WORKER,
            version=self._engine.version,
            settlements=(settlement,),
            bounds=self._engine.bounds(stored.queue),
        )
        settled: Settled = self._run(settle)[0]
        now: StoredJob | None = self._run(Get(queue=stored.queue, id=stored.id))
        if settled.verdict != "ok":
            self._timeline.note("lost", stored, settled.at)
            return Ran(now or stored, "lost", error, always)
        after = now or after_settling(stored, settlement, settled)  # the latter if not kept
        return Ran(after, self._follow_up(after, settlement, settled), error, always)

    def _follow_up(self, after: StoredJob, settlement: Settlement, settled: Settled) -> Kind:
        """Note what a settlement that holds has brought about, and call the hooks."""
        event = event_of(settlement, settled)
        if event is None and isinstance(settlement, Release):
            self._timeline.note("handed back", after, settled.at)
            return "handed back"
        kind = _KINDS[event]
        self._timeline.note_end(kind, after, settled.at)
        if isinstance(settlement, Succeed) and settled.state is JobState.SUCCEEDED:
            self._publish(settlement.children)
        call = self._engine.handlers.call(after.type)
        if event == "on_dead" or (event is not None and call is not None and call.hooks):
            announce(self._engine, call, event, after)
        return kind

    def _claim(self, queue: str, lanes: LaneSet, only: str | None) -> Claimed:
        if queue not in self._announced:
            self._enter(queue)
        holds = any(run.stored.queue == queue for run in self.held.values())
        if holds or self._announced.get(queue) != lanes.key:
            self._beat(queue, lanes)
        claimed: Claimed = self._run(self._new_claim(queue, lanes, only))
        if claimed.lanes_unknown:
            self._enter(queue)
            self._beat(queue, lanes)
            claimed = self._run(self._new_claim(queue, lanes, only))
        return claimed

    def _new_claim(self, queue: str, lanes: LaneSet, only: str | None) -> Claim:
        return Claim(
            queue=queue,
            worker=WORKER,
            version=self._engine.version,
            request=next(_REQUESTS),
            lanes=lanes,
            slots=1,
            lease=self._lease,
            only=only,
            bounds=self._engine.bounds(queue),
        )

    @property
    def _about(self) -> bytes:
        about = About(
            host=WORKER,
            version=self._engine.version,
            concurrency=1,
            lease=self._lease,
            started=self._started,
        )
        return encode_about(about)

    @property
    def _lease(self) -> int:
        return duration_milliseconds(self.settings.lease)

    def _enter(self, queue: str) -> None:
        """Announce that a queue is used, and tell it what is paused over all queues."""
        for name, order in self._engine.orders.items() if not self._announced else ():
            use = UseOrder(queue=name, order=order)  # children may come there as the first
            tell_of_order(use, self._run(use))
        paused: PausedTypes = self._run(Announce(queues=(queue,)))
        if paused.version:
            self._run(SpreadPauses(queue=queue, paused=paused))

    def _beat(self, queue: str, lanes: LaneSet) -> None:
        """Announce the lanes, and keep the leases of the attempts under way, as a keeper does."""
        leases = tuple(run.lease for run in self.held.values() if run.stored.queue == queue)
        beat: Beat = self._run(
            Heartbeat(
                queue=queue,
                worker=WORKER,
                lanes=lanes,
                lease=self._lease,
                leases=leases,
                about=self._about,
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

    def _time_out(self, run: Run) -> None:
        if run.ctx.cancelled.set("timeout"):
            mark = MarkTimedOut(queue=run.stored.queue, worker=WORKER, lease=run.lease)
            self._run(mark)
            self._timeline.note("timed out", run.stored, to_milliseconds(self._clock.now()))

    def _check_in(self, ctx: JobContext, said: CheckedIn) -> None:
        """Write at once what a handler says: in a test, nobody comes by to do it later."""
        run = self.held.get(ctx.id)
        if run is None or run.lease.fence != ctx.fence:
            return
        progress = encode_progress(said)
        with suppress(BackendUnavailable):  # a handler never hears of the store
            if self._run(
                CheckIn(queue=ctx.queue, worker=WORKER, lease=run.lease, progress=progress)
            ):
                at = to_milliseconds(self._clock.now())
                noted = replace(run.stored, progress=progress, checked_in_at=at)
                self._timeline.note("checked in", noted, at)

    def _tell_of_lost(self, queue: str, job_id: str) -> None:
        """Tell of a job that a claim found lost, and ended."""
        stored: StoredJob | None = self._run(Get(queue=queue, id=job_id))
        if stored is None:
            return
        is_dead = stored.state is JobState.DEAD
        at = stored.finished_at or to_milliseconds(self._clock.now())
        self._timeline.note_end("dead" if is_dead else "cancelled", stored, at)
        event: Event = "on_dead" if is_dead else "on_cancel"
        announce(self._engine, self._engine.handlers.call(stored.type), event, stored)
