"""arq: at least once. Best: 100 jobs at once, no results, a look every 10 ms; uvloop."""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop
from arq import create_pool, func
from arq.connections import RedisSettings
from arq.worker import Worker
from side import SendsOnLoop, Shape, main
from tasks import ASYNC


def function(name: str) -> Any:
    async def run(_: dict[Any, Any], number: int) -> None:
        await ASYNC[name](number)

    return func(run, name=name, keep_result=0)


class Arq(SendsOnLoop):
    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.settings = RedisSettings.from_dsn(shape.url)

    def work(self) -> None:
        asyncio.set_event_loop(uvloop.new_event_loop())
        tuned: dict[str, Any] = {}
        if self.shape.settings == "best":
            tuned = {
                "max_jobs": self.shape.concurrency or 100,
                "keep_result": 0,
                "poll_delay": 0.01,
            }
        Worker([function(name) for name in ASYNC], redis_settings=self.settings, **tuned).run()

    async def begin(self) -> None:
        self.pool = await create_pool(self.settings)

    async def asend(self, name: str, number: int) -> None:
        await self.pool.enqueue_job(name, number)

    async def end(self) -> None:
        await self.pool.aclose()


if __name__ == "__main__":
    main(Arq)
