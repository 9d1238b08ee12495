"""Where an idle worker waits: blocked on its hint lists, on a connection of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis.exceptions as rx

from jobkit.redis.connections import Address, Wire, socket_of
from jobkit.redis.faults import unreachable
from jobkit.redis.keys import hint_key
from jobkit.redis.server import Words, packed, reply_of

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
        replies = self._block(queues, timeout, [])
        return replies is None or replies[0] is not None

    def wait_with(self, queues: Sequence[str], timeout: float, words: Words) -> list[Any] | None:
        """Block as `wait` does, with commands behind it, and return the replies to these.

        Redis carries them out as soon as the hint is there, or time has run out. None if `wake`
        ended it: then they may have been carried out, or not.
        """
        replies = self._block(queues, timeout, words)
        return None if replies is None else replies[1:]

    def wake(self) -> None:
        """End a `wait` that is under way in another thread, or the next one.

        Asks nothing of Redis, which may be full, frozen or away.
        """
        self._woken.set()  # first: a wait that has no socket yet looks at this once it has one
        link = socket_of(self._connection)
        if link is not None:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Disconnect."""
        self._disconnect()

    def _block(self, queues: Sequence[str], timeout: float, words: Words) -> list[Any] | None:
        """Return the hint, or None in its place, and the replies to `words`; None if woken."""
        keys = [hint_key(self._namespace, queue, self._worker) for queue in queues]
        try:
            replies = self._exchange(keys, max(timeout, 0.001), words)
        except (rx.RedisError, OSError) as error:
            self._disconnect()
            if not self._woken.is_set():
                raise unreachable(error, self._address.shown, sent=True) from error
            replies = None
        if self._woken.is_set():
            self._woken.clear()
            return None
        return replies

    def _exchange(self, keys: list[str], timeout: float, words: Words) -> list[Any]:
        if self._connection is None:
            self._connection = self._address.connection(socket_timeout=timeout + GRACE)
        self._connection.connect()
        if socket_of(self._connection) is not None and not self._woken.is_set():
            return _ask(self._connection, [_pop(keys, timeout), *words], timeout)
        # What has no socket, as fakeredis, cannot be woken: it has to look up.
        hint = None
        left = timeout
        while hint is None and left > 0 and not self._woken.is_set():
            rest = min(left, SLICE)
            [hint] = _ask(self._connection, [_pop(keys, rest)], rest)
            left -= rest
        if words and not self._woken.is_set():
            return [hint, *_ask(self._connection, words, 0)]
        return [hint]

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None


def _pop(keys: list[str], timeout: float) -> tuple[str, ...]:
    return ("BLPOP", *keys, f"{timeout:.3f}")


def _ask(connection: Wire, words: Words, timeout: float) -> list[Any]:
    """Send commands, of which the first one may take so long, and return the replies."""
    connection.send_packed_command([packed(words)], check_health=False)
    first = connection.read_response(timeout=timeout + GRACE)
    return [first, *(reply_of(connection) for _ in words[1:])]
