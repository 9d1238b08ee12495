"""Where the simulated workers of one `TestingJobs` are: what they share, and who is on duty."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from jobkit.cancellation import Reason
from jobkit.clock import duration_milliseconds, to_milliseconds
from jobkit.engine import Engine
from jobkit.engine.crews import About, encode_about
from jobkit.engine.running import Runner
from jobkit.options import WorkerSettings
from jobkit.store import LaneSet, NewJob, Operation, StoredJob, TakeOver
from jobkit.worker.lines import lane_set
from jobkit_testing.agenda import Agenda
from jobkit_testing.clock import VirtualClock
from jobkit_testing.faults import Faults
from jobkit_testing.orphans import Orphans
from jobkit_testing.running import Attempts, InlineWorker, Ran
from jobkit_testing.timeline import Timeline

if TYPE_CHECKING:
    from jobkit_testing.exploring import Explorer

WORKER = "testing"


class Workshop:
    """Has one worker on duty; when it dies, another one takes its place."""

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        run: Callable[[Operation[Any]], Any],
        clock: VirtualClock,
        *,
        timeline: Timeline,
        faults: Faults,
        publish: Callable[[tuple[NewJob, ...]], object],
    ) -> None:
        self.engine = engine
        self.runner = runner
        self.run = run
        self.clock = clock
        self.timeline = timeline
        self.faults = faults
        self.publish = publish
        self.serve(WorkerSettings())
        self.explorer: Explorer | None = None
        self.agenda = Agenda(engine, run, clock)
        self.orphans = Orphans(self)
        self._started = to_milliseconds(clock.now())
        self._lanes: tuple[int, LaneSet] | None = None
        self._begin()

    def _begin(self) -> None:
        self._numbers = count(1)
        self._dead: list[tuple[str, str]] = []  # queue and name, as long as the store knows them
        self._workers: list[InlineWorker] = []
        self.on_duty = self.hire()

    # What there is to do.

    def next_job(
        self, queue: str, lanes: LaneSet, *, only: str | None = None
    ) -> Attempts[Ran | None]:
        """Let the worker on duty run the best job of a queue that is due, or this one."""
        return self.on_duty.next_job(queue, lanes, only=only)

    def next_of(
        self, queues: Callable[[], Iterable[str]], lanes: LaneSet, *, patient: bool = False
    ) -> Attempts[Ran | None]:
        """Run one job that is due, of the first of these queues that has one.

        `patient`: if jobs of dead workers are left, workers that are explored wait for them.
        """
        if self.explorer is not None and not self.explorer.is_inside:
            return self.explorer.next_of(queues, lanes, patient=patient)
        for queue in queues():
            while True:
                ran = yield from self.next_job(queue, lanes)
                if ran is not None:
                    return ran
                if not self.agenda.is_due(queue):
                    break  # else the claim has made ready what it may at once, and there is more
        return None

    def now(self) -> int:
        """Return the virtual instant in milliseconds."""
        return to_milliseconds(self.clock.now())

    def lanes(self, types: frozenset[str] | None = None) -> LaneSet:
        """Return the lanes of all types with handlers, or of those of them that are named."""
        version = self.engine.handlers.version
        if self._lanes is None or self._lanes[0] != version:
            self._lanes = (version, lane_set(self.engine, self.runner))
        served = self._lanes[1]
        if types is None:
            return served
        chosen = {name: lane for name, lane in served.lanes.items() if name in types}
        return LaneSet(key=f"{served.key} {' '.join(chosen)}", lanes=chosen)

    def next_event(self, queue: str) -> int | None:
        """Return when a job or a tick gets due, or the lease of a dead worker ends."""
        known = (self.agenda.next_event(queue), self.orphans.next_end(queue))
        return min((at for at in known if at is not None), default=None)

    def serve(self, settings: WorkerSettings) -> None:
        """Let runs serve what these settings say; `lease`: how long one is, in milliseconds."""
        self.settings = settings
        self.lease = duration_milliseconds(settings.lease)

    @property
    def about(self) -> bytes:
        """What a worker tells of itself."""
        about = About(
            host=WORKER,
            version=self.engine.version,
            concurrency=1,
            lease=self.lease,
            started=self._started,
        )
        return encode_about(about)

    # Who works.

    @contextmanager
    def another(self) -> Generator[InlineWorker]:
        """Have one more worker for a while."""
        worker = self.hire()
        try:
            yield worker
        finally:
            if not worker.is_dead:
                worker.leave()
                self._workers.remove(worker)

    def bury(self, worker: InlineWorker, orphans: Iterable[StoredJob]) -> None:
        """Watch over what a dead worker has left, and let another one take its place."""
        for stored in orphans:
            self.orphans.add(stored)
            self._dead.append((stored.queue, worker.name))
        self._workers.remove(worker)
        if worker is self.on_duty:
            self.on_duty = self.hire()

    def tell(self, job_id: str, reason: Reason) -> None:
        """Tell the handler of a job to stop, wherever it runs."""
        for worker in self._workers:
            worker.tell(job_id, reason)

    def keep_leases(self) -> None:
        """Extend the leases of all that runs, as the keepers of workers do."""
        lanes = self.lanes()
        for worker in self._workers:
            for queue in {run.stored.queue: None for run in worker.held.values()}:
                worker.beat(queue, lanes)

    @property
    def is_idle(self) -> bool:
        """Whether no handler is running."""
        return not any(worker.held for worker in self._workers)

    def leave(self) -> None:
        """Let the queues forget the workers: between runs there is none."""
        for worker in self._workers:
            worker.leave()

    def forget(self) -> None:
        """Begin anew, with the first worker: after a reset, nobody has died."""
        self.agenda.forget()
        self.orphans.clear()
        for queue, name in self._dead:
            self.run(TakeOver(queue=queue, worker=name))
        if self.is_idle:
            self.leave()
            self._begin()

    def hire(self) -> InlineWorker:
        """Have one more worker."""
        number = next(self._numbers)
        first = self.timeline.first_worker
        worker = InlineWorker(first if number == 1 else f"{first}-{number}", self)
        self._workers.append(worker)
        return worker
