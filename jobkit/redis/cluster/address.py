"""Where a Redis Cluster is: some of its nodes, and how to talk to any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from redis.cluster import RedisCluster

from jobkit.errors import InvalidOption
from jobkit.redis.connections import Address, check_login, of_pool, of_server_url, without_password
from jobkit.redis.hosts import Host, hosts_of

SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
PORT = 6379
FORM = "redis+cluster://:password@host1:6379,host2:6379"


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Some nodes of a cluster, and how to talk to each; `shown` has no password."""

    nodes: tuple[Host, ...]
    like: Address
    shown: str

    def node(self, host: Host) -> Address:
        """Return the address of one node, which need not be among those that were given."""
        arguments = {**self.like.arguments, "host": host[0], "port": host[1]}
        shown = f"{host[0]}:{host[1]} of {self.shown}"
        return Address(self.like.connection_class, arguments, shown)


def cluster_address_of(given: object, *, reply_timeout: float) -> ClusterAddress | None:
    """Read a cluster's address off a URL or a client; None if this is of no cluster."""
    if isinstance(given, RedisCluster):
        return _of_client(given, reply_timeout)
    if not isinstance(given, str) or given.partition("://")[0] not in SCHEMES:
        return None
    check_login(given)
    parts = urlsplit(given)
    if parts.path.strip("/") not in ("", "0"):
        raise InvalidOption(f"a Redis Cluster has database 0 only: write {FORM}")
    login, _, hosts = parts.netloc.rpartition("@")
    plain = parts._replace(
        scheme=SCHEMES[parts.scheme], netloc=f"{login}@node" if login else "node", path=""
    )
    like = of_server_url(urlunsplit(plain), reply_timeout)
    return ClusterAddress(tuple(hosts_of(hosts, PORT, FORM)), like, without_password(given))


def _of_client(client: RedisCluster, reply_timeout: float) -> ClusterAddress:
    untyped = cast(Any, client)  # redis-py leaves its clusters half typed
    nodes: list[Any] = untyped.get_nodes()
    pool = untyped.get_redis_connection(nodes[0]).connection_pool
    shown = "the client's Redis Cluster"
    return ClusterAddress(
        tuple((node.host, node.port) for node in nodes), of_pool(pool, shown, reply_timeout), shown
    )
