"""The interface behind which every peer stands, and the command line of its script.

python with_PEER.py work        be one worker process until killed
python with_PEER.py enqueue     enqueue jobs one after the other
python with_PEER.py aenqueue    enqueue them on an event loop, 50 in flight
python with_PEER.py many        enqueue them in bulk
python with_PEER.py idle        enqueue one every 20 ms, for a worker that is idle

What and how many stands in the environment: see `Shape`. The answer is one line of JSON. Standard
library only: this runs in every peer's environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from tasks import NAMES

S = TypeVar("S", bound="Side")


@dataclass(frozen=True)
class Shape:
    """What is measured.

    `settings`: "best" is what the documentation says for throughput, "default" is what one gets
    without saying anything. `kind`: of handlers, where a peer has both. `concurrency`: threads or
    tasks; None: as the settings are. `job`: one of the five that count, in turn, or "sleep".
    `types` and `queues`: more of them than five and one are for jobkit alone.
    """

    url: str
    count: int
    settings: Literal["best", "default"]
    kind: Literal["sync", "async"]
    concurrency: int | None
    job: Literal["count", "sleep"]
    in_flight: int = 50
    types: int = 5
    queues: int = 1

    @classmethod
    def from_environment(cls) -> Shape:
        given = json.loads(os.environ["SHAPE"])
        return cls(url=os.environ["REDIS_URL"], **given)

    def jobs(self) -> Iterator[tuple[str, int]]:
        """Yield the name and the number of each job to enqueue."""
        for number in range(self.count):
            yield (NAMES[number % len(NAMES)] if self.job == "count" else "sleep"), number


class Side(ABC):
    """One system: a worker of it, and with `Sends`, `SendsOnLoop`, `SendsMany` what enqueues."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    @abstractmethod
    def work(self) -> None:
        """Be one worker process, until killed."""

    async def begin(self) -> None:  # noqa: B027 - some need not
        """Connect, before coroutines enqueue."""

    async def end(self) -> None:  # noqa: B027 - some need not
        """Disconnect."""


class Sends(Side):
    """A system that enqueues from plain functions."""

    @abstractmethod
    def send(self, name: str, number: int) -> None:
        """Enqueue one job."""


class SendsOnLoop(Side):
    """A system that enqueues from coroutines."""

    @abstractmethod
    async def asend(self, name: str, number: int) -> None:
        """Enqueue one job."""


class SendsMany(Side):
    """A system that has a call for many jobs."""

    @abstractmethod
    def send_many(self, jobs: list[tuple[str, int]]) -> None:
        """Enqueue many jobs by it."""


def main(kind: type[Side]) -> None:
    """Do what the command line says."""
    side, verb = kind(Shape.from_environment()), sys.argv[1]
    match verb, side:
        case "work", _:
            side.work()
            return
        case "enqueue", Sends():
            seconds = _enqueue(side)
        case "many", SendsMany():
            seconds = _many(side)
        case "aenqueue", SendsOnLoop():
            seconds = asyncio.run(_on_loop(side, _aenqueue))
        case "idle", Sends() | SendsOnLoop():
            seconds = asyncio.run(_on_loop(side, _idle))
        case _:
            sys.exit(f"{kind.__name__} cannot {verb}: `verbs` of systems.py says what it can")
    print(json.dumps({"seconds": seconds}))


def _enqueue(side: Sends) -> float:
    jobs = list(side.shape.jobs())
    side.send(*jobs[0])  # connects
    began = time.perf_counter()
    for name, number in jobs[1:]:
        side.send(name, number)
    return time.perf_counter() - began


def _many(side: SendsMany) -> float:
    jobs = list(side.shape.jobs())
    side.send_many(jobs[:1])  # connects
    began = time.perf_counter()
    side.send_many(jobs[1:])
    return time.perf_counter() - began


async def _on_loop(side: S, measure: Callable[[S], Awaitable[float]]) -> float:
    await side.begin()
    try:
        return await measure(side)
    finally:
        await side.end()


async def _aenqueue(side: SendsOnLoop) -> float:
    jobs = list(side.shape.jobs())
    await side.asend(*jobs[0])  # connects
    rest = iter(jobs[1:])

    async def send_in_turn() -> None:
        for name, number in rest:
            await side.asend(name, number)

    began = time.perf_counter()
    await asyncio.gather(*(send_in_turn() for _ in range(side.shape.in_flight)))
    return time.perf_counter() - began


async def _idle(side: Sends | SendsOnLoop) -> float:
    """Enqueue at a pace, by the plain call where there is one; the job notes how long it took."""
    began = time.perf_counter()
    for _ in range(side.shape.count):
        await asyncio.sleep(0.02)
        sent = time.monotonic_ns()
        if isinstance(side, Sends):
            side.send("wait", sent)
        else:
            await side.asend("wait", sent)
    return time.perf_counter() - began
