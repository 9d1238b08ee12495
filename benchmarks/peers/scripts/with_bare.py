"""The limit: no SDK at all, a list and one script call for each batch: 64, or as many as slots.

At least once: a batch is kept in a list of its own until a call after the end of its last job.
Jobs that count run one after the other; for those that sleep there are as many threads, or tasks,
as there are slots, and whoever finds nothing in line takes the next batch.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque

import msgspec
import redis
import redis.asyncio
from side import Sends, SendsMany, SendsOnLoop, Shape, main
from tasks import ASYNC, SYNC

BATCH = 64
TAKE = """
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
local jobs = redis.call('LPOP', KEYS[1], ARGV[1])
if jobs then redis.call('RPUSH', KEYS[2], unpack(jobs)) end
return jobs
"""


class Job(msgspec.Struct):
    name: str
    number: int


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Job).decode


class Batch:
    """Jobs that were taken in one call; `left`: how many have not ended."""

    def __init__(self, key: str, left: int) -> None:
        self.key = key
        self.left = left


class Bare(Sends, SendsOnLoop, SendsMany):
    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.client = redis.Redis.from_url(shape.url)
        self.line: deque[tuple[Batch, Job]] = deque()
        self.ended: list[str] = []
        self.turn = threading.Lock()
        self.batches = 0

    def work(self) -> None:
        if self.shape.job == "sleep":
            self._work_on_slots()
        else:
            self._work_in_turn()

    def _work_on_slots(self) -> None:
        slots = self.shape.concurrency or BATCH
        if self.shape.kind == "async":
            asyncio.run(self._tasks(slots))
            return
        threads = [threading.Thread(target=self._thread) for _ in range(slots)]
        for thread in threads:
            thread.start()

    def _thread(self) -> None:
        while True:
            with self.turn:
                while not self.line and not self._take():
                    self._wait()
                batch, job = self.line.popleft()
            SYNC[job.name](job.number)
            with self.turn:
                self._end(batch)

    async def _tasks(self, slots: int) -> None:
        await asyncio.gather(*(self._task() for _ in range(slots)))

    async def _task(self) -> None:
        while True:
            while not self.line and not self._take():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            batch, job = self.line.popleft()
            await ASYNC[job.name](job.number)
            self._end(batch)

    def _take(self) -> int:
        """Take a batch, forget those that have ended, and return how many jobs came."""
        self.batches += 1
        ended, self.ended = self.ended, []
        key = f"taken:{os.getpid()}:{self.batches}"
        number = self.shape.concurrency or BATCH
        jobs = self.client.eval(TAKE, 2 + len(ended), "jobs", key, *ended, number) or []
        batch = Batch(key, len(jobs))
        self.line.extend((batch, job) for job in map(decode, jobs))
        return len(jobs)

    def _end(self, batch: Batch) -> None:
        batch.left -= 1
        if not batch.left:
            self.ended.append(batch.key)

    def _work_in_turn(self) -> None:
        take = self.client.register_script(TAKE)
        keys = ["jobs", f"taken:{os.getpid()}"]
        batch = self.shape.concurrency or BATCH
        run = asyncio.run if self.shape.kind == "async" else None
        while True:
            jobs = take(keys, [batch])
            if not jobs:
                self._wait()
            elif run is None:
                for job in map(decode, jobs):
                    SYNC[job.name](job.number)
            else:
                run(self._on_loop(jobs))

    def _wait(self) -> None:
        """Sleep until there is a job, and leave it where it is."""
        self.client.blmove("jobs", "jobs", 1, "LEFT", "LEFT")

    async def _on_loop(self, jobs: list[bytes]) -> None:
        for job in map(decode, jobs):
            await ASYNC[job.name](job.number)

    def send(self, name: str, number: int) -> None:
        self.client.rpush("jobs", encode(Job(name, number)))

    def send_many(self, jobs: list[tuple[str, int]]) -> None:
        for at in range(0, len(jobs), 500):
            self.client.rpush("jobs", *(encode(Job(*job)) for job in jobs[at : at + 500]))

    async def begin(self) -> None:
        self.aclient = redis.asyncio.Redis.from_url(self.shape.url)

    async def asend(self, name: str, number: int) -> None:
        await self.aclient.rpush("jobs", encode(Job(name, number)))

    async def end(self) -> None:
        await self.aclient.aclose()


if __name__ == "__main__":
    main(Bare)
