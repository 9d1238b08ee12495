"""One Redis as coroutines talk to it; each running loop has connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from jobkit.redis.aioflights import Flights
from jobkit.redis.connections import Address
from jobkit.redis.server import Words, packed


class AsyncServer:
    """Sends words to one Redis; `on_loss` is called when a connection breaks."""

    def __init__(self, address: Address, *, on_loss: Callable[[], object]) -> None:
        self._address = address
        self._on_loss = on_loss
        self._flights: WeakKeyDictionary[asyncio.AbstractEventLoop, Flights] = WeakKeyDictionary()

    def ask(self, words: Words) -> Awaitable[list[Any]]:
        """Send words and return the replies; an error reply stands in its place."""
        return self._flights_here().ask(packed(words), len(words))

    def was_cut(self) -> bool:
        """Tell whether the next connection of the running loop has ended while nobody used it."""
        return self._flights_here().was_cut()

    async def forget_connections(self) -> None:
        """Disconnect all of the running loop."""
        await self._flights_here().forget_connections()

    async def close(self) -> None:
        """Disconnect what is idle on the running loop."""
        await self._flights_here().close()

    def _flights_here(self) -> Flights:
        loop = asyncio.get_running_loop()
        flights = self._flights.get(loop)
        if flights is None:
            flights = self._flights[loop] = Flights(self._address, on_loss=self._on_loss)
        return flights
