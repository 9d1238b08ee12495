from __future__ import annotations

from typing import Any

import fakeredis
import pytest
import redis
import redis.asyncio

from jobkit.errors import InvalidOption, NotSupported
from jobkit.redis.connections import Connections, address_of, without_password
from tests.servers import RedisServer


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:secret@host", "redis://***@host"),
        ("redis://ann:secret@host:1/2", "redis://***@host:1/2"),
        ("redis://ann:a@b@host", "redis://***@host"),
        ("rediss://host?password=secret&db=1", "rediss://host?password=***&db=1"),
        ("redis://host?db=1&username=ann", "redis://host?db=1&username=***"),
        ("unix:///run/redis.sock?password=secret", "unix:///run/redis.sock?password=***"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
    assert address_of(url).shown == shown


def test_an_address_does_not_show_its_arguments() -> None:
    address = address_of("redis://:secret@host")

    assert "secret" not in repr(address)


def test_redis_py_never_repeats_by_itself() -> None:
    arguments = address_of("redis://host?retry_on_timeout=yes").arguments

    assert arguments["retry"].get_retries() == 0
    assert arguments["retry_on_timeout"] is False
    assert arguments["retry_on_error"] == []
    assert arguments["health_check_interval"] == 0


def test_replies_are_bytes_of_the_old_protocol() -> None:
    arguments = address_of("redis://host?protocol=3&decode_responses=yes").arguments

    assert arguments["protocol"] == 2
    assert arguments["decode_responses"] is False


def test_every_wait_has_an_end() -> None:
    given = address_of("redis://host?socket_timeout=9&socket_connect_timeout=8").arguments
    ours = address_of("redis://host").arguments
    hasty = address_of("redis://host", reply_timeout=1.0).arguments

    assert (given["socket_timeout"], given["socket_connect_timeout"]) == (9, 8)
    assert (ours["socket_timeout"], ours["socket_connect_timeout"]) == (5, 2)
    assert (hasty["socket_timeout"], hasty["socket_connect_timeout"]) == (1, 1)


def test_the_settings_of_a_client_are_taken_over() -> None:
    client = redis.Redis(host="there", port=1234, db=5, username="ann", password="secret")

    arguments = address_of(client).arguments

    assert (arguments["host"], arguments["port"], arguments["db"]) == ("there", 1234, 5)
    assert (arguments["username"], arguments["password"]) == ("ann", "secret")


@pytest.mark.parametrize("url", ["redis://host", "rediss://host", "unix:///run/redis.sock"])
def test_each_kind_of_address_has_an_async_twin(url: str) -> None:
    address = address_of(url)

    twin = address.async_connection()

    assert type(twin).__name__ == address.connection_class.__name__
    assert type(twin).__module__.startswith("redis.asyncio")


def test_a_client_without_an_async_twin_is_refused_by_name() -> None:
    class OfMyOwn(redis.Connection):
        pass

    client = redis.Redis(connection_pool=redis.ConnectionPool(connection_class=OfMyOwn))

    with pytest.raises(NotSupported, match="OfMyOwn has no asyncio twin"):
        address_of(client).async_connection()


def test_a_fake_client_brings_its_own_twin() -> None:
    address = address_of(fakeredis.FakeRedis(server=fakeredis.FakeServer()))

    assert type(address.async_connection()).__module__.startswith("fakeredis")


@pytest.mark.parametrize("wrong", [None, 6379, b"redis://host", redis.asyncio.Redis()])
def test_what_is_no_address_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidOption, match="takes a URL"):
        address_of(wrong)


@pytest.mark.parametrize("url", ["redis://:a/b@host", "redis://:a?b@host:1", "redis://:a#b@host:1"])
def test_a_password_that_breaks_the_url_is_not_shown(url: str) -> None:
    try:
        shown = address_of(url).shown
    except InvalidOption as error:
        shown = str(error)

    assert "a/b" not in shown
    assert "a?b" not in shown
    assert "a#b" not in shown
    assert "b@" not in shown


def test_a_connection_is_used_again(redis_server: RedisServer) -> None:
    connections = Connections(address_of(redis_server.url))
    first = connections.borrow()
    second = connections.borrow()

    connections.give_back(first)

    assert second is not first
    assert connections.borrow() is first


def test_after_close_nothing_idle_is_left(redis_server: RedisServer) -> None:
    connections = Connections(address_of(redis_server.url))
    connection = connections.borrow()
    connection.connect()
    connections.give_back(connection)

    connections.close()
    connections.close()

    assert connections.borrow() is not connection


def test_a_forked_child_begins_with_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = Connections(address_of("redis://host"))
    of_the_parent = connections.borrow()
    connections.give_back(of_the_parent)

    monkeypatch.setattr("jobkit.redis.connections.process_number", lambda: -1)

    assert connections.borrow() is not of_the_parent


@pytest.mark.parametrize(
    "url", ["redis://host/mail", "rediss://host/1/2", "redis+sentinel://host/primary/mail"]
)
def test_a_database_that_is_no_number_is_refused(url: str) -> None:
    """redis-py would take it for 0."""
    with pytest.raises(InvalidOption, match="number of a database"):
        address_of(url)


def test_a_piece_of_a_password_is_not_taken_for_a_database() -> None:
    with pytest.raises(InvalidOption) as refused:
        address_of("redis://ann@home:a/secret@host")
    assert "secret" not in str(refused.value)
