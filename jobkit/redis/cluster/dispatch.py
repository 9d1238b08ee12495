"""What a store does on a cluster, as a `Route`: operations, names of queues, and forwarding."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from jobkit.errors import BackendUnavailable, JobkitError
from jobkit.redis.cluster.forwarding import (
    LATER,
    forward,
    receive,
    settle_and_leave,
)
from jobkit.redis.cluster.routing import Plain, Route, Router
from jobkit.redis.cluster.slots import slot_of
from jobkit.redis.command import Arg, Command
from jobkit.redis.commands import command
from jobkit.redis.faults import refused
from jobkit.redis.hosts import Host
from jobkit.redis.keys import queue_names, queue_prefix
from jobkit.redis.store import new_names, read
from jobkit.store import Claim, Operation, Push, Settle

REST = 1.0  # seconds until children are forwarded again to a node that was away
_LOGGER = logging.getLogger("jobkit.redis")


class Dispatcher:
    """Turns operations into trips; shared by all that talk to a cluster in one process."""

    def __init__(self, router: Router, *, namespace: str) -> None:
        self.router = router
        self.namespace = namespace
        self._monotonic = router.silence.monotonic
        self._announced: set[str] = set()
        self._losses = 0
        self._resting: dict[tuple[str, str], float] = {}  # until when, by queue and target

    def run_many(self, operations: Sequence[Operation[Any]], now: int | None) -> Route[list[Any]]:
        """Carry out operations: those of one queue in order, each error in its place.

        Usually one trip. Children of other queues are forwarded before this returns.
        """
        at: Arg = "" if now is None else now
        built = [self._build(each, now) for each in operations]
        sent = [each for each in built if isinstance(each, Command)]
        claimed = [each.queue for each in operations if isinstance(each, Claim)]
        looks = [self._look_into_outbox(queue) for queue in claimed]
        replies = yield from self._exchange(sent, looks)
        left = {
            queue for queue, look in zip(claimed, replies[len(sent) :], strict=True) if look == 1
        }
        answers = iter(replies)
        results = [
            read(each, next(answers), where=self.router.address.shown)
            if isinstance(each, Command)
            else each
            for each in built
        ]
        for operation, each, result in zip(operations, built, results, strict=True):
            if isinstance(operation, Settle) and isinstance(each, Command) and each.queues:
                left |= set() if isinstance(result, Exception) else {operation.queue}
        for queue in sorted(left):
            yield from self.forward(queue, at)
        return results

    def hosts_of(self, queues: Sequence[str]) -> Route[dict[str, Host | None]]:
        """Return the node that serves each queue."""
        slots = yield from self.router.slots()
        return {queue: slots.primary_of(slot_of(self._prefix(queue))) for queue in queues}

    def ask_queue(self, queue: str, words: Sequence[tuple[Any, ...]]) -> Route[list[Any]]:
        """Send plain commands to the node of a queue."""
        commands = [Plain(self._prefix(queue), each) for each in words]
        return (yield from self.router.replies(commands))

    def ask_all(self, words: tuple[Any, ...]) -> Route[dict[Host, Any]]:
        """Send a command to every node that serves slots; raises if one cannot be reached."""
        slots = yield from self.router.slots()
        answers = yield {host: [words] for host in slots.primaries}
        for answer in answers.values():
            if isinstance(answer, BackendUnavailable):
                raise answer
            if isinstance(answer[0], Exception):
                raise refused(answer[0], self.router.address.shown)
        return {host: answer[0] for host, answer in answers.items() if isinstance(answer, list)}

    # Operations.

    def _prefix(self, queue: str) -> str:
        return queue_prefix(self.namespace, queue)

    def _build(self, operation: Operation[Any], now: int | None) -> Command | JobkitError:
        try:
            if isinstance(operation, Push):
                operation.check_reach("queue")
            if isinstance(operation, Settle) and (others := operation.other_queues):
                at: Arg = "" if now is None else now
                return settle_and_leave(operation, others, self.namespace, at)
            return command(operation, namespace=self.namespace, now=now)
        except JobkitError as error:
            return error

    def _look_into_outbox(self, queue: str) -> Plain:
        key = f"{self._prefix(queue)}outboxes"
        return Plain(key, (b"EXISTS", key))

    def _exchange(
        self, commands: Sequence[Command], plain: Sequence[Plain] = ()
    ) -> Route[list[Any]]:
        """Return replies; the names of queues are written down in the same trip.

        A job does not wait for its queue's name, whose node may be away: until it is written the
        queue is not listed, and it is written with the next push or heartbeat.
        """
        if self._losses != self.router.losses:  # whoever has the names now may not know them
            self._losses = self.router.losses
            self._announced.clear()
        names = new_names(commands, self._announced)
        sent: list[Command | Plain] = [*commands, *plain]
        replies = yield from self.router.replies([*sent, self._announce(names)] if names else sent)
        if names and not isinstance(replies.pop(), Exception):
            self._announced.update(names)
        return replies

    def _announce(self, names: Sequence[str]) -> Plain:
        key = queue_names(self.namespace)
        return Plain(key, (b"SADD", key, *names))

    # Children of other queues.

    def forward(self, source: str, now: Arg) -> Route[None]:
        """Bring the children that wait in a queue's outbox to their queues, as far as it goes."""
        known = {
            target: LATER
            for (queue, target), until in list(self._resting.items())
            if queue == source and until > self._monotonic()
        }
        while True:
            ask = forward(self.namespace, source, known)
            [reply] = yield from self.router.replies([ask])
            boxes = read(ask, reply, where=self.router.address.shown)
            if isinstance(boxes, Exception):
                _LOGGER.info("children stay in the outbox of queue %s for now: %s", source, boxes)
                return
            if not boxes:
                return
            known = {target: mark for target, mark in known.items() if mark == LATER}
            known |= yield from self._deliver(source, boxes, now)

    def _deliver(
        self, source: str, boxes: dict[str, list[bytes]], now: Arg
    ) -> Route[dict[str, str]]:
        """Return the greatest number that has arrived in each queue."""
        calls = [
            receive(self.namespace, source, target, entries, now)
            for target, entries in boxes.items()
        ]
        replies = yield from self._exchange(calls)
        arrived: dict[str, str] = {}
        for target, call, reply in zip(boxes, calls, replies, strict=True):
            mark = read(call, reply, where=self.router.address.shown)
            if isinstance(mark, Exception):
                _LOGGER.warning("children of queue %s wait for queue %s: %s", source, target, mark)
                self._resting[source, target] = self._monotonic() + REST
                arrived[target] = LATER
            else:
                self._resting.pop((source, target), None)
                arrived[target] = mark
        return arrived
