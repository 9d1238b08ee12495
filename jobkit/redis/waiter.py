"""Where an idle worker waits: blocked on its hint lists, on a connection of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress

import redis.exceptions as rx

from jobkit.redis.connections import Address, Wire
from jobkit.redis.faults import unreachable
from jobkit.redis.keys import hint_key

GRACE = 5.0  # seconds that a reply may take beyond the time blocked
SLICE = 0.1  # seconds to block at a time where nobody can end it


class RedisWaiter:
    """Block on the hint lists of one worker. `wake` ends it by closing the connection."""

    def __init__(self, address: Address, namespace: str, worker: str) -> None:
        self._address = address
        self._namespace = namespace
        self._worker = worker
        self._connection: Wire | None = None
        self._woken = threading.Event()

    def wait(self, queues: Sequence[str], timeout: float) -> bool:
        """Block until a hint for one of these queues comes, or for `timeout` seconds."""
        keys = [hint_key(self._namespace, queue, self._worker) for queue in queues]
        try:
            hint = self._block(keys, max(timeout, 0.001))
        except (rx.RedisError, OSError) as error:
            self._disconnect()
            if not self._woken.is_set():
                raise unreachable(error, self._address.shown, sent=True) from error
            hint = None
        woken = self._woken.is_set()
        self._woken.clear()
        return woken or hint is not None

    def wake(self) -> None:
        """End a `wait` that is under way in another thread, or the next one.

        Asks nothing of Redis, which may be full, frozen or away.
        """
        self._woken.set()  # first: a wait that has no socket yet looks at this once it has one
        link = self._socket()
        if link is not None:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Disconnect."""
        self._disconnect()

    def _block(self, keys: list[str], timeout: float) -> object:
        if self._connection is None:
            self._connection = self._address.connection(socket_timeout=timeout + GRACE)
        self._connection.connect()
        hint = None
        left = timeout
        while hint is None and left > 0 and not self._woken.is_set():
            # What has no socket, as fakeredis, cannot be woken: it has to look up.
            rest = left if self._socket() is not None else min(left, SLICE)
            hint = self._pop(self._connection, keys, rest)
            left -= rest
        return hint

    def _pop(self, connection: Wire, keys: list[str], timeout: float) -> object:
        words = [("BLPOP", *keys, f"{timeout:.3f}")]
        connection.send_packed_command(connection.pack_commands(words))
        return connection.read_response(timeout=timeout + GRACE)

    def _socket(self) -> socket.socket | None:
        # redis-py has no other way to end a read of another thread without breaking its parser.
        link: object = getattr(self._connection, "_sock", None)
        return link if isinstance(link, socket.socket) else None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
