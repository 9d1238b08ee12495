"""One Redis as coroutines talk to it; each running loop has connections of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import redis.exceptions as rx

from jobkit.redis.connections import Address
from jobkit.redis.faults import is_demoted, unreachable
from jobkit.redis.server import BROKEN, Words


class AsyncWire(Protocol):
    """The part of a redis-py asyncio connection that jobkit uses, with its types."""

    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = ...) -> None: ...
    def pack_commands(self, commands: list[tuple[Any, ...]]) -> list[bytes]: ...
    async def send_packed_command(
        self, command: list[bytes], check_health: bool | None = ...
    ) -> None: ...
    async def read_response(self) -> Any: ...


class AsyncServer:
    """Sends words on borrowed connections; `on_loss` is called when one breaks."""

    def __init__(self, address: Address, *, on_loss: Callable[[], object]) -> None:
        self._address = address
        self._on_loss = on_loss
        self._idle: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[AsyncWire]] = (
            WeakKeyDictionary()
        )

    async def ask(self, words: Words) -> list[Any]:
        """Send words and return the replies; an error reply stands in its place."""
        connection = await self._connect()
        try:
            packed = connection.pack_commands(words)
            await connection.send_packed_command(packed, check_health=False)
            replies = [await _reply(connection) for _ in words]
        except BaseException as error:
            # Also when cancelled: unread replies must never reach the next caller.
            await connection.disconnect(nowait=True)
            if isinstance(error, BROKEN):
                await self._forget_connections()
                raise unreachable(error, self._address.shown, sent=True) from error
            raise
        self._connections().append(connection)
        if any(map(is_demoted, replies)):
            await self._forget_connections()  # the new primary is elsewhere
        return replies

    async def close(self) -> None:
        """Disconnect what is idle on the running loop."""
        idle = self._connections()
        while idle:
            await idle.pop().disconnect()

    async def _connect(self) -> AsyncWire:
        idle = self._connections()
        connection = idle.pop() if idle else self._address.async_connection()
        try:
            await connection.connect()
        except BaseException as error:
            await connection.disconnect(nowait=True)  # when cancelled, it may be half-way there
            if isinstance(error, (*BROKEN, rx.RedisError)):
                await self._forget_connections()
                raise unreachable(error, self._address.shown, sent=False) from error
            raise
        return connection

    def _connections(self) -> deque[AsyncWire]:
        loop = asyncio.get_running_loop()
        idle = self._idle.get(loop)
        if idle is None:
            idle = self._idle[loop] = deque()
        return idle

    async def _forget_connections(self) -> None:
        # What broke one connection has probably broken all, and the data may be another's.
        self._on_loss()
        idle = self._connections()
        while idle:
            await idle.pop().disconnect(nowait=True)


async def _reply(connection: AsyncWire) -> Any:
    try:
        return await connection.read_response()
    except rx.ResponseError as error:
        return error
