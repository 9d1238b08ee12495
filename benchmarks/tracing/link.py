"""The line between worker processes and the recorder: operations are values, and go by pickle.

A process has a connection for each request that is under way. What stands in a socket when a
process is killed is carried out, or not, as a whole; what was carried out is written down in either
case.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, Literal, TypeVar

from benchmarks.tracing.recorder import Recorder
from benchmarks.tracing.trace import Word
from jobkit.errors import BackendUnavailable, InvalidOption, JobkitError, NotSupported
from jobkit.redis.connections import address_of
from jobkit.redis.waiter import RedisWaiter
from jobkit.store import ALL_CAPABILITIES, Answer, AtomicOver, Operation, Waiter

R = TypeVar("R")
REFUSALS = {kind.__name__: kind for kind in (InvalidOption, NotSupported)}


@dataclass(frozen=True, slots=True)
class Hello:
    """The first word of a connection: whose it is. `hears`: it is the one for orders."""

    sender: str
    hears: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """An error of the store, in the place of an answer."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The answer to a request that got lost."""

    text: str
    stored: Literal["no", "unknown"]


@dataclass(frozen=True, slots=True)
class TakeOverFrom:
    """Take over what this dead worker held."""

    worker: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Shut down in order, with so many seconds for what runs."""

    seconds: float


Order = TakeOverFrom | Stop


class RecorderServer:
    """Serves a recorder to processes; threads, one for each connection."""

    def __init__(self, recorder: Recorder, path: str) -> None:
        self._recorder = recorder
        self._listener = Listener(path, "AF_UNIX", backlog=64)
        self._hearing: dict[str, Connection[Any, Any]] = {}
        self._heard = threading.Condition()
        threading.Thread(target=self._accept, name="recorder", daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def wait_for(self, sender: str, seconds: float) -> None:
        """Wait until this process takes orders."""
        with self._heard:
            if not self._heard.wait_for(lambda: sender in self._hearing, seconds):
                raise TimeoutError(f"{sender} did not begin within {seconds} s")

    def order(self, sender: str, order: Order) -> None:
        """Tell a process what to do; nothing, if it is gone."""
        with suppress(OSError):
            self._hearing[sender].send(order)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection[Any, Any]) -> None:
        with suppress(EOFError, OSError):  # the process is gone
            hello: Hello = connection.recv()
            if hello.hears:
                with self._heard:
                    self._hearing[hello.sender] = connection
                    self._heard.notify_all()
                return
            while True:
                connection.send(self._answer(hello.sender, connection.recv()))

    def _answer(self, sender: str, asked: Word | list[Operation[Any]]) -> object:
        if not isinstance(asked, list):
            self._recorder.say(asked)
            return None
        try:
            answers = self._recorder.carry_out_in_trouble(sender, asked)
        except BackendUnavailable as error:
            return Unavailable(str(error), error.stored)
        return [_sendable(answer) for answer in answers]


def _sendable(answer: object) -> object:
    return Refused(type(answer).__name__, str(answer)) if isinstance(answer, Exception) else answer


def _received(answer: object) -> object:
    return REFUSALS[answer.kind](answer.text) if isinstance(answer, Refused) else answer


class RemoteStore:
    """The store of a worker process: asks the recorder. Hints it hears from Redis itself."""

    atomic_over: AtomicOver = "store"
    capabilities = ALL_CAPABILITIES

    def __init__(self, path: str, sender: str, *, redis_url: str, namespace: str) -> None:
        self._path = path
        self._sender = sender
        self._address = address_of(redis_url)
        self._namespace = namespace
        self._idle: deque[Connection[Any, Any]] = deque()

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        answer: Any = self.run_many([operation], now=now)[0]
        if isinstance(answer, JobkitError):
            raise answer
        return answer  # type: ignore[no-any-return]  # the operation's type says which

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order, at the recorder's instant."""
        return self.begin(operations, now=now).wait()

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        """Send operations without waiting for the answer."""
        assert now is None
        return Asked(self._send(list(operations)), self._idle)

    def say(self, word: Word) -> None:
        """Have something written down, and wait until it is."""
        self._ask(word)

    def orders(self) -> Connection[Any, Any]:
        """Return the connection on which orders come."""
        return self._connect(Hello(self._sender, hears=True))

    def waiter(self, worker: str) -> Waiter:
        """Return where this worker waits for hints."""
        return RedisWaiter(self._address, self._namespace, worker)

    def audit(self, queue: str) -> list[str]:
        """Leave this to who has the store."""
        raise NotSupported(f"queue {queue!r} is audited where the store is")

    def checkup(self) -> list[str]:
        """Say nothing: the store is in another process."""
        return []

    def close(self) -> None:
        """Leave connections to the end of the process."""

    def _ask(self, asked: Word | list[Operation[Any]]) -> Any:
        connection = self._send(asked)
        answer = connection.recv()
        self._idle.append(connection)
        return answer

    def _send(self, asked: Word | list[Operation[Any]]) -> Connection[Any, Any]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(Hello(self._sender))
        connection.send(asked)
        return connection

    def _connect(self, hello: Hello) -> Connection[Any, Any]:
        connection = Client(self._path, "AF_UNIX")
        connection.send(hello)
        return connection


@dataclass(frozen=True, slots=True)
class Asked:
    """Operations that the recorder was asked for, on a connection."""

    connection: Connection[Any, Any]
    idle: deque[Connection[Any, Any]]  # where it goes when they have come

    def wait(self, *, awake: bool = False) -> list[Any]:  # noqa: ARG002 - asleep, always
        """Wait for its answers."""
        answers = self.connection.recv()
        self.idle.append(self.connection)
        if isinstance(answers, Unavailable):
            raise BackendUnavailable(answers.text, stored=answers.stored)
        return [_received(answer) for answer in answers]


class AsyncRemoteStore:
    """The same store for coroutines."""

    def __init__(self, store: RemoteStore) -> None:
        self._store = store

    async def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        return await asyncio.to_thread(self._store.run, operation, now=now)

    async def close(self) -> None:
        """Leave connections to the end of the process."""
