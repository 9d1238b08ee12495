"""A store over another one: what wrappers of a store have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from jobkit.store import AtomicOver, Capability, Operation, Store, Waiter

R = TypeVar("R")


class StoreOver:
    """Hands everything on to a store; it leaves that open: who made it closes it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        return self._store.run(operation, now=now)

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order, each atomic."""
        return self._store.run_many(operations, now=now)

    @property
    def atomic_over(self) -> AtomicOver:
        """How far one push reaches."""
        return self._store.atomic_over

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the store can do beyond the core."""
        return self._store.capabilities

    def waiter(self, worker: str) -> Waiter:
        """Return where this worker waits for hints."""
        return self._store.waiter(worker)

    def audit(self, queue: str) -> list[str]:
        """Check the invariants of a queue at rest and return a sentence for each breach."""
        return self._store.audit(queue)

    def checkup(self) -> list[str]:
        """Say what about the store's place may lose jobs."""
        return self._store.checkup()

    def close(self) -> None:
        """Leave the store open."""
