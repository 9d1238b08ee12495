"""A worker: the threads that run jobs in this process, started and stopped together."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any

from jobkit.clock import Clock
from jobkit.engine import Engine
from jobkit.engine.running import Runner
from jobkit.errors import BackendUnavailable
from jobkit.ids import incarnation
from jobkit.options import WorkerSettings
from jobkit.report import Report
from jobkit.store import Capability, Count, Leave, ReadPauses, Store, patient_waiter
from jobkit.worker.crew import Crew
from jobkit.worker.keeper import Keeper
from jobkit.worker.left import LEFT, why_left
from jobkit.worker.listener import Listener
from jobkit.worker.pump import Pump
from jobkit.worker.ticker import Ticker

STOP_GRACE = 0.5  # seconds that handlers have to end once they are told; then hooks of the last
SETTLE_GRACE = 5.0  # seconds that the store has for the last settlements
_LOGGER = logging.getLogger("jobkit.worker")


def worker_name() -> str:
    """Return a name for a worker of this process that no other one has."""
    host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())[:64]
    return f"{host}.{os.getpid()}.{incarnation()}"


class Worker:
    """Serves the queues of its settings with the handlers of its engine."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        runner: Runner,
        settings: WorkerSettings,
        *,
        clock: Clock,
        now: Callable[[], int | None],
        at_end_of_loop: Callable[[], Coroutine[Any, Any, None]],
        imports: tuple[str, ...] = (),
    ) -> None:
        """Raise `InvalidHandler` if an isolated type has a handler that cannot be isolated.

        Raises `NotSupported` if the settings or the handlers ask for more than the store has.
        """
        self.name = worker_name()
        self._store = store
        self._now = now
        self._clock = clock
        self.settings = settings
        self._is_started = False
        self._hurried = threading.Event()
        self._crew = Crew(
            engine,
            runner,
            settings,
            clock,
            "jobkit",
            at_end_of_loop=at_end_of_loop,
            imports=imports,
        )
        self._crew.isolation.check()
        if settings.prefetch:
            engine.require(Capability.PREFETCH, f"prefetch={settings.prefetch}")
        for _, declared in engine.scheduling.declared():
            engine.require(Capability.SCHEDULES, f"the declared schedule {declared.spec!r}")
        self._pump = Pump(self._crew, engine, store, worker=self.name, clock=clock, now=now)
        lines = self._pump.lines
        self._keeper = Keeper(
            self._crew,
            store,
            worker=self.name,
            clock=clock,
            now=now,
            queues=lambda: (lines.names, lines.lanes),
        )
        self._ticker = Ticker(
            engine, store, worker=self.name, clock=clock, now=now, on_turn=self._pump.ticked
        )
        self._pump.claiming.on_tick = self._keeper.on_tick = self._ticker.told
        self._pump.has_ticks_due = self._ticker.has_ticks_due
        self._listener: Listener | None = None
        if Capability.WAKING in store.capabilities:  # else the pump looks every `poll`
            self._listener = self._pump.claiming.standby.listener = Listener(
                patient_waiter(store, self.name),
                threads=self._crew.threads,
                queues=lambda: lines.names,
                on_answer=self._pump.answered,
                on_failure=self._pump.hint,
            )

    def start(self) -> None:
        """Start all threads."""
        self._is_started = True
        self._crew.isolation.prepare()
        self._ticker.start()
        self._keeper.start()
        self._pump.start()

    @property
    def is_exhausted(self) -> bool:
        """Whether every slot is taken by a handler that was abandoned."""
        return self._pump.claiming.is_exhausted

    @property
    def queues(self) -> list[str]:
        """The queues that it serves."""
        return self._pump.lines.names

    @property
    def types(self) -> list[str]:
        """The stored names of the job types that it has handlers for, without aliases."""
        return sorted({lane.group for lane in self._pump.lines.lanes.lanes.values()})

    @property
    def counts(self) -> Mapping[str, int]:
        """How many attempts ended how since the start, by the words of `Report`."""
        return self._pump.counts()

    @property
    def trouble(self) -> BackendUnavailable | None:
        """What the store last failed with; None while it answers."""
        return self._pump.last_error

    def wait_for_store(self, timeout: float) -> bool:
        """Wait until the store has answered once; False if time runs out."""
        return self._pump.reached_store.wait(timeout)

    def take_over(self, name: str, done: Callable[[], None]) -> None:
        """Take over what a dead worker of this command held; `done` is called when that is so."""
        if Capability.TAKE_OVER not in self._store.capabilities:
            _LOGGER.warning("what worker %s held comes back when its leases run out", name)
            done()
            return
        self._pump.succession.add(name, done)
        self._pump.hint()

    def want_dry(self) -> None:
        """Begin to watch for `is_dry`."""
        self._pump.want_dry()

    @property
    def is_dry(self) -> bool:
        """Whether, since `want_dry`, nothing was left that is due and can be run here."""
        return self._pump.went_dry.is_set()

    def drain(self, timeout: timedelta | None) -> Report:
        """Wait until nothing is left that is due and can be run here.

        Starts the worker if that was not done: then the report has everything it does.
        """
        tally = self._pump.tally
        before = self._pump.counts()
        tally.ends.clear()
        tally.wants_records = True
        self._pump.want_dry()
        if not self._is_started:
            self.start()
        try:
            if not self._pump.went_dry.wait(None if timeout is None else timeout.total_seconds()):
                raise TimeoutError(f"drain: not done after {timeout}; {self._what_waits()}")
            return tally.report(before, self._left())
        finally:
            tally.wants_records = False

    def _what_waits(self) -> str:
        try:
            left = self._left()
        except BackendUnavailable as error:
            return str(error)
        left["ready"] = left.pop("limited")  # it did not come to all that no limit holds back
        return f"running here: {len(self._crew.held)}, waiting: {left}"

    def stop(self, timeout: timedelta, *, for_hooks: timedelta | None = None) -> int:
        """Stop claiming, wait for what runs, hand back the rest; return how many that were.

        Waits for the hooks of all that is settled, too: `for_hooks`, or else `timeout`, from now.
        """
        began = self._clock.monotonic()
        self._ticker.stop()
        self._pump.stop_claiming()
        self._wait(self._holds_nothing, until=began + timeout.total_seconds())
        late = [work for work in list(self._crew.held.values()) if not work.ended]
        self._crew.tell_all("shutdown")
        self._wait(self._holds_nothing, until=self._clock.monotonic() + STOP_GRACE)
        for work in late:
            self._crew.give_back(work)
        settled = self._pump.stop(SETTLE_GRACE)
        if self._listener is not None:
            self._listener.stop()
        self._keeper.stop()
        # Also those whose handlers heeded the call: an async one is cancelled by it.
        handed_back = sum(work.handed_back for work in late)
        if handed_back:
            _LOGGER.warning("%d jobs did not end in time and were handed back", handed_back)
        if settled:
            self._leave()
        # By now all is settled, and all hooks that there will be are in line.
        limit = began + (timeout if for_hooks is None else for_hooks).total_seconds()
        grace = self._clock.monotonic() + STOP_GRACE
        self._wait(self._crew.hooks.are_made, until=max(limit, grace))
        self._crew.close()
        return handed_back

    def hurry(self) -> None:
        """End the wait of a `stop` that is under way."""
        self._hurried.set()
        self._crew.emptied.set()

    def _holds_nothing(self) -> bool:
        return not self._crew.held

    def _wait(self, is_over: Callable[[], bool], *, until: float) -> None:
        while not is_over() and (left := until - self._clock.monotonic()) > 0:
            if self._hurried.is_set():
                return
            self._crew.emptied.wait(min(left, 0.05))
            self._crew.emptied.clear()

    def _leave(self) -> None:
        leaves = [Leave(queue=name, worker=self.name) for name in self._pump.lines.names]
        try:
            self._store.run_many(leaves, now=self._now())
        except BackendUnavailable as error:
            _LOGGER.debug("the store forgets this worker by itself: %s", error)

    def _left(self) -> dict[str, int]:
        left: dict[str, int] = dict.fromkeys(LEFT, 0)
        served = self._pump.lines.lanes.lanes
        for name in self._pump.lines.names:
            counts = self._store.run(Count(queue=name), now=self._now())
            pauses = self._store.run(ReadPauses(queue=name), now=self._now())
            left["future"] += counts.scheduled + counts.retrying
            for type_name, number in counts.queued.items():
                left[why_left(type_name, served, pauses)] += number
        return left
