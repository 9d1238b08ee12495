"""Where a test keeps its jobs: in memory, on fakeredis, or in a namespace of its own on a Redis."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from jobkit.memory.store import MemoryStore
from jobkit.store import Store
from jobkit_testing.clock import VirtualClock


@contextmanager
def open_store(backend: str, *, url: str, clock: VirtualClock) -> Generator[Store]:
    """Give an empty store that nobody else uses, and leave nothing of it behind.

    `backend`: memory, fakeredis, or redis, which is at `url`.
    """
    if backend == "memory":
        yield MemoryStore(clock)
        return
    from jobkit_testing.redis_places import on_redis

    with on_redis(None if backend == "fakeredis" else url) as store:
        yield store


def describe_store(store: Store) -> str:
    """Name a store and its version: `memory`, `fakeredis 2.36.2`, `Redis 8.2.1`."""
    if isinstance(store, MemoryStore):
        return "memory"
    if not hasattr(store, "nodes"):
        return type(store).__qualname__
    from jobkit_testing.redis_places import describe_redis

    return describe_redis(store)
