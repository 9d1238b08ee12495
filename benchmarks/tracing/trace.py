"""What is written down of a run: operations with answers, and what workers say of themselves.

One list, in the order in which it happened: the recorder carries out one request at a time, and
what a worker says takes its place among them, and gets its instant `at` (ms) there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from jobkit.store import Lease, Operation

Answered = Literal["heard", "reply lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """One operation, carried out at the instant `at` (ms). `request`: what was sent together.

    `sender`: a process, or the one that makes the load. `reply lost`: the sender never had the
    answer, and was told so.
    """

    sender: str
    request: int
    at: int
    operation: Operation[Any]
    answer: Any
    reply: Answered = "heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What never came to the store of a request; its sender was told so."""

    sender: str
    at: int
    operations: tuple[Operation[Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A worker began to serve."""

    sender: str
    worker: str
    at: int = 0
    types: frozenset[str]
    queues: frozenset[str]
    concurrency: int
    prefetch: int
    lease: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A handler began to run. `timeout`: after how many ms it is told to stop."""

    worker: str
    at: int = 0
    lease: Lease
    timeout: int | None


Way = Literal["returned", "raised", "retry", "snooze", "discard", "dead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A handler ended, and how. `told`: why it was told to stop, if it was."""

    worker: str
    at: int = 0
    lease: Lease
    way: Way
    children: int = 0
    told: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopsClaiming:
    """A worker was told to stop: of what it plans from now on nothing is a claim."""

    worker: str
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A worker has stopped in order."""

    worker: str
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """A worker's process is dead."""

    worker: str
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Complained:
    """A thread of a worker met an error that is jobkit's own."""

    worker: str
    at: int = 0
    text: str


Word: TypeAlias = Began | Entered | Left | StopsClaiming | Stopped | Killed | Complained
Entry: TypeAlias = Did | Lost | Word
Trace: TypeAlias = list[Entry]
