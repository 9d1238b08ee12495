"""A Redis for one test: a fakeredis of its own, or a namespace of its own on a real one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib.metadata import version
from typing import Any

from jobkit.errors import BackendUnavailable, JobkitError
from jobkit.ids import incarnation
from jobkit.redis.checkup import parse_info
from jobkit.redis.cluster import ClusterStore, cluster_address_of
from jobkit.redis.connections import REPLY_TIMEOUT, Connections, address_of
from jobkit.redis.server import Ask
from jobkit.redis.store import RedisStore
from jobkit.store import Queues, Store

NAMESPACE = "jobkit-test"
KEYS_A_STEP = 1_000


class FakeStore(RedisStore):
    """The Redis store on a fakeredis that nobody else uses."""

    def __init__(self) -> None:
        import fakeredis

        client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
        super().__init__(Connections(address_of(client)))


@contextmanager
def on_redis(url: str | None) -> Generator[Store]:
    """Give a store on the Redis or cluster at `url`, or on a fakeredis; then remove its keys."""
    if url is None:
        yield FakeStore()
        return
    namespace = f"{NAMESPACE}-{incarnation()}"
    store = _store_at(url, namespace)
    try:
        yield store
    finally:
        with closing(store):
            for ask in store.nodes():
                remove_keys(ask, namespace)


def trouble_with(url: str) -> str:
    """Say why tests cannot use the Redis at `url`; empty if they can."""
    try:
        with closing(_store_at(url, NAMESPACE)) as store:
            store.run(Queues())
    except JobkitError as error:
        return str(error)
    return ""


def _store_at(url: str, namespace: str) -> RedisStore | ClusterStore:
    cluster = cluster_address_of(url, reply_timeout=REPLY_TIMEOUT)
    if cluster is not None:
        return ClusterStore(cluster, namespace=namespace)
    return RedisStore(Connections(address_of(url)), namespace=namespace)


def remove_keys(ask: Ask, namespace: str) -> None:
    """Remove every key of a namespace from one node.

    It looks through all that the node holds: production never does that.
    """
    cursor = b"0"
    while True:
        look = (b"SCAN", cursor, b"MATCH", f"*{namespace}*", b"COUNT", KEYS_A_STEP)
        cursor, keys = _answer(ask([look])[0])
        if keys:  # one by one: on a cluster they are in several slots
            for reply in ask([(b"UNLINK", key) for key in keys]):
                _answer(reply)
        if cursor == b"0":
            return


def describe_redis(store: Store) -> str:
    """Return `Redis 8.2.1`; of a cluster the version of each node, if they differ."""
    if isinstance(store, FakeStore):
        return f"fakeredis {version('fakeredis')}"
    if not isinstance(store, RedisStore | ClusterStore):
        return type(store).__qualname__
    try:
        found = " and ".join(sorted({_version(ask) for ask in store.nodes()}))
    except BackendUnavailable:  # it may be the reason why somebody wants to know
        found = "a Redis that is out of reach"
    return f"cluster of {found}" if isinstance(store, ClusterStore) else found


def _version(ask: Ask) -> str:
    reply = ask([(b"INFO", b"server")])[0]
    if isinstance(reply, Exception):  # not allowed, or a client of fakeredis
        return "Redis of an unknown version"
    info = parse_info(reply.decode())
    valkey = info.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {info.get('redis_version', '?')}"


def _answer(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply
