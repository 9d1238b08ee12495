"""The store on a Redis Cluster, for coroutines: the same routes, all nodes at once."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from jobkit.clock import SystemClock
from jobkit.errors import BackendUnavailable
from jobkit.redis.aioserver import AsyncServer
from jobkit.redis.cluster.address import ClusterAddress
from jobkit.redis.cluster.dispatch import Dispatcher
from jobkit.redis.cluster.routing import Answers, Route, Router, Trip
from jobkit.redis.hosts import Host
from jobkit.redis.server import Words
from jobkit.store import Operation

R = TypeVar("R")
T = TypeVar("T")


class AsyncClusterStore:
    """Keep jobs in a Redis Cluster; each running loop has connections of its own."""

    def __init__(self, address: ClusterAddress, *, namespace: str = "jobkit") -> None:
        self._router = Router(address, monotonic=SystemClock().monotonic)
        self._dispatcher = Dispatcher(self._router, namespace=namespace)
        self._servers: dict[Host, AsyncServer] = {}

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation on the node of its queue."""
        for server in list(self._servers.values()):
            if server.was_cut():
                await server.forget_connections()
        [result] = await self._travel(self._dispatcher.run_many([operation], now))
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]  # the operation's type says which

    async def close(self) -> None:
        """Disconnect what is idle on the running loop."""
        for server in list(self._servers.values()):
            await server.close()

    async def _travel(self, route: Route[T]) -> T:
        try:
            trip = next(route)
            while True:
                trip = route.send(await self.exchange(trip))
        except StopIteration as end:
            value: T = end.value
            return value

    async def exchange(self, trip: Trip) -> Answers:
        answers = await asyncio.gather(*(self._ask(host, words) for host, words in trip.items()))
        return dict(zip(trip, answers, strict=True))

    async def _ask(self, host: Host, words: Words) -> list[Any] | BackendUnavailable:
        server = self._servers.get(host)
        if server is None:
            address = self._router.address.node(host)
            server = self._servers.setdefault(
                host, AsyncServer(address, on_loss=lambda: self._router.lost(host))
            )
        since = self._router.silence.monotonic()
        try:
            return await server.ask(words)
        except BackendUnavailable as error:
            self._router.silence.kept_waiting(host, since)
            return error
