"""The async Redis store passes the same suite: each operation is awaited on a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeVar

import pytest

from jobkit.errors import JobkitError
from jobkit.redis.aio import AsyncRedisStore
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Operation, Store
from jobkit_testing.conformance import StoreConformance
from tests.servers import RedisServer

R = TypeVar("R")


class AwaitedStore(RedisStore):
    """Awaits operations; waits, audits and check-ups, which have no async twin, are the sync ones.

    Operations that the suite runs from several threads take turns on the loop.
    """

    def __init__(self, url: str, namespace: str) -> None:
        address = address_of(url)
        super().__init__(Connections(address), namespace=namespace)
        self._awaited = AsyncRedisStore(address, namespace=namespace)
        self._loop: asyncio.Runner | None = None
        self._turn = threading.Lock()

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        with self._turn:
            if self._loop is None:  # a store that was closed can be used again
                self._loop = asyncio.Runner()
            return self._loop.run(self._awaited.run(operation, now=now))

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        return [self._outcome(operation, now) for operation in operations]

    def close(self) -> None:
        with self._turn:
            if self._loop is not None:
                self._loop.run(self._awaited.close())
                self._loop.close()
                self._loop = None
        super().close()

    def _outcome(self, operation: Operation[Any], now: int | None) -> Any:
        try:
            return self.run(operation, now=now)
        except JobkitError as error:
            return error


class TestAsyncRedis(StoreConformance):
    @pytest.fixture
    def make_store(self, redis_server: RedisServer, namespace: str) -> Callable[[], Store]:
        numbers = count(1)
        return lambda: AwaitedStore(redis_server.url, f"{namespace}-async-{next(numbers)}")
