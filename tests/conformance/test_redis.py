"""The Redis store passes the suite: on fakeredis, and on each server of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import ClassVar

import fakeredis
import pytest

from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Store
from jobkit_testing.conformance import StoreConformance
from tests.servers import RedisServer


class TestFakeRedis(StoreConformance):
    exceptions: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        def make() -> Store:
            client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
            return RedisStore(Connections(address_of(client)))

        return make


class TestRedis(StoreConformance):
    @pytest.fixture
    def make_store(self, each_redis_server: RedisServer, namespace: str) -> Callable[[], Store]:
        numbers = count(1)

        def make() -> Store:
            connections = Connections(address_of(each_redis_server.url))
            return RedisStore(connections, namespace=f"{namespace}-{next(numbers)}")

        return make
