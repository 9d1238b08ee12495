"""What `perform`, `drain`, `run_for` and the like do, as generators of attempts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from jobkit.checks import duration
from jobkit.clock import from_milliseconds
from jobkit.engine import Engine, drive
from jobkit.errors import InvalidOption, WrongState
from jobkit.handle import HandleTo
from jobkit.options import ENQUEUE_CHECKS, check_timeout
from jobkit.record import JobRecord, JobState
from jobkit.report import Report
from jobkit.store import (
    Capability,
    NewJob,
    Operation,
    QueueCounts,
    Schedules,
)
from jobkit.worker.left import LEFT, why_left
from jobkit.worker.turns import Turns
from jobkit_testing.admission import Admission
from jobkit_testing.clock import VirtualClock
from jobkit_testing.driving import Escape
from jobkit_testing.reading import Reader
from jobkit_testing.running import Attempts, Ran
from jobkit_testing.tally import Tally, goes_round, words
from jobkit_testing.wanted import EVERYTHING, Wanted
from jobkit_testing.workshop import Workshop

LIMIT = 10_000
LONGEST_RUN = 20_000  # attempts in one `run_until(predicate)`: two years of hourly ticks


class Runs:
    """Says what to run next, and when to stop."""

    def __init__(
        self,
        engine: Engine,
        shop: Workshop,
        reader: Reader,
        run: Callable[[Operation[Any]], Any],
        clock: VirtualClock,
        *,
        handle_to: HandleTo,
    ) -> None:
        self._engine = engine
        self._handle_to = handle_to
        self._shop = shop
        self._reader = reader
        self._run = run
        self._clock = clock
        self.admission = Admission(engine, shop, reader, run)
        self._turns = Turns()
        self._listed: tuple[int, Sequence[str]] | None = None

    def perform(
        self, job: Any, options: Mapping[str, Any], *, raises: bool
    ) -> Attempts[JobRecord[Any]]:
        """Enqueue this job and run it, past all others."""
        new = self.admission.prepare(job, options)
        job_id = self.store(new)
        if job_id != new.id:
            self.admission.check_holder(job_id, new)
        return (yield from self.run_stored(new, job_id, raises=raises))

    def store(self, new: NewJob) -> str:
        """Store a job; return its id, or that of the one which holds its unique key."""
        [job_id] = drive(self._engine.push([new], self._handle_to), self._run)
        return job_id

    def run_stored(self, new: NewJob, job_id: str, *, raises: bool) -> Attempts[JobRecord[Any]]:
        """Run a job past all others."""
        ran = yield from self._shop.next_job(new.queue, self._shop.lanes(), only=job_id)
        if ran is None:
            raise WrongState(
                f"perform: job {job_id} ({new.type}) is stored, but cannot run now: somebody else "
                "at this store has it, or all slots of its type"
            )
        let_escape(ran, raises=raises)
        return self._engine.record(ran.job)

    def run_next(self, *, raises: bool) -> Attempts[JobRecord[Any] | None]:
        """Run the next job that is due."""
        self._listed = None
        ran = yield from self._next(EVERYTHING)
        if ran is None:
            return None
        let_escape(ran, raises=raises)
        return self._engine.record(ran.job)

    def drain(
        self, wanted: Wanted, *, limit: int, raises: bool, timeout: timedelta | None
    ) -> Attempts[Report]:
        """Run what is due, and what gets due by that, until nothing is left."""
        __tracebackhide__ = True
        if type(limit) is not int or limit < 1:
            raise InvalidOption(f"drain: limit={limit!r}: give an int of at least 1")
        check_timeout(timeout, of="drain")
        tally, self._listed = Tally(), None
        end = None if timeout is None else self._clock.monotonic() + timeout.total_seconds()
        while (ran := (yield from self._next(wanted, patient=True))) is not None:
            tally.add(ran)
            let_escape(ran, raises=raises)
            late = end is not None and self._clock.monotonic() > end
            if late and (due := self._due(wanted)):
                raise TimeoutError(f"drain: not done after {timeout}; due: {words(due)}")
            if len(tally.jobs) >= limit and (due := self._due(wanted)):
                raise AssertionError(goes_round("drain", f"limit={limit:,}", tally, due))
        return tally.report(self._engine, self.left(wanted))

    def run_for(self, delta: timedelta, *, raises: bool) -> Attempts[Report]:
        """Let time pass."""
        __tracebackhide__ = True
        if complaint := duration(delta):
            raise InvalidOption(f"run_for({delta!r}): {complaint}")
        return (yield from self._until(self._clock.now() + delta, raises=raises))

    def run_until(self, until: datetime | Callable[[], bool], *, raises: bool) -> Attempts[Report]:
        """Let time pass until an instant, or until a condition holds."""
        __tracebackhide__ = True
        if not isinstance(until, datetime):
            return (yield from self._until_true(until, raises=raises))
        if complaint := ENQUEUE_CHECKS["run_at"](until):
            raise InvalidOption(f"run_until({until!r}): {complaint}")
        if until < self._clock.now():
            raise InvalidOption(
                f"run_until({until!r}): it is {self._clock.now()} already; give a later one"
            )
        return (yield from self._until(until, raises=raises))

    def _until(self, end: datetime, *, raises: bool) -> Attempts[Report]:
        """Go from event to event up to an instant, and run what gets due."""
        __tracebackhide__ = True
        tally, self._listed = Tally(), None
        while True:
            yield from self._run_due(tally, until=end, raises=raises)
            event = self._next_event()
            if event is None or event > end:
                break
            self._clock.travel_to(event)
        if self._clock.now() < end:
            self._clock.travel_to(end)
            yield from self._run_due(tally, until=end, raises=raises)
        return tally.report(self._engine, self.left(EVERYTHING))

    def _until_true(self, predicate: Callable[[], bool], *, raises: bool) -> Attempts[Report]:
        """Go from event to event until a condition holds, looking after every attempt."""
        __tracebackhide__ = True
        tally, self._listed = Tally(), None
        while not predicate():
            if len(tally.jobs) >= LONGEST_RUN:
                raise AssertionError(self._never(predicate, tally))
            ran = yield from self._next(EVERYTHING)
            if ran is not None:
                tally.add(ran)
                let_escape(ran, raises=raises)
                continue
            event = self._next_event()
            if event is None:
                raise AssertionError(
                    f"run_until: {predicate!r} does not hold, and nothing is left that could run\n"
                    f"  waiting: {words(self.left(EVERYTHING))}; ran: {tally.types() or 'nothing'}"
                )
            self._clock.travel_to(event)
        return tally.report(self._engine, self.left(EVERYTHING))

    def _never(self, predicate: Callable[[], bool], tally: Tally) -> str:
        """Say why waiting for a condition has to end, and what would go on."""
        if due := self._due(EVERYTHING):
            what = goes_round("run_until", "its limit", tally, due)
            return f"{what}\n  {predicate!r} does not hold"
        schedules = [
            each.schedule.name
            for queue in self._queues(EVERYTHING)
            if Capability.SCHEDULES in self._engine.capabilities
            for each in self._run(Schedules(queue=queue)).schedules
            if each.ended_at is None
        ]
        return (
            f"run_until: {predicate!r} does not hold after {len(tally.jobs):,} attempts, at "
            f"{self._clock.now().isoformat()}\n"
            f"  schedules that go on: {', '.join(schedules) or 'none'}\n"
            f"  waiting: {words(self.left(EVERYTHING))}; ran: {tally.types()}"
        )

    def inline(self, arrivals: deque[NewJob]) -> Attempts[None]:
        """Run what has been enqueued, as far as it is due, and what it enqueues in turn."""
        __tracebackhide__ = True
        tally = Tally()
        try:
            while arrivals:
                new = arrivals.popleft()
                lanes = self._shop.lanes()
                if new.type not in lanes.lanes:
                    continue
                ran = yield from self._shop.next_job(new.queue, lanes, only=new.id)
                if ran is not None:
                    tally.add(ran)
                    let_escape(ran, raises=True)
                if len(tally.jobs) >= LIMIT and arrivals:
                    due = Counter(each.type for each in arrivals)
                    raise AssertionError(goes_round("inline", f"{LIMIT:,}", tally, due))
        finally:
            arrivals.clear()

    def forget(self) -> None:
        """Begin the turns of the queues anew."""
        self._turns = Turns()

    def left(self, wanted: Wanted) -> dict[str, int]:
        """Count what a run has left, by why."""
        left: dict[str, int] = dict.fromkeys(LEFT, 0)
        served = self._shop.lanes().lanes
        for queue in self._queues(wanted):
            counts = self._reader.counts(queue)
            pauses = self._reader.pauses(queue)
            for name, number in counts.queued.items():
                if wanted.types is None or name in wanted.types:
                    left[why_left(name, served, pauses)] += number
            left["future"] += self._count_future(queue, wanted, counts)
            left["future"] += self._shop.orphans.count(queue, wanted.types)
        return left

    def _count_future(self, queue: str, wanted: Wanted, counts: QueueCounts) -> int:
        if wanted.types is None:
            return counts.scheduled + counts.retrying
        states = (JobState.SCHEDULED, JobState.RETRYING)
        jobs = (job for state in states for job in self._reader.in_state(queue, state))
        return sum(job.type in wanted.types for job in jobs)

    def _next(self, wanted: Wanted, *, patient: bool = False) -> Attempts[Ran | None]:
        """Run one job that is due, of the next queue by turns that has one.

        The queues are listed again when something was enqueued here, and before it is said that
        nothing is due: others, at the same store, may have brought one.
        """
        lanes = self._shop.lanes(wanted.types)
        names = self._listed_queues(wanted)
        ran = yield from self._shop.next_of(partial(self._by_turns, names), lanes, patient=patient)
        if ran is not None:
            return ran
        self._listed = None
        if (names_now := self._listed_queues(wanted)) == names:
            return None
        turns = partial(self._by_turns, names_now)
        return (yield from self._shop.next_of(turns, lanes, patient=patient))

    def _listed_queues(self, wanted: Wanted) -> Sequence[str]:
        enqueued = self._shop.timeline.enqueued_so_far
        if self._listed is None or self._listed[0] != enqueued:
            self._listed = (enqueued, self._queues(wanted))
        return self._listed[1]

    def _run_due(self, tally: Tally, *, until: datetime, raises: bool) -> Attempts[None]:
        """Run what is due; refuse to go round at one instant, or past the end, for ever."""
        __tracebackhide__ = True
        at, before = self._clock.now(), len(tally.jobs)
        while (ran := (yield from self._next(EVERYTHING))) is not None:
            tally.add(ran)
            let_escape(ran, raises=raises)
            if at != self._clock.now() <= until:
                at, before = self._clock.now(), len(tally.jobs)
            if len(tally.jobs) - before >= LIMIT and (due := self._due(EVERYTHING)):
                raise AssertionError(goes_round("run_for", f"{LIMIT:,}", tally, due))

    def _next_event(self) -> datetime | None:
        """Return when the next job gets due, or the next tick."""
        events = map(self._shop.next_event, self._queues(EVERYTHING))
        event = min((at for at in events if at is not None), default=None)
        return None if event is None else from_milliseconds(event)

    def _due(self, wanted: Wanted) -> Counter[str]:
        """Count the jobs that could run now, by type."""
        served = self._shop.lanes(wanted.types).lanes
        due: Counter[str] = Counter()
        for queue in self._queues(wanted):
            counts = self._reader.counts(queue)
            due.update({name: n for name, n in counts.queued.items() if name in served})
            if counts.due:
                due["just due"] += counts.due
        return due

    def _queues(self, wanted: Wanted) -> Sequence[str]:
        if wanted.queues is not None:
            return wanted.queues
        served = self._shop.settings.queues
        return self._reader.queues() if served is None else tuple(served)

    def _by_turns(self, queues: Sequence[str]) -> Iterator[str]:
        """Give the queues in the order in which to ask them for one job."""
        settings = self._shop.settings
        if settings.strict or len(queues) == 1:
            yield from queues
            return
        given = settings.queues or {}
        weights = {queue: given.get(queue, 1) for queue in queues}
        while weights:
            queue = self._turns.next(weights)
            yield queue
            del weights[queue]


def let_escape(ran: Ran, *, raises: bool) -> None:
    """Raise what is to escape from a run."""
    if ran.error is not None and (raises or ran.always):
        raise Escape(ran.error)
