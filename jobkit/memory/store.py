"""The memory store: the port's operations on plain Python objects, under one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jobkit.clock import Clock, SystemClock, to_milliseconds
from jobkit.errors import NotSupported
from jobkit.memory import operate
from jobkit.memory.audit import audit
from jobkit.memory.queue import MemoryQueue
from jobkit.store import Operation, Push, Queues, Settle, Waiter

R = TypeVar("R")


class MemoryStore:
    """Keep jobs in this process; nothing outlives it."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._queues: dict[str, MemoryQueue] = {}
        self._waiters: dict[str, MemoryWaiter] = {}

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        with self._lock:
            result: Any = self._carry_out(operation, self._instant(now))
            return result  # type: ignore[no-any-return]  # the operation's type says which

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order, each atomic."""
        return [self.run(operation, now=now) for operation in operations]

    def waiter(self, worker: str) -> Waiter:
        """Return where this worker waits for hints."""
        return self._waiters.setdefault(worker, MemoryWaiter(lambda: self._forget(worker)))

    def audit(self, queue: str) -> list[str]:
        """Check the invariants of a queue and return a sentence for each breach."""
        with self._lock:
            return audit(self._queue(queue))

    def close(self) -> None:
        """Nothing is held that needs closing."""

    def _instant(self, now: int | None) -> int:
        return to_milliseconds(self._clock.now()) if now is None else now

    def _carry_out(self, operation: Operation[Any], now: int) -> Any:
        match operation:
            case Push():
                return operate.push(self._queue, operation, now)
            case Settle():
                return operate.settle(self._queue, operation, now)
            case Queues():
                return tuple(sorted(self._queues))
        carry_out: Callable[[MemoryQueue, Any, int], Any] | None = operate.ON_ONE_QUEUE.get(
            type(operation)
        )
        if carry_out is None:
            raise NotSupported(f"the memory store does not know {type(operation).__name__}")
        # Every operation on one queue names it.
        return carry_out(self._queue(operation.queue), operation, now)  # type: ignore[attr-defined]

    def _queue(self, name: str) -> MemoryQueue:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = MemoryQueue(name)
            queue.crew.on_hint = self._wake
        return queue

    def _wake(self, worker: str) -> None:
        waiter = self._waiters.get(worker)
        if waiter is not None:
            waiter.wake()

    def _forget(self, worker: str) -> None:
        self._waiters.pop(worker, None)


class MemoryWaiter:
    """An event that hints set."""

    def __init__(self, on_close: Callable[[], None]) -> None:
        self._event = threading.Event()
        self._on_close = on_close

    def wait(self, queues: Sequence[str], timeout: float) -> bool:
        """Block until a hint comes, or for `timeout` seconds."""
        woken = self._event.wait(timeout)
        self._event.clear()
        return woken

    def wake(self) -> None:
        """End a `wait` that is under way, or the next one."""
        self._event.set()

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
