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

from jobkit import store as port
from jobkit.clock import SystemClock, to_milliseconds
from jobkit.errors import JobkitError, NotSupported
from jobkit.store import whole

R = TypeVar("R")
SCHEMA = "CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, content BLOB)"
ADD = "INSERT INTO queues VALUES (?, ?) ON CONFLICT DO NOTHING"
WRITE = "UPDATE queues SET content = ? WHERE name = ?"


class ToyStore:
    """Keep jobs in a file; any number of processes may share it."""

    atomic_over: port.AtomicOver = "store"
    capabilities = whole.CAPABILITIES

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
            return whole.audit(self._read(queue))

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
            case port.Queues():
                names = self._db.execute("SELECT name FROM queues ORDER BY name")
                return tuple(name for (name,) in names)
            case port.Announce():
                self._add(*operation.queues)
                return port.PausedTypes()
            case port.Push():
                self._add(*(job.queue for job in operation.jobs))
                return whole.push(operation, clock, read=self._read, write=self._write)
            case _:
                if isinstance(operation, port.Heartbeat):
                    self._add(operation.queue)
                return whole.carry_out(operation, clock, read=self._read, write=self._write)

    def _add(self, *names: str) -> None:
        self._db.executemany(ADD, [(name, msgpack.encode(whole.Queue())) for name in names])

    def _read(self, name: str) -> whole.Queue:
        row = self._db.execute("SELECT content FROM queues WHERE name = ?", (name,)).fetchone()
        return whole.Queue() if row is None else msgpack.decode(row[0], type=whole.Queue)

    def _write(self, name: str, queue: whole.Queue) -> None:
        self._db.execute(WRITE, (msgpack.encode(queue), name))
