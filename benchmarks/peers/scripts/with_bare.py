"""The limit: no SDK at all, a list and one script call for each batch of 64.

At least once: a batch is kept in a list of its own until the call that takes the next one.
"""

from __future__ import annotations

import asyncio
import os

import msgspec
import redis
import redis.asyncio
from side import Sends, SendsMany, SendsOnLoop, Shape, main
from tasks import ASYNC, SYNC

BATCH = 64
TAKE = """
redis.call('DEL', KEYS[2])
local jobs = redis.call('LPOP', KEYS[1], ARGV[1])
if jobs then redis.call('RPUSH', KEYS[2], unpack(jobs)) end
return jobs
"""


class Job(msgspec.Struct):
    name: str
    number: int


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Job).decode


class Bare(Sends, SendsOnLoop, SendsMany):
    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.client = redis.Redis.from_url(shape.url)

    def work(self) -> None:
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
