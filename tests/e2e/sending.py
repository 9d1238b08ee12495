"""A store for workers that sends without waiting: it carries out at once, and keeps all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from jobkit import BackendUnavailable
from jobkit.store import Answer, Claim, Claimed, Here, Operation, Settle, Store
from jobkit.worker import WorkingJobs

S = TypeVar("S")
Request = Sequence[Operation[Any]]


class Lost:
    """An answer that is lost on its way."""

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Raise."""
        raise BackendUnavailable("the reply was lost", stored="unknown")


class Sending:
    """Carries out what is sent, and keeps it.

    `loses`: the answers to which settlements that go alone. `refuses`: which of these are not
    carried out. `is_full`: no claim is. `brought`: how many jobs, by request.
    """

    def __init__(
        self,
        store: Store,
        *,
        loses: frozenset[int] = frozenset(),
        refuses: frozenset[int] = frozenset(),
    ) -> None:
        self._store = store
        self._loses = loses
        self._refuses = refuses
        self.is_full = False
        self.refused_claims = 0
        self.alone = 0
        self.requests: list[Request] = []
        self.brought: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        self.requests.append(operations)
        if is_alone := all(isinstance(each, Settle) for each in operations):
            self.alone += 1
            if self.alone in self._refuses:
                return Here([BackendUnavailable("full", stored="no") for _ in operations])
        results = [self._outcome(each, now) for each in operations]
        self.brought.append(sum(len(each.jobs) for each in results if isinstance(each, Claimed)))
        return Lost() if is_alone and self.alone in self._loses else Here(results)

    def _outcome(self, operation: Operation[Any], now: int | None) -> Any:
        if self.is_full and isinstance(operation, Claim):
            self.refused_claims += 1
            return BackendUnavailable("full", stored="no")
        return self._store.run_many([operation], now=now)[0]

    def shapes(self) -> set[str]:
        """Return which operations of these two kinds went together, in their order."""
        kinds = Settle, Claim
        return {
            " ".join(type(each).__name__.lower() for each in request if isinstance(each, kinds))
            for request in self.requests
        }


def give(jobs: WorkingJobs, store: S) -> S:
    """Let a backend use this store."""
    vars(jobs)["_store"] = store
    return store
