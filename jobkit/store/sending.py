"""Operations that are on their way while whoever sent them does something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard

from jobkit.store.operations import Operation
from jobkit.store.port import Store


class Answer(Protocol):
    """What a store is going to say to operations that were sent."""

    def wait(self) -> list[Any]:
        """Wait for it, once, and return what `run_many` would have returned, or raise that."""
        ...


class Sends(Protocol):
    """What a store may have beside the port: it sends operations without waiting."""

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        """Send operations as `run_many` does; whoever calls this waits for the answer."""
        ...


class Here:
    """An answer that has come already."""

    def __init__(self, results: list[Any]) -> None:
        self._results = results

    def wait(self) -> list[Any]:
        """Return it."""
        return self._results


def can_begin(store: Store) -> TypeGuard[Sends]:
    """Tell whether a store can send without waiting."""
    # Asked of its class: what hands on all else to a store below still sees what is sent.
    return hasattr(type(store), "begin")


def begin(store: Store, operations: Sequence[Operation[Any]], *, now: int | None) -> Answer:
    """Send operations; a store that cannot send without waiting carries them out at once."""
    if can_begin(store):
        return store.begin(operations, now=now)
    return Here(store.run_many(operations, now=now))
