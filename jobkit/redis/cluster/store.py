"""The store on a Redis Cluster, for threads: one round trip a node, all nodes at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, TypeVar

from jobkit.clock import SystemClock
from jobkit.errors import BackendUnavailable
from jobkit.redis.audit import audit
from jobkit.redis.checkup import checkup, parse_info
from jobkit.redis.cluster.address import ClusterAddress
from jobkit.redis.cluster.dispatch import Dispatcher
from jobkit.redis.cluster.routing import Answers, Route, Router, Trip
from jobkit.redis.cluster.waiter import ClusterWaiter
from jobkit.redis.connections import Connections
from jobkit.redis.hosts import Host
from jobkit.redis.server import Ask, Flight, Server, Words
from jobkit.store import ALL_CAPABILITIES, AtomicOver, Operation, Waiter

R = TypeVar("R")
T = TypeVar("T")


class ClusterStore:
    """Keep jobs in a Redis Cluster."""

    atomic_over: AtomicOver = "queue"
    capabilities = ALL_CAPABILITIES

    def __init__(self, address: ClusterAddress, *, namespace: str = "jobkit") -> None:
        self._router = Router(address, monotonic=SystemClock().monotonic)
        self._dispatcher = Dispatcher(self._router, namespace=namespace)
        self._servers: dict[Host, Server] = {}
        self._lock = threading.Lock()

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation on the node of its queue."""
        result: Any = self.run_many([operation], now=now)[0]
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]  # the operation's type says which

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations, those of each queue in order; each error stands in its place."""
        if not operations:
            return []
        for server in list(self._servers.values()):
            server.notice_cut()
        return self._travel(self._dispatcher.run_many(operations, now))

    def waiter(self, worker: str) -> Waiter:
        """Return where this worker waits for hints."""
        return ClusterWaiter(
            self._router.address,
            self._dispatcher.namespace,
            worker,
            hosts_of=lambda queues: self._travel(self._dispatcher.hosts_of(queues)),
            on_loss=self._router.lost,
        )

    def audit(self, queue: str) -> list[str]:
        """Check the invariants of a queue at rest and return a sentence for each breach."""
        return audit(lambda words: self.ask(queue, words), self._dispatcher.namespace, queue)

    def ask(self, queue: str, words: Words) -> list[Any]:
        """Send plain commands to the node of a queue; an error reply stands in its place."""
        return self._travel(self._dispatcher.ask_queue(queue, words))

    def checkup(self) -> list[str]:
        """Return a sentence for each thing about a node that may lose jobs."""
        replies = self._travel(self._dispatcher.ask_all((b"INFO",)))
        return [
            f"{host}:{port}: {sentence}"
            for (host, port), reply in replies.items()
            for sentence in checkup(parse_info(reply.decode()))
        ]

    def nodes(self) -> list[Ask]:
        """Return, for each node that serves slots, what sends plain commands to it."""
        slots = self._travel(self._router.slots())
        return [self._server(host).ask for host in slots.primaries]

    def close(self) -> None:
        """Disconnect; the store connects again when it is used again."""
        for server in list(self._servers.values()):
            server.close()

    def _travel(self, route: Route[T]) -> T:
        """Carry out every trip of a route and return what the route returns."""
        try:
            trip = next(route)
            while True:
                trip = route.send(self.exchange(trip))
        except StopIteration as end:
            value: T = end.value
            return value

    def exchange(self, trip: Trip) -> Answers:
        """Send to all nodes, then read from all."""
        answers: dict[Host, list[Any] | BackendUnavailable] = {}
        flights: dict[Host, Flight] = {}
        silence = self._router.silence
        try:
            # A node without a connection may be away; let it not hold up the others.
            for host in sorted(trip, key=lambda host: not self._server(host).is_connected):
                since = silence.monotonic()
                try:
                    flights[host] = self._server(host).send(trip[host])
                except BackendUnavailable as error:
                    silence.kept_waiting(host, since)
                    answers[host] = error
            while flights:
                host, flight = flights.popitem()
                since = silence.monotonic()
                try:
                    answers[host] = flight.replies()
                except BackendUnavailable as error:
                    silence.kept_waiting(host, since)
                    answers[host] = error
        finally:
            for flight in flights.values():  # a signal
                flight.drop()
        return {host: answers[host] for host in trip}

    def _server(self, host: Host) -> Server:
        server = self._servers.get(host)
        if server is None:
            with self._lock:
                connections = Connections(self._router.address.node(host))
                server = self._servers.setdefault(
                    host, Server(connections, on_loss=lambda: self._router.lost(host))
                )
        return server
