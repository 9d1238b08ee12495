"""Where an idle worker waits with a claim: Redis carries that out in the moment of the hint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import redis.exceptions as rx

from jobkit.redis.command import Command
from jobkit.redis.waiter import RedisWaiter
from jobkit.store import Operation, Store, WaitsThenRuns

Prepare: TypeAlias = Callable[[Sequence[Operation[Any]]], list[Command] | None]
Read: TypeAlias = Callable[[Command, Any], Any]


class RedisPatience(WaitsThenRuns):
    """Sends operations behind the blocking command, on the same connection.

    `prepare`: returns their commands if the server has the scripts, else None. `read`: says what
    a reply means.
    """

    def __init__(self, store: Store, waiter: RedisWaiter, prepare: Prepare, read: Read) -> None:
        super().__init__(store, waiter)
        self._behind = waiter
        self._prepare = prepare
        self._read = read

    def wait_and_run(
        self, queues: Sequence[str], timeout: float, operations: Sequence[Operation[Any]]
    ) -> list[Any] | None:
        """Block until a hint comes or time runs out; Redis carries out operations then."""
        commands = self._prepare(operations) if operations else None
        if commands is None:
            return super().wait_and_run(queues, timeout, operations)
        replies = self._behind.wait_with(queues, timeout, [each.packed() for each in commands])
        if replies is None:
            return None
        results: list[Any] = []
        for sent, reply in zip(commands, replies, strict=True):
            if isinstance(reply, rx.NoScriptError):
                return self._store.run_many(operations)  # what was carried out is told again
            results.append(self._read(sent, reply))
        return results
