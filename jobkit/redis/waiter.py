"""Where an idle worker waits: blocked on its hint lists, on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import redis.exceptions as rx

from jobkit.redis.connections import Address, Wire
from jobkit.redis.faults import unreachable
from jobkit.redis.keys import hint_key

GRACE = 5.0  # seconds that a reply may take beyond the time blocked


class RedisWaiter:
    """Block on the hint lists of one worker. `wake` ends it through another connection."""

    def __init__(self, address: Address, namespace: str, worker: str) -> None:
        self._address = address
        self._namespace = namespace
        self._worker = worker
        self._connection: Wire | None = None
        self._woken = threading.Event()
        self._queues: tuple[str, ...] = ()

    def wait(self, queues: Sequence[str], timeout: float) -> bool:
        """Block until a hint for one of these queues comes, or for `timeout` seconds."""
        self._queues = tuple(queues)  # before the look at `_woken`: `wake` sets that first
        if self._woken.is_set():
            self._woken.clear()
            return True
        keys = [hint_key(self._namespace, queue, self._worker) for queue in queues]
        try:
            reply = self._block(keys, max(timeout, 0.001))
        except (rx.RedisError, OSError) as error:
            self._disconnect()
            raise unreachable(error, self._address.shown, sent=True) from error
        woken = self._woken.is_set() or reply is not None
        self._woken.clear()
        return woken

    def wake(self) -> None:
        """End a `wait` that is under way in another thread, or the next one."""
        self._woken.set()
        queues = self._queues
        if not queues:
            return
        connection = self._address.connection()
        key = hint_key(self._namespace, queues[0], self._worker)
        try:
            connection.connect()
            words: list[tuple[str | int, ...]] = [("RPUSH", key, "1"), ("EXPIRE", key, 60)]
            connection.send_packed_command(connection.pack_commands(words))
            connection.read_response()
            connection.read_response()
        except (rx.RedisError, OSError):
            pass  # Redis is away, so nobody is blocked on it; the event ends the next wait
        finally:
            connection.disconnect()

    def close(self) -> None:
        """Disconnect."""
        self._disconnect()

    def _block(self, keys: list[str], timeout: float) -> object:
        if self._connection is None:
            self._connection = self._address.connection(socket_timeout=timeout + GRACE)
        self._connection.connect()
        words = [("BLPOP", *keys, f"{timeout:.3f}")]
        self._connection.send_packed_command(self._connection.pack_commands(words))
        return self._connection.read_response(timeout=timeout + GRACE)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
