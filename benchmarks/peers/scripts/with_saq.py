"""saq: a job that its worker abandons is aborted, and retried only if that was asked for.

Best: 10 jobs at once (its default; 50 were no faster), results dropped, msgspec's JSON, uvloop.
"""

from __future__ import annotations

from typing import Any

import msgspec
import uvloop
from saq import Queue, Worker
from side import SendsOnLoop, main
from tasks import ASYNC


def function(name: str) -> Any:
    async def run(_: dict[str, Any], *, number: int) -> None:
        await ASYNC[name](number)

    return name, run


class Saq(SendsOnLoop):
    def work(self) -> None:
        functions = [function(name) for name in ASYNC]
        uvloop.run(self._work(functions))

    async def _work(self, functions: list[Any]) -> None:
        count = self.shape.concurrency or 10
        await Worker(self._queue(), functions=functions, concurrency=count).start()

    def _queue(self) -> Queue:
        if self.shape.settings == "best":
            return Queue.from_url(
                self.shape.url, dump=msgspec.json.encode, load=msgspec.json.decode
            )
        return Queue.from_url(self.shape.url)

    async def begin(self) -> None:
        self.queue = self._queue()
        await self.queue.connect()

    async def asend(self, name: str, number: int) -> None:
        await self.queue.enqueue(name, number=number, ttl=-1)

    async def end(self) -> None:
        await self.queue.disconnect()


if __name__ == "__main__":
    main(Saq)
