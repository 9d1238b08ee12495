"""A connection that was cut while nobody used it is noticed before anything is sent on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import fakeredis
import pytest

from jobkit.redis.aio import AsyncRedisStore
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.link import Link
from jobkit.redis.server import Server
from jobkit.redis.store import RedisStore
from jobkit.store import Queues
from tests.e2e.waiting import eventually
from tests.servers import RedisServer, find_servers

PING = [(b"PING",)]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Start a server whose clients these tests may kill."""
    with RedisServer(find_servers()[-1]) as running:
        yield running


@pytest.fixture
def connections(server: RedisServer) -> Iterator[Connections]:
    """Give connections to it."""
    these = Connections(address_of(server.url))
    yield these
    these.close()


@pytest.fixture
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take each connection as one that has rested."""
    monkeypatch.setattr("jobkit.redis.server.RESTED", 0.0)


class Losses:
    """How often connections were given up."""

    def __init__(self) -> None:
        self.number = 0

    def count(self) -> None:
        self.number += 1


def cut_all(server: RedisServer) -> None:
    """Let a server end the connections of all its clients."""
    server.ask("CLIENT KILL TYPE normal SKIPME yes")


def idle_pair(server: Server, connections: Connections) -> tuple[Link, Link]:
    """Leave two idle connections; return the one that is borrowed next last."""
    flights = [server.send(PING), server.send(PING)]
    for flight in flights:
        flight.replies()
    second, first = connections.borrow(), connections.borrow()
    connections.give_back(first)
    connections.give_back(second)
    return first, second


def test_a_connection_that_its_server_ended_was_cut(
    server: RedisServer, connections: Connections
) -> None:
    connection = connections.borrow()
    before = connection.was_cut()
    connection.connect()
    whole = connection.was_cut()

    cut_all(server)
    eventually(connection.was_cut)
    connection.disconnect()

    assert (before, whole, connection.was_cut()) == (False, False, False)


def test_what_has_no_socket_cannot_be_cut() -> None:
    address = address_of(fakeredis.FakeRedis(server=fakeredis.FakeServer()))
    link = Link(address.connection())

    assert not link.was_cut()


@pytest.mark.usefixtures("rested")
def test_all_are_given_up_if_the_next_one_was_cut(
    server: RedisServer, connections: Connections
) -> None:
    """B39: what answers now may be another server, or one that has forgotten everything."""
    losses = Losses()
    asked = Server(connections, on_loss=losses.count)
    first, second = idle_pair(asked, connections)
    cut_all(server)
    eventually(lambda: first.was_cut() and second.was_cut())

    asked.notice_cut()

    assert losses.number == asked.losses == 1
    assert not connections.has_idle
    assert not first.is_connected
    assert not second.is_connected
    assert asked.ask(PING) == [b"PONG"]


@pytest.mark.usefixtures("rested")
def test_one_that_is_whole_is_used_again(connections: Connections) -> None:
    losses = Losses()
    asked = Server(connections, on_loss=losses.count)
    _, second = idle_pair(asked, connections)

    asked.notice_cut()

    assert connections.borrow() is second
    assert losses.number == 0


def test_one_that_was_just_used_is_not_looked_at(
    server: RedisServer, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs a call to the system."""
    monkeypatch.setattr("jobkit.redis.server.RESTED", 3600.0)
    losses = Losses()
    asked = Server(connections, on_loss=losses.count)
    _, second = idle_pair(asked, connections)
    cut_all(server)
    eventually(second.was_cut)

    asked.notice_cut()

    assert losses.number == 0


@pytest.mark.usefixtures("rested")
def test_one_that_was_given_up_meanwhile_does_not_come_back(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its server may have been demoted."""
    asked = Server(connections, on_loss=lambda: None)
    _, second = idle_pair(asked, connections)

    def look(_: Link) -> bool:
        asked.forget_connections()  # as another thread may
        return False

    monkeypatch.setattr(Link, "was_cut", look)
    asked.notice_cut()

    assert not connections.has_idle
    assert not second.is_connected


@pytest.mark.usefixtures("rested")
def test_a_forked_child_does_not_touch_those_of_its_parent(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Server(connections, on_loss=lambda: None)
    idle_pair(asked, connections)

    monkeypatch.setattr("jobkit.redis.connections.process_number", lambda: -1)

    assert connections.borrow_rested(0.0) is None


def cut_next(server: RedisServer, connections: Connections) -> None:
    """Let a server end the connection that is borrowed next."""
    connection = connections.borrow()
    connections.give_back(connection)
    cut_all(server)
    eventually(connection.was_cut)


@pytest.mark.usefixtures("rested")
def test_a_store_asks_on_a_new_connection(server: RedisServer, connections: Connections) -> None:
    """B39: and repeats nothing, so nobody has to ask whether it was carried out."""
    store = RedisStore(connections)
    store.run(Queues())

    cut_next(server, connections)
    alone = store.run(Queues())
    cut_next(server, connections)
    among_others = store.run_many([Queues()])

    assert (alone, among_others) == ((), [()])


def test_so_does_one_for_coroutines(server: RedisServer) -> None:
    """B39"""

    async def ask_twice() -> tuple[str, ...]:
        store = AsyncRedisStore(address_of(server.url))
        await store.run(Queues())
        flights = cast(Any, store)._server._flights_here()
        cut_all(server)
        await asyncio.to_thread(eventually, flights.was_cut)
        found = await store.run(Queues())
        await store.close()
        return found

    assert asyncio.run(ask_twice()) == ()
