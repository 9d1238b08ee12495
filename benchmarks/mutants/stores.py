"""The stores that mutants are looked at in."""

from __future__ import annotations

from jobkit.memory.store import MemoryStore
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Store

STORE = "JOBKIT_MUTANT_STORE"  # in the environment: "memory", or the URL of a Redis
THEMES = "JOBKIT_MUTANT_THEMES"  # modules of the suite, to run no others


def memory_store() -> Store:
    """Return a fresh memory store."""
    return MemoryStore()


def redis_store(url: str, namespace: str) -> Store:
    """Return a Redis store; a namespace that nobody has used is a fresh one."""
    return RedisStore(Connections(address_of(url)), namespace=namespace)
