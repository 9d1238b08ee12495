"""The ticker: fires the ticks that are due, and declares schedules, in a thread of its own.

It hears from the pump and the keeper when a queue's next tick is, and reads and writes the store
then; else once a minute, to declare. It runs users' rules, so neither pump nor keeper do. Any
number of workers may fire the same tick: the store lets one through. If it dies, the ticks
wait for another worker.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from jobkit.clock import Clock
from jobkit.engine import Engine, drive
from jobkit.errors import BackendUnavailable
from jobkit.ids import jitter
from jobkit.store import Capability, Declare, Declared, NewSchedule, Operation, Queues, Store
from jobkit.worker.rests import rest_after

DECLARED_EVERY = 60.0  # seconds, well below the ten minutes after which schedules are removed
LOOK_AGAIN = 1.0  # seconds, at ticks that could not be fired here
SAME = 0.005  # seconds between two reckonings of one tick
SHORTEST_REST = 0.001
_LOGGER = logging.getLogger("jobkit.worker")


class Ticker:
    """Looks at the schedules of queues when one is due."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        worker: str,
        clock: Clock,
        now: Callable[[], int | None],
        on_turn: Callable[[bool], None],
    ) -> None:
        self._engine = engine
        self._store = store
        self._worker = worker
        self._clock = clock
        self._now = now
        self._on_turn = on_turn
        self._lock = threading.Lock()
        self._looks: dict[str, float] = {}  # by queue, when to look (monotonic)
        self._seen: dict[str, tuple[float, int]] = {}  # the last look: monotonic, store's instant
        self._declared: list[NewSchedule] = []
        self._version = -1
        self._is_put = False
        self._next_declaration = 0.0
        self._failures = 0
        self._is_at_work = False
        self._has_fired = False
        self._stopping = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="jobkit-ticker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._next_declaration = self._clock.monotonic() + self._interval()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a rule that hangs keeps it, but not us."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def told(self, queue: str, tick: int | None, now: int) -> None:
        """Note when the next tick of a queue is, as the store says at its instant `now`."""
        if tick is None:
            return
        at = self._clock.monotonic() + max(0, tick - now) / 1000
        seen = self._seen.get(queue)
        if seen is not None and tick <= seen[1]:
            at = max(at, seen[0] + LOOK_AGAIN)  # it was due then, and not for us
        known = self._looks.get(queue)
        if known is not None and known <= at + SAME:
            return
        with self._lock:
            self._looks[queue] = at
        self._wake.set()

    def has_ticks_due(self) -> bool:
        """Tell whether something is due here that is not fired yet, or not declared.

        What was registered since the last turn is declared at once, for whoever asks.
        """
        if self._stopping or not self._thread.is_alive():
            return False
        if self._version != self._engine.handlers.version:
            self._wake.set()  # else it would be in up to a minute
            return True
        now = self._clock.monotonic()
        return (
            self._is_at_work
            or not self._is_put
            or any(at <= now for at in list(self._looks.values()))
        )

    def _tick(self) -> None:
        while not self._stopping:
            self._wake.clear()
            self._is_at_work = True
            try:
                self._turn()
                self._failures = 0
                rest = self._rest()
                self._is_at_work, fired, self._has_fired = False, self._has_fired, False
                self._on_turn(fired)
            except BackendUnavailable:  # the pump tells of the outage
                rest = self._outage()
            except Exception:  # ticks must not die of an error here
                _LOGGER.exception("the ticker failed; it goes on")
                rest = self._outage()
            self._is_at_work = False
            self._wake.wait(max(rest, SHORTEST_REST))

    def _turn(self) -> None:
        self._put_declared()
        now = self._clock.monotonic()
        if now >= self._next_declaration:
            self._next_declaration = now + self._interval()
            self._declare()
        for queue in [queue for queue, at in list(self._looks.items()) if at <= now]:
            self._look(queue)

    def _look(self, queue: str) -> None:
        """Fire what is due in a queue, and find out when to look again."""
        look = drive(self._engine.scheduling.fire_due(queue), self._run)
        now = self._clock.monotonic()
        self._seen[queue] = (now, look.now)
        ats = [now + (look.next - look.now) / 1000] if look.next is not None else []
        if look.failed:
            ats.append(now + LOOK_AGAIN)
        with self._lock:
            if ats:
                self._looks[queue] = min(ats)
            else:
                self._looks.pop(queue, None)
        self._has_fired |= look.fired > 0

    # Declared schedules.

    def _put_declared(self) -> None:
        """Put what is declared when something has been registered, and at the start."""
        version = self._engine.handlers.version
        if self._version == version and self._is_put:
            return
        scheduling = self._engine.scheduling
        put = [
            drive(scheduling.put_declared(owner, asked), self._run)
            for owner, asked in scheduling.declared()
        ]
        self._declared = [new for new in put if new is not None]
        self._version, self._is_put = version, True

    def _declare(self) -> None:
        """Tell all queues which schedules there are to be of our owners."""
        if Capability.SCHEDULES not in self._store.capabilities:
            return
        known: Sequence[str] = self._run(Queues())
        # Also where no queue is known any more: the store may have lost everything.
        queues = {*known, *(new.queue for new in self._declared)}
        declarations = [
            Declare(queue=queue, owner=owner, names=self._names(queue, owner))
            for queue in sorted(queues)
            for owner in self._engine.handlers.owners
        ]
        if not declarations:
            return
        results = self._store.run_many(declarations, now=self._now())
        for declaration, result in zip(declarations, results, strict=True):
            if isinstance(result, BackendUnavailable):
                raise result
            if isinstance(result, Declared):
                self._heed(declaration, result)

    def _heed(self, declaration: Declare, result: Declared) -> None:
        for name in result.removed:
            _LOGGER.warning(
                "schedule %s of %s was removed: no worker of %r declares it any more",
                name,
                declaration.queue,
                declaration.owner,
            )
        if declaration.names and not result.known:
            self._is_put = False  # the store has lost what it knew

    def _names(self, queue: str, owner: str) -> tuple[str, ...]:
        ours = self._declared
        return tuple(new.name for new in ours if (new.queue, new.owner) == (queue, owner))

    # Rest and trouble.

    def _run(self, operation: Operation[Any]) -> Any:
        return self._store.run(operation, now=self._now())

    def _interval(self) -> float:
        return DECLARED_EVERY * (0.75 + jitter(self._worker, "ticker") / 2)

    def _rest(self) -> float:
        if not self._is_put:
            return 0.0
        with self._lock:
            looks = list(self._looks.values())
        return min([*looks, self._next_declaration]) - self._clock.monotonic()

    def _outage(self) -> float:
        self._failures += 1
        return rest_after(self._failures, self._worker, "ticker")
