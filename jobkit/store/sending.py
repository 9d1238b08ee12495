"""Operations that are on their way while whoever sent them does something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeGuard

from jobkit.store.operations import Operation
from jobkit.store.port import Store


class Answer(Protocol):
    """What a store is going to say to operations that were sent."""

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Wait for it, once, and return what `run_many` would have returned, or raise that.

        `awake`: no other thread here has work, so a store may look for it instead of sleeping.
        """
        ...


Ready: TypeAlias = Callable[[], Answer]  # sends what is ready, once


class Sends(Protocol):
    """What a store may have beside the port: it sends operations without waiting."""

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        """Send operations as `run_many` does; whoever calls this waits for the answer."""
        ...


class Readies(Sends, Protocol):
    """What such a store may have on top: most of the work of sending is done before."""

    def ready(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Ready:
        """Put operations into the form in which they are sent, and send nothing."""
        ...


class Here:
    """An answer that has come already."""

    def __init__(self, results: list[Any]) -> None:
        self._results = results

    def wait(self, *, awake: bool = False) -> list[Any]:  # noqa: ARG002 - it has come
        """Return it."""
        return self._results


def can_begin(store: Store) -> TypeGuard[Sends]:
    """Tell whether a store can send without waiting."""
    # Asked of its class: what hands on all else to a store below still sees what is sent.
    return hasattr(type(store), "begin")


def can_ready(store: Store) -> TypeGuard[Readies]:
    """Tell whether a store can make ready what is sent later."""
    return hasattr(type(store), "ready")


def begin(store: Store, operations: Sequence[Operation[Any]], *, now: int | None) -> Answer:
    """Send operations; a store that cannot send without waiting carries them out at once."""
    if can_begin(store):
        return store.begin(operations, now=now)
    return Here(store.run_many(operations, now=now))


def ready(store: Store, operations: Sequence[Operation[Any]], *, now: int | None) -> Ready:
    """Make operations ready to be sent, as far as a store can do that beforehand."""
    if can_ready(store):
        return store.ready(operations, now=now)
    return partial(begin, store, operations, now=now)
