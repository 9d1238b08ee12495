"""The Redis store passes the suite: on fakeredis, and on each server of this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, ClassVar

import fakeredis
import pytest

from jobkit.redis.cluster import ClusterStore, cluster_address_of
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.keys import hint_key
from jobkit.redis.store import RedisStore
from jobkit.redis.waiter import RedisWaiter
from jobkit.store import Store, Waiter
from jobkit_testing.conformance import StoreConformance
from jobkit_testing.conformance.builders import QUEUE
from tests.clusters import RedisCluster
from tests.servers import RedisServer


class HintedWaiter(RedisWaiter):
    """fakeredis has no socket that could be shut down under a reader: wake by a hint instead."""

    def __init__(self, client: fakeredis.FakeRedis, worker: str) -> None:
        super().__init__(address_of(client), "jobkit", worker)
        self._client: Any = client  # its methods are untyped
        self._key = hint_key("jobkit", QUEUE, worker)

    def wake(self) -> None:
        super().wake()
        self._client.rpush(self._key, "1")


class FakeRedisStore(RedisStore):
    """The Redis store on fakeredis."""

    def __init__(self) -> None:
        self._client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
        super().__init__(Connections(address_of(self._client)))

    def waiter(self, worker: str) -> Waiter:
        return HintedWaiter(self._client, worker)


class TestFakeRedis(StoreConformance):
    exceptions: ClassVar[Mapping[str, str]] = {}
    operations = 200  # its Lua is slow

    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        return FakeRedisStore


class TestRedisCluster(StoreConformance):
    """Three masters; the queues of a test are in several slots, mostly on several nodes."""

    @pytest.fixture
    def make_store(self, redis_cluster: RedisCluster, namespace: str) -> Callable[[], Store]:
        address = cluster_address_of(redis_cluster.url, reply_timeout=5.0)
        assert address is not None
        numbers = count(1)
        return lambda: ClusterStore(address, namespace=f"{namespace}-{next(numbers)}")


class TestRedis(StoreConformance):
    @pytest.fixture
    def make_store(self, each_redis_server: RedisServer, namespace: str) -> Callable[[], Store]:
        numbers = count(1)

        def make() -> Store:
            connections = Connections(address_of(each_redis_server.url))
            return RedisStore(connections, namespace=f"{namespace}-{next(numbers)}")

        return make
