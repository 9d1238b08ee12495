"""A store in one SQLite file: the core, priorities and deletes; all else is refused by name.

A queue is one row, read and written as a whole: right and durable, but slow with many jobs.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import msgpack

from examples.toystore.queue import STEPS, WRITES, Queue, audit, earlier, push
from jobkit import store as port
from jobkit.clock import SystemClock, to_milliseconds
from jobkit.errors import JobkitError, NotSupported
from jobkit.store import Capability

R = TypeVar("R")
SCHEMA = "CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, content BLOB)"
ADD = "INSERT INTO queues VALUES (?, ?) ON CONFLICT DO NOTHING"
WRITE = "UPDATE queues SET content = ? WHERE name = ?"


class ToyStore:
    """Keep jobs in a file; any number of processes may share it."""

    atomic_over: port.AtomicOver = "store"
    capabilities = frozenset({Capability.PRIORITIES, Capability.DELETES})

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute(SCHEMA)

    def run(self, operation: port.Operation[R], /, *, now: int | None = None) -> R:
        port.refuse_beyond(operation, self.capabilities)
        clock = to_milliseconds(SystemClock().now()) if now is None else now
        with self._lock, self._db:  # commits, or takes back what an error left half done
            self._db.execute("BEGIN IMMEDIATE")
            result: R = self._carry_out(operation, clock)
            return result

    def run_many(
        self, operations: Sequence[port.Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        return [self._outcome(operation, now) for operation in operations]

    def waiter(self, worker: str) -> port.Waiter:
        raise NotSupported(f"{worker}: a waiter needs 'waking', which this store does not have")

    def audit(self, queue: str) -> list[str]:
        with self._lock:
            return audit(self._read(queue))

    def checkup(self) -> list[str]:
        return []

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _outcome(self, operation: port.Operation[Any], now: int | None) -> Any:
        try:
            return self.run(operation, now=now)
        except JobkitError as error:
            return error

    def _carry_out(self, operation: Any, clock: int) -> Any:
        match operation:
            case port.Push():
                return self._push(operation, clock)
            case port.Queues():
                names = self._db.execute("SELECT name FROM queues ORDER BY name")
                return tuple(name for (name,) in names)
            case port.Announce():
                self._add(*operation.queues)
                return port.PausedTypes()
            case _:
                return self._on_one_queue(operation, clock)

    def _on_one_queue(self, operation: Any, clock: int) -> Any:
        kind: type[object] = operation.__class__
        step = STEPS.get(kind)
        if step is None:
            raise NotSupported(f"the toy store does not know {kind.__name__}")
        if kind is port.Heartbeat:
            self._add(operation.queue)
        queue = self._read(operation.queue)
        answer = step(queue, operation, clock)
        if kind in WRITES:
            self._write(operation.queue, queue)
        return answer

    def _push(self, operation: port.Push, clock: int) -> tuple[str, ...]:
        names = dict.fromkeys(job.queue for job in operation.jobs)
        self._add(*names)
        queues = {name: self._read(name) for name in names}
        answered = earlier(next(iter(queues.values())), operation, clock)
        if answered is not None:
            return answered
        for name, queue in queues.items():
            push(queue, [job for job in operation.jobs if job.queue == name], clock)
            self._write(name, queue)
        return tuple(job.id for job in operation.jobs)

    def _add(self, *names: str) -> None:
        self._db.executemany(ADD, [(name, msgpack.encode(Queue())) for name in names])

    def _read(self, name: str) -> Queue:
        row = self._db.execute("SELECT content FROM queues WHERE name = ?", (name,)).fetchone()
        return Queue() if row is None else msgpack.decode(row[0], type=Queue)

    def _write(self, name: str, queue: Queue) -> None:
        self._db.execute(WRITE, (msgpack.encode(queue), name))
