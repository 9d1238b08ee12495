"""From a URL or a client to connections: how to reach one Redis, or the one that Sentinel names.

Connections are redis-py's own, without its retries: jobkit knows which calls may be repeated.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import connection as aio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from jobkit.clock import SystemClock
from jobkit.errors import InvalidOption, NotSupported
from jobkit.process import process_number
from jobkit.redis import sentinel
from jobkit.redis.hosts import Host
from jobkit.redis.link import Link, Wire

_ASYNC_TWINS: dict[str, type[Any]] = {
    "Connection": aio.Connection,
    "SSLConnection": aio.SSLConnection,
    "UnixDomainSocketConnection": aio.UnixDomainSocketConnection,
    "PrimaryConnection": sentinel.AsyncPrimaryConnection,
    "PrimarySSLConnection": sentinel.AsyncPrimarySSLConnection,
}
SCHEMES = ("redis", "rediss", "unix")
CONNECT_TIMEOUT = 2.0  # seconds
REPLY_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis is and how to talk to it; `shown` has no password."""

    connection_class: type[Any]
    arguments: dict[str, Any] = field(repr=False)
    shown: str

    def connection(self, **changes: Any) -> Wire:
        """Return a new connection, not yet connected."""
        # Whatever class a client brings: redis-py's have what a `Wire` has.
        return cast(Wire, self.connection_class(**{**self.arguments, **changes}))

    @property
    def reply_timeout(self) -> float | None:
        """How many seconds to wait for a reply."""
        seconds: float | None = self.arguments.get("socket_timeout")
        return seconds

    def async_connection(self) -> Any:
        """Return a new connection for coroutines, not yet connected."""
        kind = _async_twin(self.connection_class)
        arguments = dict(self.arguments)
        arguments["retry"] = AsyncRetry(NoBackoff(), 0)
        return kind(**arguments)


def _async_twin(kind: type[Any]) -> type[Any]:
    """Return the connection class for coroutines; raises `NotSupported`."""
    name = kind.__name__
    twin = _ASYNC_TWINS.get(name)
    if twin is None and kind.__module__.partition(".")[0] == "fakeredis":  # it brings its own
        home = import_module("fakeredis.aioredis")
        twin = getattr(home, name.replace("Fake", "FakeAsync", 1), None)
    if twin is None:
        raise NotSupported(f"{name} has no asyncio twin; give a URL")
    return twin


def address_of(url_or_client: object, *, reply_timeout: float = REPLY_TIMEOUT) -> Address:
    """Read where to connect to off a URL or a client; nothing is connected yet.

    `reply_timeout`: seconds to wait for a reply, unless URL or client say it.
    """
    if isinstance(url_or_client, str):
        return _of_url(url_or_client, reply_timeout)
    pool: object = getattr(url_or_client, "connection_pool", None)
    if not isinstance(pool, ConnectionPool):  # a cluster's client, a coroutine one, anything else
        raise InvalidOption(
            f"RedisJobs takes a URL such as 'redis://localhost:6379/0' or a redis.Redis client, "
            f"not {url_or_client!r}"
        )
    return of_pool(pool, "the client's Redis", reply_timeout)


def _of_url(url: str, reply_timeout: float) -> Address:
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise InvalidOption(f"a Redis URL cannot be read: {error}") from error
    if scheme in sentinel.SCHEMES:
        check_login(url)
        plain, hosts, name, own = sentinel.split_url(url)
        server = of_server_url(plain, reply_timeout)
        return _of_primary(server, hosts, name, own, without_password(url))
    if scheme not in SCHEMES:
        raise InvalidOption(
            f"{without_password(url)!r} is no Redis URL: write redis://host:6379/0, "
            f"rediss:// for TLS, unix://path, {sentinel.FORM}, or "
            "redis+cluster://:password@host1:6379,host2:6379"
        )
    return of_server_url(url, reply_timeout)


def of_server_url(url: str, reply_timeout: float) -> Address:
    parts = urlsplit(url)
    database = parts.path.strip("/")
    if parts.scheme != "unix" and database and not database.isdecimal():  # redis-py would take 0
        check_login(url)
        raise InvalidOption(  # that could be a piece of a password
            "a Redis URL cannot be read: after the host comes the number of a database, as in "
            "redis://host:6379/0"
        )
    try:
        # redis-py leaves its keyword arguments untyped; none is given here.
        pool = ConnectionPool.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    except ValueError as error:
        check_login(url)
        raise InvalidOption(_unreadable(url, error)) from None  # whose text may have a password
    return of_pool(pool, without_password(url), reply_timeout)


def check_login(url: str) -> None:
    """Raise `InvalidOption` for a URL whose password breaks it; it is not shown."""
    if "@" in url and "@" not in urlsplit(url).netloc:
        raise InvalidOption(
            "a Redis URL cannot be read: write / ? and # in its password as %2F %3F and %23"
        )


def _unreadable(url: str, error: ValueError) -> str:
    why = "" if "@" in url else f": {error}"
    return f"{without_password(url)!r} is no Redis URL{why}"


def of_pool(pool: ConnectionPool, shown: str, reply_timeout: float) -> Address:
    given: dict[str, Any] = dict(pool.connection_kwargs)
    given |= {
        "decode_responses": False,
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "retry_on_error": [],
        "health_check_interval": 0,
        "socket_timeout": given.get("socket_timeout") or reply_timeout,
        "socket_connect_timeout": given.get("socket_connect_timeout")
        or min(CONNECT_TIMEOUT, reply_timeout),
    }
    given.pop("maint_notifications_config", None)
    if isinstance(pool, SentinelConnectionPool):
        given.pop("connection_pool")  # the client's own way to ask Sentinel
        tls = issubclass(pool.connection_class, SSLConnection)
        server = Address(SSLConnection if tls else Connection, given, shown)
        return _of_primary(server, *sentinel.sentinels_of(pool), shown)
    return Address(pool.connection_class, given, shown)


def _of_primary(
    server: Address, hosts: list[Host], name: str, own: dict[str, Any], shown: str
) -> Address:
    tls = issubclass(server.connection_class, SSLConnection)
    kind = sentinel.PrimarySSLConnection if tls else sentinel.PrimaryConnection
    arguments = sentinel.primary_arguments(hosts, name, server.arguments, own=own, tls=tls)
    return Address(kind, arguments, shown)


def without_password(url: str) -> str:
    """Return a URL that may be shown.

    >>> without_password("redis://:secret@host:6379/0?password=other")
    'redis://***@host:6379/0?password=***'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")
    netloc = f"***@{host[2]}" if host[1] else host[2]
    query = re.sub(
        r"(^|&)((?:ssl_|sentinel_)?(?:password|username))=[^&]*", r"\1\2=***", parts.query
    )
    shown = urlunsplit(parts._replace(netloc=netloc, query=query))
    # urlunsplit forgets the slashes in front of no host at all (unix:///run/redis.sock).
    return shown if "://" in shown or "://" not in url else shown.replace(":", "://", 1)


class Connections:
    """Connections that threads borrow; after a fork the child begins with none."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._idle: deque[Link] = deque()
        self._monotonic = SystemClock().monotonic
        self._lock = threading.Lock()
        self._process = process_number()

    def borrow(self) -> Link:
        """Return a connection; give it back, or disconnect it if anything went wrong."""
        if self._process != process_number():
            self._start_anew()
        try:
            return self._idle.pop()
        except IndexError:
            return Link(self.address.connection())

    def borrow_rested(self, seconds: float) -> Link | None:
        """Return the one that would be borrowed next, if it has been idle for so long."""
        if not self._idle or self._process != process_number():
            return None
        try:
            if self._idle[-1].idle_since + seconds > self._monotonic():
                return None
            return self._idle.pop()
        except IndexError:  # others borrow too
            return None

    @property
    def has_idle(self) -> bool:
        """Whether a connection is at hand that was used before."""
        return bool(self._idle) and self._process == process_number()

    def give_back(self, connection: Link) -> None:
        """Take back a connection on which every reply was read."""
        connection.idle_since = self._monotonic()
        self._idle.append(connection)

    def close(self) -> None:
        """Disconnect what is idle."""
        while self._idle:
            self._idle.pop().disconnect()

    def _start_anew(self) -> None:
        with self._lock:
            if self._process != process_number():
                self._idle = deque()  # the parent still talks on the others
                self._process = process_number()
