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
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tasks import NAMES


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


class Side:
    """One system. A script leaves out what its system cannot do."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def work(self) -> None:
        """Be one worker process, until killed."""
        raise NotImplementedError

    def send(self, name: str, number: int) -> None:
        """Enqueue one job."""
        raise NotImplementedError

    async def asend(self, name: str, number: int) -> None:
        """Enqueue one job from a coroutine."""
        raise NotImplementedError

    def send_many(self, jobs: list[tuple[str, int]]) -> None:
        """Enqueue many jobs by the call that is made for it."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Connect, before coroutines enqueue."""

    async def end(self) -> None:
        """Disconnect."""


def main(kind: type[Side]) -> None:
    """Do what the command line says."""
    side = kind(Shape.from_environment())
    verb = sys.argv[1]
    if verb == "work":
        side.work()
        return
    verbs = {"enqueue": _enqueue, "many": _many}
    seconds = verbs[verb](side) if verb in verbs else asyncio.run(_on_loop(side, verb))
    print(json.dumps({"seconds": seconds}))


def _enqueue(side: Side) -> float:
    jobs = list(side.shape.jobs())
    side.send(*jobs[0])  # connects
    began = time.perf_counter()
    for name, number in jobs[1:]:
        side.send(name, number)
    return time.perf_counter() - began


def _many(side: Side) -> float:
    jobs = list(side.shape.jobs())
    side.send_many(jobs[:1])  # connects
    began = time.perf_counter()
    side.send_many(jobs[1:])
    return time.perf_counter() - began


async def _on_loop(side: Side, verb: str) -> float:
    await side.begin()
    try:
        return await (_aenqueue(side) if verb == "aenqueue" else _idle(side))
    finally:
        await side.end()


async def _aenqueue(side: Side) -> float:
    jobs = list(side.shape.jobs())
    await side.asend(*jobs[0])  # connects
    rest = iter(jobs[1:])

    async def send_in_turn() -> None:
        for name, number in rest:
            await side.asend(name, number)

    began = time.perf_counter()
    await asyncio.gather(*(send_in_turn() for _ in range(side.shape.in_flight)))
    return time.perf_counter() - began


async def _idle(side: Side) -> float:
    """Enqueue at a pace, by the plain call where there is one; the job notes how long it took."""
    is_plain = type(side).send is not Side.send
    began = time.perf_counter()
    for _ in range(side.shape.count):
        await asyncio.sleep(0.02)
        sent = time.monotonic_ns()
        if is_plain:
            side.send("wait", sent)
        else:
            await side.asend("wait", sent)
    return time.perf_counter() - began
