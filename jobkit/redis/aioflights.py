"""Round trips to one Redis by the coroutines of one event loop, who share them when they are many.

Who finds fewer than `FLIGHTS` trips under way sends at once, on a connection of its own. Others
wait in line; each trip that ends is followed by one that takes up to `SEATS` of them along: their
commands in one write, their replies in one read. To Redis they are separate commands all the
same, and each caller has its own replies, its own error, and its own cancellation.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, Protocol

import redis.exceptions as rx
from msgspec import Struct

from jobkit.errors import BackendUnavailable
from jobkit.redis.connections import Address
from jobkit.redis.faults import is_demoted, unreachable
from jobkit.redis.server import BROKEN

FLIGHTS = 4
SEATS = 16
LUGGAGE = 64 * 1024  # bytes; what is heavier flies alone, and holds up nobody
# Seconds; less if a reply may take less. What is sent much later may no longer be known for a
# repetition, and nobody may wait for it any more.
LONGEST_WAIT = 5.0


class AsyncWire(Protocol):
    """The part of a redis-py asyncio connection that jobkit uses, with its types."""

    socket_timeout: float | None

    @property
    def is_connected(self) -> bool: ...
    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = ...) -> None: ...
    async def send_packed_command(
        self, command: list[bytes], check_health: bool | None = ...
    ) -> None: ...
    async def read_response(self) -> Any: ...


class _Passenger(Struct):  # seen by the collector: an error's traceback leads back to it
    """What a caller in line wants to have sent, since when, and where it waits for the replies."""

    packed: bytes
    count: int
    since: float
    replies: asyncio.Future[list[Any]]


class Flights:
    """Sends packed commands on borrowed connections; `on_loss` is called when one breaks."""

    def __init__(self, address: Address, *, on_loss: Callable[[], object]) -> None:
        self._address = address
        self._on_loss = on_loss
        self._longest_wait = min(LONGEST_WAIT, address.reply_timeout or LONGEST_WAIT)
        self._idle: deque[AsyncWire] = deque()
        self._line: deque[_Passenger] = deque()
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps weak references only

    async def ask(self, packed: bytes, count: int) -> list[Any]:
        """Send so many commands and return their replies; an error reply stands in its place."""
        if self._under_way >= FLIGHTS:
            loop = asyncio.get_running_loop()  # not kept: who keeps us knows us by it, weakly
            place = _Passenger(packed, count, loop.time(), loop.create_future())
            self._line.append(place)
            return await place.replies
        self._under_way += 1
        try:
            return await self._trip(packed, count)
        finally:
            self._land()

    def was_cut(self) -> bool:
        """Tell whether the next connection has ended while nobody used it."""
        return bool(self._idle) and _has_ended(self._idle[-1])

    async def close(self) -> None:
        """Disconnect what is idle."""
        while self._idle:
            await self._idle.pop().disconnect()

    # Trips with passengers.

    def _land(self) -> None:
        """End a trip, or let those who wait go on with it."""
        if self._next():
            task = asyncio.create_task(self._shuttle())
            self._tasks.add(task)
            task.add_done_callback(self._landed)
        else:
            self._under_way -= 1

    def _landed(self, task: asyncio.Task[None]) -> None:
        # Not at the end of the task: one that is cancelled before its first step has no end.
        self._tasks.discard(task)
        self._land()

    async def _shuttle(self) -> None:
        """Fly as long as somebody waits."""
        while passengers := self._board():
            await self._fly(passengers)

    def _board(self) -> list[_Passenger]:
        passengers: list[_Passenger] = []
        weight = 0
        while (first := self._next()) and len(passengers) < SEATS:
            weight += len(first.packed)
            if passengers and weight > LUGGAGE:
                break
            passengers.append(self._line.popleft())
        return passengers

    def _next(self) -> _Passenger | None:
        """Return who is first in line, without those who have left or have waited for too long."""
        line = self._line
        while line:
            first = line[0]
            if not first.replies.done():
                if asyncio.get_running_loop().time() - first.since <= self._longest_wait:
                    return first
                why = f"{self._address.shown} answers too slowly: this was not sent"
                first.replies.set_exception(BackendUnavailable(why, stored="no"))
            line.popleft()
        return None

    async def _fly(self, passengers: list[_Passenger]) -> None:
        packed = b"".join([each.packed for each in passengers])
        try:
            replies = await self._trip(packed, sum([each.count for each in passengers]))
        except BaseException as error:
            for each in passengers:
                if not each.replies.done():
                    each.replies.set_exception(self._meant_for_one(error))
            if not isinstance(error, Exception):
                raise
            return
        at = 0
        for each in passengers:
            end = at + each.count
            if not each.replies.done():
                each.replies.set_result(replies[at:end])
            at = end

    def _meant_for_one(self, error: BaseException) -> Exception:
        """Return what one caller is told of an error that befell several."""
        if isinstance(error, BackendUnavailable):
            return _again(error, error.stored)
        if isinstance(error, Exception):
            return error
        # Somebody ended our task, as a loop does that ends. Who is still there may try again.
        why = f"lost the connection to {self._address.shown}: the task that used it was cancelled"
        return BackendUnavailable(why, stored="unknown")

    # One trip.

    async def _trip(self, packed: bytes, count: int) -> list[Any]:
        connection = await self._connect()
        replies: list[Any] = []
        try:
            async with asyncio.timeout(self._address.reply_timeout):
                await connection.send_packed_command([packed], check_health=False)
                while len(replies) < count:
                    replies.append(await _reply(connection))
        except BaseException as error:
            # Also when cancelled: unread replies must never reach the next caller.
            await connection.disconnect(nowait=True)
            if isinstance(error, BROKEN):
                told = await self._lost(error, sent=True)
                if replies:  # so what was asked first was carried out, whatever came then
                    told.stored = "unknown"
                raise told from error
            raise
        self._idle.append(connection)
        if any(map(is_demoted, replies)):
            await self.forget_connections()  # the new primary is elsewhere
        return replies

    async def _connect(self) -> AsyncWire:
        connection = self._idle.pop() if self._idle else self._address.async_connection()
        if connection.is_connected:
            return connection
        try:
            await connection.connect()
        except BaseException as error:
            await connection.disconnect(nowait=True)  # when cancelled, it may be half-way there
            if isinstance(error, (*BROKEN, rx.RedisError)):
                raise await self._lost(error, sent=False) from error
            raise
        # From now on one timer for a whole trip: redis-py's own cost a task and a timer a call.
        connection.socket_timeout = None
        return connection

    async def _lost(self, error: BaseException, *, sent: bool) -> BackendUnavailable:
        """Return what to tell of a connection that broke; who waits in line waits no longer."""
        told = unreachable(error, self._address.shown, sent=sent)
        line, self._line = self._line, deque()
        for each in line:
            if not each.replies.done():
                each.replies.set_exception(_again(told, "no"))
        await self.forget_connections()
        return told

    async def forget_connections(self) -> None:
        """Disconnect all: what broke one has probably broken them, and data may be another's."""
        self._on_loss()
        while self._idle:
            await self._idle.pop().disconnect(nowait=True)


def _again(error: BackendUnavailable, stored: Literal["no", "unknown"]) -> BackendUnavailable:
    """Return the same error for another caller, who may change it."""
    return type(error)(str(error), stored=stored, passing=error.passing)


def _has_ended(connection: AsyncWire) -> bool:
    # The loop reads what comes, also while nobody waits; to ask redis-py takes a coroutine.
    reader: object = getattr(connection, "_reader", None)
    if not isinstance(reader, asyncio.StreamReader):  # fakeredis has its own
        return False
    return reader.at_eof() or reader.exception() is not None


async def _reply(connection: AsyncWire) -> Any:
    try:
        return await connection.read_response()
    except rx.ResponseError as error:
        return error
