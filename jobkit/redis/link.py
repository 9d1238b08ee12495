"""A connection as threads write to it and read from it.

redis-py makes the connection: it looks up names, speaks TLS, logs in and finds the primary. What
is written and read from then on goes past it, from the socket to hiredis: redis-py's own way is
two functions of Python for each write and five for each reply, a fifth of those of an enqueue.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, cast
from weakref import finalize

import hiredis
import redis.exceptions as rx
from redis.connection import DefaultParser

READ = 64 * 1024  # bytes at once
_CAN_LOOK = hasattr(select, "poll")
_NOT_YET = object()  # no reply is this
# redis-py leaves the type of a reply open.
_error = cast(Callable[[str], Exception], cast(Any, DefaultParser).parse_error)


class Wire(Protocol):
    """The part of a redis-py connection that jobkit uses, with its types."""

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def pack_commands(self, commands: list[tuple[Any, ...]]) -> list[bytes]: ...
    def send_packed_command(self, command: list[bytes], check_health: bool = ...) -> None: ...
    def read_response(self) -> Any: ...


class Link:
    """A connection of redis-py's; what has no socket, as fakeredis, is written to by its methods.

    `socket`: what it is read from; None while it is not connected, or if it has none.
    `is_connected`: as far as this end knows. `idle_since`: when (monotonic) it was given back.
    """

    def __init__(self, wire: Wire) -> None:
        self.socket: socket.socket | None = None
        self.is_connected = False
        self.idle_since = 0.0
        self._wire = wire
        self._reader = _new_reader()
        # Of a link that is dropped the collector may find the socket first, and complain.
        finalize(self, wire.disconnect).atexit = False

    def connect(self) -> None:
        """Connect and log in."""
        self._wire.connect()
        self._reader = _new_reader()
        self.socket = _socket_of(self._wire)
        self.is_connected = True

    def disconnect(self) -> None:
        """Disconnect; what was not read is gone."""
        self.socket = None
        self.is_connected = False
        self._wire.disconnect()

    def was_cut(self) -> bool:
        """Tell whether it has ended while no reply was due: then there is something to read."""
        if self.socket is None or not _CAN_LOOK:
            return False
        look = select.poll()
        look.register(self.socket, select.POLLIN)
        return bool(look.poll(0))

    def cut(self) -> None:
        """End what another thread does with it, be it to log in."""
        its_socket = _socket_of(self._wire)
        if its_socket is not None:
            with suppress(OSError):
                its_socket.shutdown(socket.SHUT_RDWR)

    def wait_at_most(self, seconds: float) -> None:
        """Let each write and read take so long."""
        if self.socket is not None:
            self.socket.settimeout(seconds)

    def send(self, packed: bytes) -> None:
        """Write commands."""
        if self.socket is None:
            self._wire.send_packed_command([packed], check_health=False)
        else:
            self.socket.sendall(packed)

    def reply(self) -> Any:
        """Read a reply; an error reply is returned as well, unless it ends the connection."""
        if self.socket is None:
            return self._reply_of_wire()
        reply = self._reader.gets()
        while reply is _NOT_YET:
            data = self.socket.recv(READ)
            if not data:
                raise rx.ConnectionError("Connection closed by server")
            self._reader.feed(data)
            reply = self._reader.gets()
        if isinstance(reply, rx.ConnectionError):
            raise reply
        return reply

    def _reply_of_wire(self) -> Any:
        try:
            return self._wire.read_response()
        except rx.ResponseError as error:
            return error


def _new_reader() -> hiredis.Reader:
    return hiredis.Reader(
        protocolError=rx.InvalidResponse,
        replyError=_error,
        notEnoughData=_NOT_YET,
    )


def _socket_of(wire: Wire) -> socket.socket | None:
    # redis-py has no other way to look for a reply, or to end a read of another thread.
    found: object = getattr(wire, "_sock", None)
    return found if isinstance(found, socket.socket) else None
