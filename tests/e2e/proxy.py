"""A TCP proxy in front of a Redis, which cuts, holds, delays, and loses replies on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self, TypeVar

import hiredis

from jobkit.redis.scripts import script
from tests.servers import HOST, RedisServer

T = TypeVar("T")
CHUNK = 1 << 20
PATIENCE = 20.0  # seconds


class _Link:
    """One client's connection and ours to the server."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.loses_reply = False

    def cut(self) -> None:
        """End both at once, without a goodbye."""
        self.client.transport.abort()
        self.server.transport.abort()


class Proxy:
    """Stands between clients and one server. All methods are for the test's thread.

    A request here is what a client sends in one go; jobkit sends one and waits for its reply.
    """

    def __init__(self, server: RedisServer) -> None:
        self._target = server
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._flows = asyncio.Event()
        self._delay = 0.0
        self._needles: tuple[bytes, ...] = ()
        self._losses_left = 0
        self._lost = threading.Semaphore(0)
        self._errors: list[bytes] = []
        self.requests = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._flows.set()
        server = self._run(asyncio.start_server(self._serve, HOST, 0))
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    # What a test does.

    def cut(self) -> None:
        """End every connection."""
        self._soon(self._cut_all)

    def hold(self) -> None:
        """Let nothing through, in either direction, and keep all connections open."""
        self._soon(self._flows.clear)

    def release(self) -> None:
        """Let everything through again, what was held first."""
        self._soon(self._flows.set)

    def delay(self, seconds: float) -> None:
        """Let each reply wait."""
        self._delay = seconds

    def lose_reply(self, name: str, *, times: int = 1) -> None:
        """Let the next calls of a script be carried out, and cut before the reply."""
        called = script(name)
        self._needles, self._losses_left = (called.sha, called.text[-60:]), times

    def wait_for_loss(self) -> None:
        """Wait until a reply was lost."""
        assert self._lost.acquire(timeout=PATIENCE), "no reply was lost"

    def answer(self, error: str, *, times: int) -> None:
        """Answer the next requests with this error instead of passing them on."""
        self._errors = [f"-{error}\r\n".encode()] * times

    @property
    def answers_left(self) -> int:
        """How many requests are still to be answered with an error."""
        return len(self._errors)

    # The loop's thread.

    def _cut_all(self) -> None:
        for link in list(self._links):
            link.cut()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def _soon(self, function: Callable[[], object]) -> None:
        async def call() -> None:
            function()

        self._run(call())

    async def _close(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        try:
            answers, server = await asyncio.open_connection(HOST, self._target.port)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, server)
        self._links.add(link)
        both = [
            asyncio.ensure_future(self._pass_requests(reader, link)),
            asyncio.ensure_future(self._pass_replies(answers, link)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            link.cut()
            self._links.discard(link)
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _pass_requests(self, reader: asyncio.StreamReader, link: _Link) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._flows.wait()
                self.requests += 1
                if self._errors and not _is_handshake(data):
                    link.client.write(self._errors.pop() * _count_commands(data))
                    continue
                if self._losses_left and any(needle in data for needle in self._needles):
                    self._losses_left -= 1
                    link.loses_reply = True
                link.server.write(data)

    async def _pass_replies(self, answers: asyncio.StreamReader, link: _Link) -> None:
        with suppress(OSError):
            while data := await answers.read(CHUNK):
                if link.loses_reply:
                    self._lost.release()
                    return
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._flows.wait()
                link.client.write(data)


def _is_handshake(data: bytes) -> bool:
    return b"SETINFO" in data or b"HELLO" in data


def _count_commands(data: bytes) -> int:
    reader = hiredis.Reader()
    reader.feed(data)
    found = 0
    while reader.gets() is not False:
        found += 1
    return found
