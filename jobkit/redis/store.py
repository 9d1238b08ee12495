"""The Redis store: each operation is one script, sent once.

Nothing is repeated here. Callers who know that repeating is right (every operation may be run
twice) and for how long, repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

import redis.exceptions as rx

from jobkit.errors import JobkitError
from jobkit.redis.audit import audit
from jobkit.redis.awake import Awake
from jobkit.redis.checkup import checkup, parse_info
from jobkit.redis.command import Command
from jobkit.redis.commands import command
from jobkit.redis.connections import Connections
from jobkit.redis.faults import refused
from jobkit.redis.keys import queue_names
from jobkit.redis.patience import RedisPatience
from jobkit.redis.server import Ask, Flight, Server, packed
from jobkit.redis.waiter import RedisWaiter
from jobkit.store import (
    ALL_CAPABILITIES,
    Answer,
    AtomicOver,
    Here,
    Operation,
    PatientWaiter,
    Ready,
    Waiter,
)

R = TypeVar("R")
Replies: TypeAlias = Callable[[bool], list[Any]]  # waits for them, awake or not
SCRIPTS = 0.0003  # seconds; a settlement and a claim of ten jobs take less


class RedisStore:
    """Keep jobs in one Redis."""

    atomic_over: AtomicOver = "store"
    capabilities = ALL_CAPABILITIES

    def __init__(self, connections: Connections, *, namespace: str = "jobkit") -> None:
        self._address = connections.address
        self._server = Server(connections, on_loss=self._forget)
        self._awake = Awake(SCRIPTS)
        self._namespace = namespace
        self._announced: set[str] = set()
        self._loaded: set[bytes] = set()

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one round trip."""
        self._server.notice_cut()
        sent = command(operation, namespace=self._namespace, now=now)
        result: Any = read(sent, self._reply(sent), where=self._address.shown)
        if isinstance(result, Exception):
            raise result
        return result  # type: ignore[no-any-return]  # the operation's type says which

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in one round trip; each error stands in its place."""
        return self.begin(operations, now=now).wait()

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        """Send operations without waiting for the replies."""
        return self._depart([build(each, self._namespace, now) for each in operations])

    def ready(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Ready:
        """Pack operations for later, unless the server has to be told something before them."""
        built = [build(each, self._namespace, now) for each in operations]
        commands = [each for each in built if isinstance(each, Command)]
        luggage = None
        if commands and self._are_known(commands):
            luggage = packed([each.packed() for each in commands])
        return partial(self._depart, built, luggage)

    @property
    def where(self) -> str:
        """The address, without a password."""
        return self._address.shown

    def waiter(self, worker: str) -> Waiter:
        """Return where this worker waits for hints."""
        return RedisWaiter(self._address, self._namespace, worker)

    def patient_waiter(self, worker: str) -> PatientWaiter:
        """Return where this worker waits together with what it is going to ask."""
        waiter = RedisWaiter(self._address, self._namespace, worker)
        return RedisPatience(self, waiter, self._known, partial(read, where=self.where))

    def audit(self, queue: str) -> list[str]:
        """Check the invariants of a queue at rest and return a sentence for each breach."""
        return audit(self._server.ask, self._namespace, queue)

    def checkup(self) -> list[str]:
        """Return a sentence for each thing about this Redis that may lose jobs."""
        reply = self._server.ask([(b"INFO",)])[0]
        if isinstance(reply, Exception):
            raise refused(reply, self.where)
        return checkup(parse_info(reply.decode()))

    def nodes(self) -> list[Ask]:
        """Return what sends plain commands to this Redis; an error reply stands in its place."""
        return [self._server.ask]

    def close(self) -> None:
        """Disconnect; the store connects again when it is used again."""
        self._server.close()

    def _known(self, operations: Sequence[Operation[Any]]) -> list[Command] | None:
        """Return commands that can go as they are; None if one of them cannot."""
        commands = [command(each, namespace=self._namespace, now=None) for each in operations]
        return commands if self._are_known(commands) else None

    def _reply(self, sent: Command) -> Any:
        if is_known(sent, self._announced, self._loaded):
            reply = self._server.ask_one(sent.packed())
            if not isinstance(reply, rx.NoScriptError):
                return reply
            self._forget()
        return self._send([sent])(False)[0]

    def _depart(self, built: list[Command | JobkitError], luggage: bytes | None = None) -> Answer:
        """Send commands; `luggage`: as they were packed, which holds while they are known."""
        commands = [each for each in built if isinstance(each, Command)]
        if not commands:
            return Here(built)
        self._server.notice_cut()
        if luggage is None or not self._are_known(commands):
            return Sent(built, self._send(commands), self.where)
        flight = self._server.send_packed(luggage, len(commands))
        return Sent(built, partial(self._replies, commands, [], flight), self.where)

    def _are_known(self, commands: list[Command]) -> bool:
        return all(is_known(each, self._announced, self._loaded) for each in commands)

    def _send(self, commands: list[Command]) -> Replies:
        """Send commands in one go; return what waits for a reply or an error reply for each."""
        names = new_names(commands, self._announced)
        words = [pack(each, self._loaded) for each in commands]
        if names:
            words.insert(0, (b"SADD", queue_names(self._namespace), *names))
        return partial(self._replies, commands, names, self._server.send(words))

    def _replies(
        self, commands: list[Command], names: list[str], flight: Flight, awake: bool
    ) -> list[Any]:
        replies = flight.replies(self._awake if awake else None)
        if names and not isinstance(replies.pop(0), Exception):
            self._announced.update(names)
        self._loaded.update([each.script.sha for each in commands if each.script is not None])
        return self._exchange_again(commands, replies)

    def _exchange_again(self, commands: list[Command], replies: list[Any]) -> list[Any]:
        """Send those scripts with their text that the server has forgotten."""
        unknown = [i for i, reply in enumerate(replies) if isinstance(reply, rx.NoScriptError)]
        if unknown:
            texts = [commands[i].packed_with_text() for i in unknown]
            for i, reply in zip(unknown, self._server.ask(texts), strict=True):
                replies[i] = reply
        return replies

    def _forget(self) -> None:
        # What answers next may be another server, or this one without its scripts.
        self._announced.clear()
        self._loaded.clear()


@dataclass(frozen=True, slots=True)
class Sent:
    """Operations on their way to Redis; those that were not sent stand there as an error."""

    built: list[Command | JobkitError]
    replies: Replies
    where: str

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Wait for the replies and return what they mean; each error stands in its place."""
        replies = iter(self.replies(awake))
        return [
            read(each, next(replies), where=self.where) if isinstance(each, Command) else each
            for each in self.built
        ]


def build(operation: Operation[Any], namespace: str, now: int | None) -> Command | JobkitError:
    """Return the command of an operation, or the error for one that is not known."""
    try:
        return command(operation, namespace=namespace, now=now)
    except JobkitError as error:
        return error


def pack(sent: Command, loaded: set[bytes]) -> tuple[Any, ...]:
    """Return the words to send: with the text of a script that the server may not know.

    Asked again one by one, a settlement would be carried out after the claim behind it.
    """
    if sent.script is None or sent.script.sha in loaded:
        return sent.packed()
    return sent.packed_with_text()


def is_known(sent: Command, announced: set[str], loaded: set[bytes]) -> bool:
    """Tell whether a command can go as it is: the server has its script and its queues' names."""
    if sent.script is None or sent.always_announce:
        return False
    return sent.script.sha in loaded and announced.issuperset(sent.queues)


def new_names(commands: Sequence[Command], announced: set[str]) -> list[str]:
    """List the queues whose names must be written down before these commands."""
    return [
        name
        for each in commands
        for name in each.queues
        if each.always_announce or name not in announced
    ]


def read(sent: Command, reply: Any, *, where: str) -> Any:
    """Return what a reply means, or the error that it is."""
    if isinstance(reply, Exception):
        return reply if isinstance(reply, JobkitError) else refused(reply, where)
    try:
        return sent.parse(reply)
    except JobkitError as error:
        return error
