"""The memory store: the port's operations on plain Python objects, under one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from jobkit.clock import Clock, SystemClock, to_milliseconds
from jobkit.errors import JobkitError, NotSupported
from jobkit.memory import operate
from jobkit.memory.audit import audit
from jobkit.memory.pauses import changed
from jobkit.memory.queue import MemoryQueue
from jobkit.process import process_number
from jobkit.store import (
    ALL_CAPABILITIES,
    Announce,
    AtomicOver,
    Heartbeat,
    Operation,
    PausedTypes,
    PauseType,
    Push,
    PutSchedule,
    Queues,
    SetPause,
    Settle,
    SpreadPauses,
    UseOrder,
    Waiter,
)

R = TypeVar("R")
BRINGS_QUEUE = frozenset({Heartbeat, PutSchedule, SetPause, SpreadPauses, UseOrder})


class MemoryStore:
    """Keep jobs in this process; nothing outlives it."""

    capabilities = ALL_CAPABILITIES

    def __init__(self, clock: Clock | None = None, *, atomic_over: AtomicOver = "store") -> None:
        self.atomic_over: AtomicOver = atomic_over
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._process = process_number()
        self._queues = _Queues(self._hint)
        self._queue = self._queues.__getitem__
        self._waiters: dict[str, MemoryWaiter] = {}
        self._paused = PausedTypes()

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        with self._lock:
            clock = to_milliseconds(self._clock.now()) if now is None else now
            result: Any = self._carry_out(operation, clock)
            return result  # type: ignore[no-any-return]  # the operation's type says which

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order, each atomic; one that fails leaves its exception."""
        return [self._outcome(operation, now) for operation in operations]

    def waiter(self, worker: str) -> Waiter:
        """Return where this worker waits for hints."""
        return self._waiters.setdefault(worker, MemoryWaiter(lambda: self._forget(worker)))

    def audit(self, queue: str) -> list[str]:
        """Check the invariants of a queue and return a sentence for each breach."""
        with self._lock:
            return audit(self._look(queue))

    def checkup(self) -> list[str]:
        """Say what everybody should know of it."""
        return ["jobs are kept in the memory of this process: they end with it"]

    def close(self) -> None:
        """Nothing is held that needs closing."""

    def _outcome(self, operation: Operation[Any], now: int | None) -> Any:
        try:
            return self.run(operation, now=now)
        except JobkitError as error:
            return error

    def _carry_out(self, operation: Operation[Any], now: int) -> Any:
        kind = type(operation)
        on_one_queue = operate.ON_ONE_QUEUE.get(kind)
        if on_one_queue is not None:
            named: Any = operation  # these all name their queue
            # A look at a queue that is not there must not bring it into being.
            queue_of = self._queue if kind in BRINGS_QUEUE else self._look
            return on_one_queue(queue_of(named.queue), operation, now)
        match operation:
            case Push():
                if self._process != process_number():
                    raise _in_another_process()
                if self.atomic_over == "queue":
                    operation.check_reach("queue")
                return operate.push(self._queue, operation, now)
            case Settle():
                queue = self._look(operation.queue)
                return operate.settle(queue, self._queue, operation, now)
            case Announce():
                for name in operation.queues:
                    self._queue(name)
                return self._paused
            case PauseType():
                name, paused = operation.type, operation.paused
                self._paused = changed(self._paused, name, paused=paused, now=now)
                return replace(self._paused, queues=tuple(sorted(self._queues)))
            case Queues():
                return tuple(sorted(self._queues))
            case _:
                raise NotSupported(f"the memory store does not know {kind.__name__}")

    def _look(self, name: str) -> MemoryQueue:
        return self._queues.get(name) or MemoryQueue(name)

    def _hint(self, queue: str, worker: str) -> None:
        waiter = self._waiters.get(worker)
        if waiter is not None:
            waiter.hint(queue)

    def _forget(self, worker: str) -> None:
        self._waiters.pop(worker, None)


class _Queues(dict[str, MemoryQueue]):
    """Queues by name: one that is named for the first time comes into being."""

    def __init__(self, hint: Callable[[str, str], None]) -> None:
        self._hint = hint

    def __missing__(self, name: str) -> MemoryQueue:
        queue = self[name] = MemoryQueue(name)
        queue.crew.on_hint = partial(self._hint, name)
        return queue


def _in_another_process() -> NotSupported:
    return NotSupported(
        "MemoryJobs keeps its jobs in the process that made it, and this is another one: what is "
        "enqueued here would never run. Enqueue on ctx, or use RedisJobs"
    )


class MemoryWaiter:
    """The hints that have reached one worker."""

    def __init__(self, on_close: Callable[[], None]) -> None:
        self._changed = threading.Condition()
        self._hints: set[str] = set()  # the queues that they came from
        self._woken = False
        self._on_close = on_close

    def wait(self, queues: Sequence[str], timeout: float) -> bool:
        """Block until a hint for one of these queues comes, or for `timeout` seconds."""
        with self._changed:
            heard = self._changed.wait_for(
                lambda: self._woken or not self._hints.isdisjoint(queues), timeout
            )
            self._hints.difference_update(queues)
            self._woken = False
            return heard

    def wake(self) -> None:
        """End a `wait` that is under way, or the next one."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def hint(self, queue: str) -> None:
        """Note that there is something to do in a queue."""
        with self._changed:
            self._hints.add(queue)
            self._changed.notify_all()

    def close(self) -> None:
        """Stop listening for hints."""
        self._on_close()


class AsyncMemoryStore:
    """The same store for coroutines; nothing in it ever waits."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        return self._store.run(operation, now=now)

    async def close(self) -> None:
        """Nothing is held that needs closing."""
