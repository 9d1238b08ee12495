"""What the end-to-end tests need to know of backends."""

from __future__ import annotations

from typing import Any, Protocol, cast

from jobkit.store import Queues, Store
from jobkit.worker import WorkingJobs


class MakeJobs(Protocol):
    """Makes a backend; on Redis, those of one test share a namespace."""

    def __call__(self, **options: Any) -> WorkingJobs: ...


def store_of(jobs: WorkingJobs) -> Store:
    """Return the store below the public face: to look at it, or to damage it."""
    return cast(Store, vars(jobs)["_store"])


def breaches(jobs: WorkingJobs) -> list[str]:
    """Return what is wrong in the store of a backend at rest."""
    store = store_of(jobs)
    return [f"{queue}: {each}" for queue in store.run(Queues()) for each in store.audit(queue)]
