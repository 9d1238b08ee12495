"""Where an idle worker waits on a cluster: one connection a node, and all of them at once.

A hint is an element of a list, as on one Redis. Lists of several slots cannot be waited for with
one blocking command. So each connection asks its node to tell when one of its lists changes
(CLIENT TRACKING), looks into them, and then waits for the socket.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import redis.exceptions as rx
from redis.maint_notifications import MaintNotificationsConfig

from jobkit.clock import SystemClock
from jobkit.errors import BackendUnavailable
from jobkit.redis.cluster.address import ClusterAddress
from jobkit.redis.faults import unreachable
from jobkit.redis.hosts import Host
from jobkit.redis.keys import hint_key
from jobkit.redis.link import Wire

LOOK_AGAIN = 1.0  # seconds until a node that could not be reached is tried again
BROKEN = (rx.RedisError, OSError)


class ClusterWaiter:
    """Waits for the hints of one worker."""

    def __init__(
        self,
        address: ClusterAddress,
        namespace: str,
        worker: str,
        *,
        hosts_of: Callable[[Sequence[str]], Mapping[str, Host | None]],
        on_loss: Callable[[Host], object],
    ) -> None:
        self._address = address
        self._namespace = namespace
        self._worker = worker
        self._hosts_of = hosts_of
        self._on_loss = on_loss
        self._ears: dict[Host, Ear] = {}
        self._monotonic = SystemClock().monotonic
        self._bell, self._rope = socket.socketpair()
        for end in (self._bell, self._rope):
            end.setblocking(False)

    def wait(self, queues: Sequence[str], timeout: float) -> bool:
        """Block until a hint for one of these queues comes, or for `timeout` seconds.

        While some nodes cannot be reached the others are waited for. Raises when none can.
        """
        deadline = self._monotonic() + timeout
        trouble = self._turn_to(queues)
        if trouble is not None:
            if not self._ears:
                raise trouble
            deadline = min(deadline, self._monotonic() + LOOK_AGAIN)
        while True:
            for host in list(self._ears):
                heard = self._listen(host)
                if heard:
                    return True
            left = deadline - self._monotonic()
            if self._is_woken(max(left, 0)):
                return True
            if left <= 0:
                return False

    def wake(self) -> None:
        """End a `wait` that is under way in another thread, or the next one."""
        with suppress(OSError):  # closed, or rung often enough
            self._rope.send(b"!")

    def close(self) -> None:
        """Disconnect."""
        for host in list(self._ears):
            self._ears.pop(host).close()
        self._bell.close()
        self._rope.close()

    def _turn_to(self, queues: Sequence[str]) -> BackendUnavailable | None:
        """Have a connection to the node of each queue; return what is wrong with one of them."""
        keys: dict[Host, list[str]] = {}
        for queue, host in self._hosts_of(queues).items():
            if host is not None:
                keys.setdefault(host, []).append(hint_key(self._namespace, queue, self._worker))
        for host in self._ears.keys() - keys.keys():
            self._ears.pop(host).close()
        trouble: BackendUnavailable | None = None
        for host, lists in keys.items():
            try:
                ear = self._ears.get(host) or Ear(self._address, host)
                ear.keys = lists
                self._ears[host] = ear
            except BROKEN as error:
                trouble = self._lost(host, error)
        if not keys:
            where = self._address.shown
            trouble = BackendUnavailable(f"no node of {where} serves these queues", stored="no")
        return trouble

    def _listen(self, host: Host) -> bool:
        """Look for a hint; a node that is lost may have had one."""
        try:
            return self._ears[host].look()
        except BROKEN as error:
            self._lost(host, error)
            if not self._ears:
                raise unreachable(error, self._address.shown, sent=True) from error
            return True

    def _lost(self, host: Host, error: Exception) -> BackendUnavailable:
        if host in self._ears:
            self._ears.pop(host).close()
        self._on_loss(host)
        return unreachable(error, self._address.node(host).shown, sent=False)

    def _is_woken(self, timeout: float) -> bool:
        """Wait until a node has something to tell, or somebody rings."""
        quiet = [ear.quiet_socket() for ear in self._ears.values()]
        ears = [each for each in quiet if each is not None]
        at_most = timeout if len(ears) == len(quiet) else 0
        readable = select.select([self._bell, *ears], [], [], at_most)[0]
        if self._bell in readable:
            self._bell.recv(4096)
            return True
        return False


class Ear:
    """A connection to one node that tells when one of `keys` may have changed."""

    def __init__(self, address: ClusterAddress, host: Host) -> None:
        self._connection: Wire = address.node(host).connection(
            protocol=3,  # which has room for what nobody asked for
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self.keys: list[str] = []
        self._connection.connect()
        # Not of our own changes: taking a hint is one.
        self._ask([("CLIENT", "TRACKING", "ON", "NOLOOP")])

    def quiet_socket(self) -> socket.socket | None:
        """Return what becomes readable when the node has something to tell; None: it has."""
        connection = cast(Any, self._connection)  # its types do not tell of the socket
        try:
            return None if connection.can_read(timeout=0) else connection._sock
        except BROKEN:
            return None  # whoever looks next will see

    def look(self) -> bool:
        """Take a hint, if there is one; from here on the node tells of the next."""
        while True:
            words: list[tuple[str, ...]] = [
                (word, key) for key in self.keys for word in ("LPOP", "EXISTS")
            ]
            replies = self._ask(words)
            if any(hint is not None for hint in replies[::2]):
                return True
            if not any(replies[1::2]):
                return False

    def close(self) -> None:
        """Disconnect."""
        self._connection.disconnect()

    def _ask(self, words: list[tuple[str, ...]]) -> list[Any]:
        connection = self._connection
        connection.send_packed_command(connection.pack_commands(list(words)), check_health=False)
        return [connection.read_response() for _ in words]
