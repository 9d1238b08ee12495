from __future__ import annotations

import gc
import socket
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Thread
from typing import Any, cast

import fakeredis
import hiredis
import pytest
import redis.exceptions as rx

from jobkit.redis.connections import address_of
from jobkit.redis.link import READ, Link
from tests.servers import RedisServer

HOST = "127.0.0.1"


@pytest.fixture
def link(redis_server: RedisServer) -> Iterator[Link]:
    """Give a link that is connected."""
    made = Link(address_of(redis_server.url).connection())
    made.connect()
    yield made
    made.disconnect()


def say(link: Link, *words: Any) -> Any:
    link.send(packed(*words))
    return link.reply()


def packed(*words: Any) -> bytes:
    return cast(bytes, cast(Any, hiredis).pack_command(words))  # its types are for one word


def test_replies_come_in_the_order_of_their_commands(link: Link) -> None:
    link.send(packed("ECHO", "one") + packed("ECHO", "two"))

    assert [link.reply(), link.reply()] == [b"one", b"two"]


def test_a_reply_that_takes_several_reads_is_whole(link: Link) -> None:
    long = b"x" * (3 * READ)

    assert say(link, "ECHO", long) == long


def test_an_error_reply_is_returned_as_redis_py_names_it(link: Link) -> None:
    """B39: `NOSCRIPT` is no failure, and the next reply is that of the next command."""
    assert isinstance(say(link, "EVALSHA", "0" * 40, 0), rx.NoScriptError)
    assert isinstance(say(link, "NONSENSE"), rx.ResponseError)
    assert say(link, "ECHO", "here") == b"here"


def test_a_fake_server_is_asked_by_the_methods_of_its_connection() -> None:
    """B58: it has no socket."""
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    link = Link(address_of(client).connection())
    link.connect()

    assert link.socket is None
    assert link.is_connected
    assert say(link, "ECHO", "here") == b"here"
    assert isinstance(say(link, "NONSENSE"), rx.ResponseError)

    link.disconnect()
    assert not link.is_connected


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """Give a socket that listens, and says only what a test has it say."""
    with closing(socket.create_server((HOST, 0))) as made:
        yield made


@contextmanager
def behind(door: socket.socket, reply: bytes) -> Generator[Link]:
    """Connect to a server that takes every login, and answers the first command so, then goes."""

    def serve() -> None:
        server, _ = door.accept()
        with closing(server), suppress(OSError):
            while b"ECHO" not in (said := server.recv(READ)):
                server.sendall(b"+OK\r\n" * said.count(b"*"))
            server.sendall(reply)

    Thread(target=serve, daemon=True).start()
    link = Link(address_of(f"redis://{HOST}:{door.getsockname()[1]}").connection())
    link.connect()
    try:
        yield link
    finally:
        link.disconnect()


@pytest.mark.parametrize("reply", [b"", b"$10\r\nhal"])
def test_a_server_that_goes_is_a_lost_connection(door: socket.socket, reply: bytes) -> None:
    """B39: also half-way through a reply."""
    with behind(door, reply) as link, pytest.raises(rx.ConnectionError, match="closed"):
        say(link, "ECHO", "here")


def test_a_server_that_is_loading_ends_the_connection(door: socket.socket) -> None:
    """B39: redis-py's clients see it so, too."""
    with (
        behind(door, b"-LOADING Redis is loading the dataset in memory\r\n") as link,
        pytest.raises(rx.BusyLoadingError),
    ):
        say(link, "ECHO", "here")


def test_what_is_no_reply_is_refused(door: socket.socket) -> None:
    with (
        behind(door, b"HTTP/1.1 400 Bad Request\r\n\r\n") as link,
        pytest.raises(rx.InvalidResponse),
    ):
        say(link, "ECHO", "here")


def test_a_reply_that_takes_too_long_is_not_waited_for(link: Link) -> None:
    link.wait_at_most(0.01)

    with pytest.raises(TimeoutError):
        say(link, "BLPOP", "nothing", 0)


def test_cut_ends_a_read_of_another_thread(link: Link) -> None:
    """B52"""
    heard: list[object] = []

    def read() -> None:
        try:
            heard.append(link.reply())
        except (rx.ConnectionError, OSError) as error:
            heard.append(error)

    link.send(packed("BLPOP", "nothing", 0))
    reading = Thread(target=read)
    reading.start()

    link.cut()

    reading.join(10)
    assert [type(each) for each in heard] in ([rx.ConnectionError], [OSError])


def test_a_link_that_is_dropped_ends_its_connection(redis_server: RedisServer) -> None:
    """B39: whichever the collector finds first, a cycle of it or the socket."""
    link = Link(address_of(redis_server.url).connection())
    link.connect()
    its_socket, cycle = link.socket, [link]
    cycle.append(cast(Any, cycle))
    assert its_socket is not None

    del link, cycle
    gc.collect()

    assert its_socket.fileno() == -1
