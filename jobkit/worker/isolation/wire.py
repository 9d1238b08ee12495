"""What the processes of an isolated attempt say to each other, over pairs of sockets."""

from __future__ import annotations

import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any

from jobkit.cancellation import Reason
from jobkit.outcome import Outcome
from jobkit.progress import CheckedIn
from jobkit.store import Capability, NewJob

LENGTH = struct.Struct("!I")
# From the worker to the template, with the file descriptor of the child's link: its number.
FORK, KILL = b"F", b"K"
REQUEST = struct.Struct("!cQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a template needs before it can fork: module names, code to look up, log levels."""

    imports: tuple[str, ...]
    codes: tuple[bytes, ...]
    argv: tuple[str, ...]
    levels: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The template has imported everything; `threads`: those that the imports started."""

    threads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The template cannot work, or not make this child (`number`)."""

    why: str
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A child runs."""

    number: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A child has ended; `status` as `os.waitpid` gives it."""

    number: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt: the first thing that a child reads from its link.

    `code` and `enqueueing` are pickles of what it finds by name; see `portable`. `capabilities`:
    those of the worker's store.
    """

    code: bytes
    enqueueing: bytes
    payload: bytes
    context: dict[str, Any]
    capabilities: frozenset[Capability]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """From the worker to a child: set `ctx.cancelled`."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A log record of a child whose application has configured no logging."""

    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How the attempt ended; `children` is what it enqueued on its context.

    `said`: its last check-in.
    """

    outcome: Outcome
    children: tuple[NewJob, ...] = ()
    said: CheckedIn | None = None


def send(link: socket.socket, message: object) -> None:
    """Send one message; raises `OSError` if nobody is there."""
    data = pickle.dumps(message)
    link.sendall(LENGTH.pack(len(data)) + data)


def receive(link: socket.socket) -> Any:
    """Wait for a message; None if the other side is gone."""
    try:
        head = _exactly(link, LENGTH.size)
        data = None if head is None else _exactly(link, LENGTH.unpack(head)[0])
    except OSError:  # reset: it was killed while something was under way
        return None
    # Both sides run the code of one application, as the same user.
    return None if data is None else pickle.loads(data)


def _exactly(link: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)
