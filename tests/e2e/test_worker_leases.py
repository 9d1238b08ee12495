"""Which leases a worker keeps alive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from jobkit import MemoryJobs
from jobkit.store import Heartbeat, Operation, Store
from tests.e2e.backends import store_of
from tests.e2e.jobtypes import Ping
from tests.e2e.waiting import Gate, eventually


class Overhears:
    """Hands operations on, and notes of which jobs the leases were extended."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.extended: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        beats = [each for each in operations if isinstance(each, Heartbeat)]
        self.extended |= {lease.id for beat in beats for lease in beat.leases}
        return self._store.run_many(operations, now=now)


def test_the_lease_of_a_job_that_waits_for_a_slot_is_kept_too() -> None:
    """B37: it was claimed ahead, and nobody has lost it."""
    with MemoryJobs() as jobs:
        store = Overhears(store_of(jobs))
        vars(jobs)["_store"] = store
        gate = Gate()
        jobs.register(gate.handle, job=Ping)
        handles = jobs.enqueue_many(Ping(n) for n in range(2))
        jobs.start(concurrency=1, prefetch=1)
        gate.wait_for(1)

        eventually(lambda: {handle.id for handle in handles} <= store.extended)

        gate.open()
        jobs.drain(timeout=timedelta(minutes=1))
