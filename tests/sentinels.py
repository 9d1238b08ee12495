"""A real Sentinel for tests, with the primary that it watches and one replica."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.servers import (
    HOST,
    STOP_TIMEOUT,
    SYNC_AT_ONCE,
    RedisServer,
    ServerBinary,
    ServerError,
    wait_until,
)

if TYPE_CHECKING:
    from typing import Self

NAME = "mymaster"
PASSWORD = "to-redis"


class SentinelServer(RedisServer):
    """One Sentinel that decides alone."""

    def __init__(self, binary: ServerBinary, primary: RedisServer, *, down_after: int) -> None:
        super().__init__(binary)
        self._primary = primary
        self._down_after = down_after

    def ask(self, *commands: str) -> str:
        """Send commands and return the raw replies; that of Redis 7.0 does not know QUIT."""
        with socket.create_connection((HOST, self.port), timeout=STOP_TIMEOUT) as link:
            link.sendall("".join(f"{command}\r\n" for command in commands).encode())
            link.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: link.recv(1 << 16), b"")).decode(errors="replace")

    def primary_port(self) -> int:
        """Return the port of the server that it takes for the primary."""
        answer = self.ask(f"SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}")
        return int(answer.splitlines()[4])

    def knows_a_replica(self) -> bool:
        """Tell whether it has found one that could take over."""
        answer = self.ask(f"SENTINEL REPLICAS {NAME}")
        return "master-link-status\r\n$2\r\nok" in answer

    def _arguments(self) -> list[str]:
        settings = self.directory / "sentinel.conf"
        if not settings.exists():  # it writes what it learns into the file
            settings.write_text(
                f"bind {HOST}\nport {self.port}\ndir {self.directory}\nlogfile redis.log\n"
                f"sentinel monitor {NAME} {HOST} {self._primary.port} 1\n"
                f"sentinel auth-pass {NAME} {PASSWORD}\n"
                f"sentinel down-after-milliseconds {NAME} {self._down_after}\n"
                f"sentinel failover-timeout {NAME} 5000\n"
            )
        return [str(settings), "--sentinel"]


class SentinelGroup:
    """One Sentinel, one primary and one replica; both want a password."""

    def __init__(self, binary: ServerBinary, *options: str, down_after: int = 15_000) -> None:
        login = ("--requirepass", PASSWORD, "--masterauth", PASSWORD)
        self.first = RedisServer(binary, *login, *SYNC_AT_ONCE, *options)
        self.second = RedisServer(binary, *login, *SYNC_AT_ONCE, *options)
        self.sentinel = SentinelServer(binary, self.first, down_after=down_after)
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        return f"redis+sentinel://:{PASSWORD}@{HOST}:{self.sentinel.port}/{NAME}"

    @property
    def primary(self) -> RedisServer:
        """The server that Sentinel takes for the primary."""
        return self.first if self.sentinel.primary_port() == self.first.port else self.second

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.first)
            stack.enter_context(self.second)
            ask(self.second, f"REPLICAOF {HOST} {self.first.port}")
            stack.enter_context(self.sentinel)
            wait_until("the replica", self.sentinel.knows_a_replica)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def fail_over(self) -> None:
        """Let the replica take over, and the primary become a replica, with both alive."""
        before = self.sentinel.primary_port()
        answer = self.sentinel.ask(f"SENTINEL FAILOVER {NAME}")
        if not answer.startswith("+OK"):
            raise ServerError(f"Sentinel does not fail over: {answer}")
        self.wait_for_another_primary(than=before)

    def wait_for_another_primary(self, *, than: int) -> None:
        """Wait until Sentinel takes a server on another port for the primary."""
        wait_until("another primary", lambda: self.sentinel.primary_port() != than)


def ask(server: RedisServer, *commands: str) -> str:
    """Ask a server of the group."""
    return server.ask(f"AUTH {PASSWORD}", *commands)
