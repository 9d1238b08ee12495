"""A primary that Sentinel names: looked up anew for each connection.

So whatever breaks a connection (its server died, or was demoted) leads to the primary of now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import connection as aio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from jobkit.errors import InvalidOption
from jobkit.redis.hosts import Host, hosts_of

SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
PORT = 26379
FORM = "redis+sentinel://:password@host1:26379,host2:26379/name-of-the-primary/0"
_LOGIN = {"sentinel_username": "username", "sentinel_password": "password"}
# Of the settings of the primary's connections, those that make sense for Sentinel's too.
_SHARED = ("socket_", "ssl_")
_Sentinel: Any = Sentinel  # redis-py leaves these two untyped
_AsyncSentinel: Any = AsyncSentinel


@dataclass(slots=True)
class Sentinels:
    """Sentinels, and the name under which they know a primary.

    `arguments`: redis-py's, for the connections to Sentinel itself.
    """

    hosts: list[Host]
    name: str
    arguments: dict[str, Any] = field(repr=False)

    def primary(self) -> Host:
        """Ask one Sentinel after the other for the primary."""
        asked = _Sentinel(self.hosts, sentinel_kwargs=self._with(Retry(NoBackoff(), 0)))
        try:
            found: Host = asked.discover_master(self.name)
            self._remember(asked)
        finally:
            for client in asked.sentinels:
                client.close()
        return found

    async def async_primary(self) -> Host:
        """Do as `primary`, in a coroutine."""
        asked = _AsyncSentinel(self.hosts, sentinel_kwargs=self._with(AsyncRetry(NoBackoff(), 0)))
        try:
            found: Host = await asked.discover_master(self.name)
            self._remember(asked)
        finally:
            for client in asked.sentinels:
                await client.aclose()
        return found

    def _with(self, retry: object) -> dict[str, Any]:
        return {**self.arguments, "retry": retry, "retry_on_error": [], "protocol": 2}

    def _remember(self, asked: Any) -> None:
        """Ask the one first that answered: redis-py puts it at the top."""
        given = asked.sentinels[0].connection_pool.connection_kwargs
        first: Host = (given["host"], given["port"])
        self.hosts = [first, *(host for host in self.hosts if host != first)]


class _Primary:
    """Finds out where the primary is before it connects."""

    def __init__(self, *, sentinels: Sentinels, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._sentinels = sentinels


class PrimaryConnection(_Primary, Connection):
    """A connection to the primary of the moment."""

    def connect(self) -> None:
        """Connect, if that is not done."""
        if not self.is_connected:
            self.host, self.port = self._sentinels.primary()
        super().connect()  # type: ignore[no-untyped-call]  # redis-py's


class PrimarySSLConnection(PrimaryConnection, SSLConnection):
    """The same over TLS."""


class AsyncPrimaryConnection(_Primary, aio.Connection):
    """A connection to the primary of the moment, for coroutines."""

    async def connect(self) -> None:
        """Connect, if that is not done."""
        if not self.is_connected:
            self.host, self.port = await self._sentinels.async_primary()
        await super().connect()  # type: ignore[no-untyped-call]  # redis-py's


class AsyncPrimarySSLConnection(AsyncPrimaryConnection, aio.SSLConnection):
    """The same over TLS."""


def split_url(url: str) -> tuple[str, list[Host], str, dict[str, Any]]:
    """Return the URL of any one server, the Sentinels, the primary's name, and their login."""
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    name, _, database = parts.path.strip("/").partition("/")
    if not name or "/" in database:
        raise InvalidOption(f"a URL of Sentinel names the primary after the hosts: write {FORM}")
    query = parse_qsl(parts.query)
    own = {_LOGIN[key]: value for key, value in query if key in _LOGIN}
    plain = parts._replace(
        scheme=SCHEMES[parts.scheme],
        netloc=f"{login}@primary" if login else "primary",
        path=f"/{database}",
        query=urlencode([(key, value) for key, value in query if key not in _LOGIN]),
    )
    return urlunsplit(plain), hosts_of(hosts, PORT, FORM), name, own


def primary_arguments(
    hosts: list[Host], name: str, arguments: dict[str, Any], *, own: dict[str, Any], tls: bool
) -> dict[str, Any]:
    """Return the arguments of a connection to a primary; `arguments`: those of its server."""
    shared = {key: value for key, value in arguments.items() if key.startswith(_SHARED)}
    sentinels = Sentinels(hosts, name, {**shared, "ssl": tls, **own})
    return {**arguments, "sentinels": sentinels}


def sentinels_of(pool: SentinelConnectionPool) -> tuple[list[Host], str, dict[str, Any]]:
    """Read Sentinels, the primary's name, and how to log in to them, off a client's pool."""
    untyped = cast(Any, pool)  # redis-py leaves this class half typed
    if not untyped.is_master:
        raise InvalidOption("RedisJobs writes: give master_for(...), not slave_for(...)")
    manager = untyped.sentinel_manager
    settings: list[Any] = [each.connection_pool.connection_kwargs for each in manager.sentinels]
    hosts: list[Host] = [(each["host"], each["port"]) for each in settings]
    return hosts, untyped.service_name, dict(manager.sentinel_kwargs)
