"""The port itself: what carries out operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from jobkit.store.capabilities import Capability
from jobkit.store.operations import AtomicOver, Operation

R = TypeVar("R")


class Waiter(Protocol):
    """Where one idle worker waits to be woken; used by one thread at a time."""

    def wait(self, queues: Sequence[str], timeout: float) -> bool:
        """Block until a hint for one of these queues comes, or for `timeout` seconds."""
        ...

    def wake(self) -> None:
        """End a `wait` that is under way in another thread, or the next one."""
        ...

    def close(self) -> None:
        """Let go of what this waiter holds."""
        ...


class Store(Protocol):
    """A place where jobs are kept."""

    @property
    def atomic_over(self) -> AtomicOver:
        """How far one push reaches: over all queues, or over one, which is then all it takes."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do beyond the core; anything else it refuses by name."""
        ...

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step.

        Raises `NotSupported`, and stores nothing, if it asks for what the store does not have;
        `BackendUnavailable` if the store cannot be reached or refuses to write.
        """
        ...

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order, each atomic, in one round trip.

        An operation that failed has its exception in its place; the others happened.
        """
        ...

    def waiter(self, worker: str) -> Waiter:
        """Return where this worker waits for hints."""
        ...

    def audit(self, queue: str) -> list[str]:
        """Check the invariants of a queue at rest and return a sentence for each breach."""
        ...

    def checkup(self) -> list[str]:
        """Return a sentence for each thing about the place itself that may lose jobs."""
        ...

    def close(self) -> None:
        """Let go of all connections; idempotent."""
        ...


class AsyncStore(Protocol):
    """A store for coroutines; the same operations."""

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        ...

    async def close(self) -> None:
        """Let go of the running loop's connections; idempotent."""
        ...
