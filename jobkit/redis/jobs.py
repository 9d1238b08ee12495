"""`RedisJobs`: jobs in one Redis, for production."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from redis import Redis
from redis.cluster import RedisCluster

from jobkit.checks import queue_name
from jobkit.clock import SystemClock, system_milliseconds
from jobkit.engine import Engine
from jobkit.errors import InvalidOption
from jobkit.handlers import Handlers
from jobkit.ids import system_ids
from jobkit.options import EnqueueOptions, QueueOptions
from jobkit.redis.aio import AsyncRedisStore
from jobkit.redis.cluster import (
    AsyncClusterStore,
    ClusterStore,
    cluster_address_of,
)
from jobkit.redis.connections import REPLY_TIMEOUT, Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import AsyncStore, Store
from jobkit.worker import WorkingJobs


class RedisJobs(WorkingJobs):
    """Keep jobs in Redis; any number of processes enqueue, any number work.

    `url_or_client`: `redis://`, `rediss://` (TLS) or `unix://`, `redis+sentinel://`,
    `redis+cluster://`, or a client of redis-py whose settings are taken over. Nothing is
    connected before the first call. The time is Redis's.
    `namespace` isolates completely: its jobs share nothing with those of another.
    """

    def __init__(
        self,
        url_or_client: str | Redis | RedisCluster,
        *,
        namespace: str = "jobkit",
        handlers: Handlers | Sequence[Handlers] = (),
        defaults: EnqueueOptions | None = None,
        queues: Mapping[str, QueueOptions] | None = None,
        enqueue_timeout: timedelta | None = None,
        max_payload: int | None = None,
        version: str | None = None,
    ) -> None:
        if complaint := queue_name(namespace):
            raise InvalidOption(f"namespace={namespace!r}: {complaint}")
        reply_timeout = _reply_timeout(enqueue_timeout)
        store, async_store, shown = _stores(url_or_client, namespace, reply_timeout)
        engine = Engine(
            handlers=handlers,
            defaults=defaults,
            queues=queues,
            new_ids=lambda: system_ids(system_milliseconds),
            max_payload=max_payload,
            version=version,
            durable=True,
        )
        super().__init__(
            engine,
            store,
            async_store,
            clock=SystemClock(),
            enqueue_timeout=enqueue_timeout,
        )
        self._shown = f"RedisJobs({shown!r}, namespace={namespace!r})"

    def __repr__(self) -> str:
        return self._shown


def _stores(
    url_or_client: str | Redis | RedisCluster, namespace: str, reply_timeout: float
) -> tuple[Store, AsyncStore, str]:
    """Return the stores for threads and coroutines, and what may be shown of their address."""
    cluster = cluster_address_of(url_or_client, reply_timeout=reply_timeout)
    if cluster is not None:
        store = ClusterStore(cluster, namespace=namespace)
        return store, AsyncClusterStore(cluster, namespace=namespace), cluster.shown
    address = address_of(url_or_client, reply_timeout=reply_timeout)
    single = RedisStore(Connections(address), namespace=namespace)
    return single, AsyncRedisStore(address, namespace=namespace), address.shown


def _reply_timeout(enqueue_timeout: timedelta | None) -> float:
    """Return how long to wait for one reply: no longer than an enqueue may take, but a second."""
    if not isinstance(enqueue_timeout, timedelta):  # what is wrong with it is told further down
        return REPLY_TIMEOUT
    return min(REPLY_TIMEOUT, max(1.0, enqueue_timeout.total_seconds()))
