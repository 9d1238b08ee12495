"""A server in memory that answers when it is told, for callers that share round trips."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import hiredis
import redis.exceptions as rx

from jobkit.redis.aioflights import Flights
from jobkit.redis.connections import Address
from jobkit.redis.server import packed

T = TypeVar("T")


class Wire:
    """A connection that answers each command with its last word, once its server lets it."""

    def __init__(self, server: Server) -> None:
        self.socket_timeout: float | None = 5.0
        self._server = server
        self._asked: list[bytes] = []
        self.is_connected = False

    async def connect(self) -> None:
        await self._server.open.wait()
        if self._server.is_away:
            raise rx.ConnectionError("nobody there")
        self.is_connected = True

    async def disconnect(self, nowait: bool = False) -> None:
        self.is_connected = False

    async def send_packed_command(
        self, command: list[bytes], check_health: bool | None = True
    ) -> None:
        reader: Any = hiredis.Reader()
        reader.feed(b"".join(command))
        while (words := reader.gets()) is not False:
            self._asked.append(words[-1])
        self._server.trips.append(list(self._asked))

    async def read_response(self) -> bytes:
        await self._server.open.wait()
        match self._asked.pop(0):
            case b"cut":
                raise rx.ConnectionError("cut")
            case b"loading":  # to redis-py that is the end of a connection
                raise rx.BusyLoadingError("Redis is loading the dataset in memory")
            case b"wrong":
                raise rx.ResponseError("wrong")
            case word:
                return word


@dataclass(eq=False)
class Server:
    """`trips`: what was sent, write by write. `open`: it answers."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    is_away: bool = False
    reply_timeout: float = 5.0
    trips: list[list[bytes]] = field(default_factory=list[list[bytes]])
    wires: list[Wire] = field(default_factory=list[Wire])
    losses: int = 0

    def flights(self) -> Flights:
        server = self

        class ToServer(Address):
            def async_connection(self) -> Any:
                server.wires.append(Wire(server))
                return server.wires[-1]

        address = ToServer(Wire, {"socket_timeout": self.reply_timeout}, "here")
        return Flights(address, on_loss=self.lost)

    def lost(self) -> None:
        self.losses += 1


async def ask(flights: Flights, *words: str) -> list[Any]:
    commands = [("ECHO", word) for word in words]
    return await flights.ask(packed(commands), len(commands))


def ask_all(flights: Flights, *words: str) -> list[asyncio.Task[list[Any]]]:
    return [asyncio.ensure_future(ask(flights, word)) for word in words]


async def turns(number: int = 20) -> None:
    """Let everybody go on until they wait for the server."""
    for _ in range(number):
        await asyncio.sleep(0)


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


def names(number: int, first: int = 0) -> list[str]:
    return [str(n) for n in range(first, first + number)]
