"""Operations that wait in the store for a hint, as long as a worker has nothing to do."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard

from jobkit.store.operations import Operation
from jobkit.store.port import Store, Waiter


class PatientWaiter(Protocol):
    """Where one idle worker waits with what it is going to ask; used by one thread at a time."""

    def wait_and_run(
        self, queues: Sequence[str], timeout: float, operations: Sequence[Operation[Any]]
    ) -> list[Any] | None:
        """Block as `Waiter.wait` does, then carry out operations, and return as `run_many` does.

        None if `wake` ended it: then they may have been carried out, or not.
        """
        ...

    def wake(self) -> None:
        """End a `wait_and_run` that is under way in another thread, or the next one."""
        ...

    def close(self) -> None:
        """Let go of what this waiter holds."""
        ...


class WaitsPatiently(Protocol):
    """What a store may have beside the port: a wait and what follows it in one round trip."""

    def patient_waiter(self, worker: str) -> PatientWaiter:
        """Return where this worker waits."""
        ...


class WaitsThenRuns:
    """Waits, and then asks the store."""

    def __init__(self, store: Store, waiter: Waiter) -> None:
        self._store = store
        self._waiter = waiter
        self._woken = threading.Event()

    def wait_and_run(
        self, queues: Sequence[str], timeout: float, operations: Sequence[Operation[Any]]
    ) -> list[Any] | None:
        """Block until a hint comes or time runs out, then carry out operations."""
        self._waiter.wait(queues, timeout)
        if self._woken.is_set():
            self._woken.clear()
            return None
        return self._store.run_many(operations) if operations else []

    def wake(self) -> None:
        """End a wait that is under way in another thread, or the next one."""
        self._woken.set()
        self._waiter.wake()

    def close(self) -> None:
        """Let go of what the waiter holds."""
        self._waiter.close()


def can_wait_patiently(store: Store) -> TypeGuard[WaitsPatiently]:
    """Tell whether a store carries out what follows a wait in the same round trip."""
    # Asked of its class: what hands on all else to a store below still sees what is asked.
    return hasattr(type(store), "patient_waiter")


def patient_waiter(store: Store, worker: str) -> PatientWaiter:
    """Return where a worker waits, in one round trip with what follows if the store can do that."""
    if can_wait_patiently(store):
        return store.patient_waiter(worker)
    return WaitsThenRuns(store, store.waiter(worker))
