"""The Redis store for coroutines: the same commands, on redis-py's asyncio connections."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import redis.exceptions as rx

from jobkit.redis.commands import Command, command
from jobkit.redis.connections import Address
from jobkit.redis.faults import is_demoted, unreachable
from jobkit.redis.keys import queue_names
from jobkit.redis.store import BROKEN, new_names, pack, read
from jobkit.store import Operation

R = TypeVar("R")


class AsyncWire(Protocol):
    """The part of a redis-py asyncio connection that jobkit uses, with its types."""

    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = ...) -> None: ...
    def pack_commands(self, commands: list[tuple[Any, ...]]) -> list[bytes]: ...
    async def send_packed_command(
        self, command: list[bytes], check_health: bool | None = ...
    ) -> None: ...
    async def read_response(self) -> Any: ...


class AsyncRedisStore:
    """Keep jobs in one Redis; each running loop has connections of its own."""

    def __init__(self, address: Address, *, namespace: str = "jobkit") -> None:
        self._address = address
        self._namespace = namespace
        self._announced: set[str] = set()
        self._loaded: set[bytes] = set()
        self._idle: WeakKeyDictionary[asyncio.AbstractEventLoop, deque[AsyncWire]] = (
            WeakKeyDictionary()
        )

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one round trip."""
        sent = command(operation, namespace=self._namespace, now=now)
        result: Any = read(sent, await self._exchange(sent), where=self._address.shown)
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]  # the operation's type says which

    async def close(self) -> None:
        """Disconnect what is idle on the running loop."""
        idle = self._connections()
        while idle:
            await idle.pop().disconnect()

    async def _exchange(self, sent: Command) -> Any:
        names = new_names([sent], self._announced)
        words = [pack(sent, self._loaded)]
        if names:
            words.insert(0, (b"SADD", queue_names(self._namespace), *names))
        replies = await self._words(words)
        if names and not isinstance(replies[0], Exception):
            self._announced.update(names)
        if sent.script is not None:
            self._loaded.add(sent.script.sha)
        if isinstance(replies[-1], rx.NoScriptError):
            replies = await self._words([sent.packed_with_text()])
        return replies[-1]

    async def _words(self, words: list[tuple[Any, ...]]) -> list[Any]:
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
        self._announced.clear()
        self._loaded.clear()
        idle = self._connections()
        while idle:
            await idle.pop().disconnect(nowait=True)


async def _reply(connection: AsyncWire) -> Any:
    try:
        return await connection.read_response()
    except rx.ResponseError as error:
        return error
