"""`TestingJobs`: the production engine over a store and a clock that the test holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NoReturn, TypeVar, Unpack, cast
from weakref import finalize

from jobkit.client import Jobs
from jobkit.client.outbox import JobOutbox
from jobkit.clock import SystemClock
from jobkit.context import JobContext
from jobkit.engine import Engine, Steps, drive
from jobkit.engine.running import Runner
from jobkit.errors import InvalidOption, NotSupported
from jobkit.handlers import Handlers
from jobkit.ids import seeded_ids
from jobkit.inspect import Inspector
from jobkit.inspect.pausing import set_everywhere
from jobkit.jobtype import DataclassLike
from jobkit.memory.store import MemoryStore
from jobkit.options import (
    EnqueueOptions,
    QueueOptions,
    WorkerOptions,
    WorkerSettings,
    check_timeout,
    worker_settings,
)
from jobkit.record import JobState
from jobkit.store import (
    Capability,
    Delete,
    ForgetStatistics,
    NewJob,
    Operation,
    RemoveSchedule,
    Schedules,
    SetPause,
    Store,
)
from jobkit_testing.acting import Acting
from jobkit_testing.aio import AsyncTestingJobs
from jobkit_testing.assertions import Assertions
from jobkit_testing.clock import VirtualClock
from jobkit_testing.control import AsyncTestingControl, TestingControl
from jobkit_testing.driving import Driver
from jobkit_testing.exploration import Exploration
from jobkit_testing.failing import FailingHeld
from jobkit_testing.faults import Faults
from jobkit_testing.idempotency import Idempotency
from jobkit_testing.reading import Reader
from jobkit_testing.recording import recorded
from jobkit_testing.runs import Runs
from jobkit_testing.stage import STAGE, Stage
from jobkit_testing.timeline import Timeline
from jobkit_testing.watching import AsyncWatchedStore, WatchedStore
from jobkit_testing.witness import Witness
from jobkit_testing.workshop import WORKER, Workshop

T = TypeVar("T")


class TestingJobs(Acting, Assertions, Jobs):
    """Jobs for tests: nothing runs until told, in virtual time, and everything can be asserted.

    It is the production engine; only the store, the clock and the source of ids are the test's.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Greet:
    ...     name: str
    >>> jobs = TestingJobs()
    >>> handle = jobs.enqueue(Greet("Ann"))
    >>> jobs.assert_queued(Greet, 1).one.payload
    Greet(name='Ann')
    """

    __test__ = False  # pytest: this is no test, whatever its name

    faults: Faults
    """What is to go wrong: crashes, lost leases, enqueues that fail."""

    def __init__(
        self,
        *,
        start: datetime | None = None,
        clock: VirtualClock | None = None,
        seed: int = 0,
        store: Store | None = None,
        handlers: Handlers | Sequence[Handlers] = (),
        defaults: EnqueueOptions | None = None,
        queues: Mapping[str, QueueOptions] | None = None,
        enqueue_timeout: timedelta | None = None,
        max_payload: int | None = None,
        version: str | None = None,
    ) -> None:
        """Begin at `start`, or with a `clock`; the same start and seed give the same timeline."""
        if start is not None and clock is not None:
            raise InvalidOption("TestingJobs: start and clock exclude each other; give one of them")
        if type(seed) is not int:  # types are a promise that user code may break at run time
            raise InvalidOption(f"TestingJobs: seed={seed!r}: give an int")
        self.seed = seed
        stage = STAGE.get()  # of the scenario that makes this one, if `explore` runs it
        self._is_start_given = start is not None
        if stage is not None and start is None:
            start = stage.start
        self.clock = VirtualClock(start) if clock is None else clock
        self._now = self.clock.milliseconds
        self._is_store_given = store is not None
        self.store: Store = MemoryStore(self.clock) if store is None else store
        self._number = _number_at(self.store)
        ids = seed + (self._number << 32)
        engine = Engine(
            handlers=handlers,
            defaults=defaults,
            queues=queues,
            new_ids=lambda: seeded_ids(self._now, ids),
            max_payload=max_payload,
            version=version,
            durable=False,
        )
        watched = WatchedStore(recorded(self.store))
        self._async_store = AsyncWatchedStore(watched)
        super().__init__(
            engine,
            watched,
            self._async_store,
            now=self._now,
            monotonic=SystemClock().monotonic,  # a store that is out of reach is so in real time
            enqueue_timeout=enqueue_timeout,
        )
        self._control = TestingControl(engine, self._sender)
        self._async_control = AsyncTestingControl(engine, self._async_sender)
        self._set_the_scene(engine, watched)
        if stage is not None:
            self._take_part(stage)

    def _set_the_scene(self, engine: Engine, watched: WatchedStore) -> None:
        """Make who runs jobs here, who sees what happens, and who tells of it."""
        send = self._sender
        first = WORKER if self._number == 0 else f"{WORKER}.{self._number + 1}"
        self.timeline = Timeline(
            engine, self.store, start=self._now(), seed=self.seed, first_worker=first
        )
        self._reader = Reader(engine, send, self.timeline)
        runner = Runner(engine, open_outbox=self._open_outbox)
        self.faults = Faults(skew=self._skew)
        self._shop = Workshop(
            engine,
            runner,
            send,
            self.clock,
            timeline=self.timeline,
            faults=self.faults,
            publish=self._published,
        )
        self._witness = Witness(self.timeline, send, now=self._now, tell=self._shop.tell)
        watched.watcher = self._witness
        watched.faults = self.faults
        self._runs = Runs(
            engine, self._shop, self._reader, send, self.clock, handle_to=self._handle_to
        )
        self._driver = Driver(self._shop, self.clock)
        self.inspect = Inspector(engine, self._send_declaring, self._handle_to)
        self._declared = -1
        self.declare()

    def __repr__(self) -> str:
        if "_reader" not in self.__dict__:  # in the traceback of an __init__ that has failed
            return "<TestingJobs that could not be made>"
        waiting = self._reader.count_waiting()
        return f"<TestingJobs {waiting} waiting, {self.clock.now().isoformat()}, seed={self.seed}>"

    @cached_property
    def aio(self) -> AsyncTestingJobs:
        """The async twin: the same jobs, handlers and clock."""
        return AsyncTestingJobs(self)

    def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Let later runs serve these queues, with this lease; nothing runs by itself."""
        settings = worker_settings(options)
        if settings.prefetch:
            self._engine.require(Capability.PREFETCH, f"prefetch={settings.prefetch}")
        self._shop.serve(settings)

    def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Forget what `start` was told; idempotent."""
        check_timeout(timeout, of="shutdown")
        self._shop.serve(WorkerSettings())

    def run(self, **options: Unpack[WorkerOptions]) -> NoReturn:
        """Refuse: a test does not wait for signals."""
        raise NotSupported(f"run({options}): TestingJobs runs no worker; call drain() or run_for()")

    def reset(self) -> None:
        """Forget jobs, schedules, pauses, what has happened; keep handlers, clock and `start`."""
        has = self._engine.capabilities
        self._engine.require(Capability.DELETES, "reset")
        self.faults.clear()
        for name in self._reader.paused_everywhere():
            drive(set_everywhere(name, paused=False), self._sender)
        for queue in self._reader.queues():
            kinds = (None, *self._reader.pauses(queue).types)
            for kind in kinds if Capability.PAUSES in has else ():
                self._sender(SetPause(queue=queue, type=kind, paused=False))
            for state in JobState:
                for job in list(self._reader.in_state(queue, state)):
                    self._sender(Delete(queue=queue, id=job.id))
            if Capability.SCHEDULES in has:
                for each in self._sender(Schedules(queue=queue)).schedules:
                    self._sender(RemoveSchedule(queue=queue, name=each.schedule.name))
            if Capability.STATISTICS in has:
                self._sender(ForgetStatistics(queue=queue))
        self.timeline.clear()
        self._shop.forget()
        self._declared = -1  # what handlers declare is there again at the next look
        self._runs.forget()

    def explore(
        self,
        scenario: Callable[[TestingJobs], None],
        *,
        seeds: Iterable[int] = range(500),
        workers: int = 2,
    ) -> None:
        """Run a scenario for many seeds, each with workers interleaved and faults in its own way.

        `scenario` is called with a fresh `TestingJobs` for each seed: same handlers, options and
        start, nothing stored. It makes whatever its handlers change, enqueues, runs (`drain`,
        `run_for`) and asserts; another `TestingJobs` that it makes takes part as well. A seed that
        fails raises `AssertionError` with the seed, the shortest list of faults by which it still
        fails, and the timeline.
        """
        __tracebackhide__ = True
        self._refuse_loop("explore", "call jobs.explore from a plain test")
        if self._is_store_given:
            raise NotSupported(
                "explore: each seed needs a fresh store, and this TestingJobs was given one: "
                "explore with one that has no store="
            )
        start = self.clock.now()

        def fresh(seed: int) -> TestingJobs:
            return self._like_this(start, seed)

        is_fixed = self._is_start_given
        exploration = Exploration(scenario, fresh, workers=workers, start=start, is_fixed=is_fixed)
        exploration.run(seeds)

    @property
    def is_explored(self) -> bool:
        """Whether this is one that `explore`, or a scenario of it, has made."""
        return self._shop.explorer is not None

    def _like_this(self, start: datetime, seed: int) -> TestingJobs:
        """Make another one with the same handlers and options."""
        engine = self._engine
        jobs = TestingJobs(
            start=start,
            seed=seed,
            handlers=engine.handlers.groups[1:],  # behind our own
            defaults=cast("EnqueueOptions", engine.defaults),  # as they were checked
            queues=engine.queues,
            max_payload=engine.max_payload,
            version=engine.version,
        )
        own = jobs._engine.own_handlers
        own.contents = engine.own_handlers.contents  # a value: what it registers itself is its own
        jobs._engine.handlers.changed()
        jobs._shop.serve(self._shop.settings)
        return jobs

    def _take_part(self, stage: Stage) -> None:
        """Let workers be interleaved, and things go wrong, as chance decides."""
        explorer = self._shop.explorer = stage.join(self._shop)
        self.faults.ask_always(explorer.at_enqueue)
        self._async_store.gives_way = True

    def declare(self) -> None:
        """Put what handlers declare, as a worker does: at the start, and when there is more."""
        version = self._engine.handlers.version
        if self._declared != version:
            scheduling = self._engine.scheduling
            for owner, asked in scheduling.declared():
                drive(scheduling.put(scheduling.prepared(asked, owner=owner)), self._sender)
            self._declared = version  # last: what failed is tried again

    def _send_declaring(self, operation: Operation[Any]) -> Any:
        self.declare()
        return self._sender(operation)

    def _drive(self, steps: Steps[T]) -> T:
        self.declare()
        if self._witness.arrivals is None:  # mostly: nobody runs what arrives
            return drive(steps, self._sender)
        if self._is_inline:
            self._refuse_loop("enqueue")  # before anything is stored
        result = drive(steps, self._sender)
        self._run_arrivals()
        return result

    def _idempotency(self, job: DataclassLike, observe: Callable[[], object]) -> Idempotency:
        engine, shop, runs = self._engine, self._shop, self._runs
        return Idempotency(engine, shop, runs, self._quietly, job=job, observe=observe)

    def _quietly(self, operation: Operation[Any]) -> Any:
        """Do something to the store that is none of the user's doing: nobody takes note of it."""
        return self.store.run(operation, now=self._sender.now())

    def _skew(self, by: int) -> None:
        """Let the store's clock be apart from ours by so many milliseconds."""
        self._sender.now = (lambda: self._now() + by) if by else self._now
        how = f"is set off by {by / 1000:+g} s" if by else "is right again"
        self.timeline.fault(f"the store's clock {how}", self._now())

    def _open_outbox(self, ctx: JobContext, /) -> JobOutbox:
        if self.faults.on_enqueue is None:
            return super()._open_outbox(ctx)
        held = FailingHeld(self._engine, self.faults, self._witness)
        return JobOutbox(held, self._control, self._async_control)

    def _published(self, children: tuple[NewJob, ...]) -> None:
        if children:
            stored = [new for new in children if new.unique is None or self._is_stored(new)]
            self._witness.pushed(stored)

    def _is_stored(self, new: NewJob) -> bool:
        """Tell whether a child is there, and not another job that holds its unique key."""
        return self._witness.find(new.queue, new.id) is not None


# Two doubles over one store that drew the same ids would take each other's jobs for copies, and
# under one name their workers would lose each other's leases.
_DOUBLES: dict[int, int] = {}  # by the identity of the store: some cannot be hashed
_FOR_EVER: list[Store] = []  # those whose end nobody can hear of


def _number_at(store: Store) -> int:
    """Return which double over this store the next one is, from 0."""
    key = id(store)
    number = _DOUBLES.get(key, 0)
    if number == 0:
        try:
            finalize(store, _DOUBLES.pop, key, None).atexit = False
        except TypeError:  # it has slots, and none for weak references
            _FOR_EVER.append(store)
    _DOUBLES[key] = number + 1
    return number
