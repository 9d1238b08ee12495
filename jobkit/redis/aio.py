"""The Redis store for coroutines: the same commands, on redis-py's asyncio connections."""

from __future__ import annotations

from typing import Any, TypeVar

import redis.exceptions as rx

from jobkit.redis.aioserver import AsyncServer
from jobkit.redis.command import Command
from jobkit.redis.commands import command
from jobkit.redis.connections import Address
from jobkit.redis.keys import queue_names
from jobkit.redis.store import is_known, new_names, pack, read
from jobkit.store import Operation

R = TypeVar("R")


class AsyncRedisStore:
    """Keep jobs in one Redis; each running loop has connections of its own."""

    def __init__(self, address: Address, *, namespace: str = "jobkit") -> None:
        self._address = address
        self._namespace = namespace
        self._announced: set[str] = set()
        self._loaded: set[bytes] = set()
        self._server = AsyncServer(address, on_loss=self._forget)

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one round trip."""
        if self._server.was_cut():
            await self._server.forget_connections()
        sent = command(operation, namespace=self._namespace, now=now)
        result: Any = read(sent, await self._reply(sent), where=self._address.shown)
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]  # the operation's type says which

    async def close(self) -> None:
        """Disconnect what is idle on the running loop."""
        await self._server.close()

    async def _reply(self, sent: Command) -> Any:
        if is_known(sent, self._announced, self._loaded):
            reply = (await self._server.ask([sent.packed()]))[0]
            if not isinstance(reply, rx.NoScriptError):
                return reply
            self._forget()
        return await self._exchange(sent)

    async def _exchange(self, sent: Command) -> Any:
        names = new_names([sent], self._announced)
        words = [pack(sent, self._loaded)]
        if names:
            words.insert(0, (b"SADD", queue_names(self._namespace), *names))
        replies = await self._server.ask(words)
        if names and not isinstance(replies[0], Exception):
            self._announced.update(names)
        if sent.script is not None:
            self._loaded.add(sent.script.sha)
        if isinstance(replies[-1], rx.NoScriptError):
            replies = await self._server.ask([sent.packed_with_text()])
        return replies[-1]

    def _forget(self) -> None:
        # What answers next may be another server, or this one without its scripts.
        self._announced.clear()
        self._loaded.clear()
