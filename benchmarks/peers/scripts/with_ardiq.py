"""ardiq: at least once. Best: 100 tasks at once, a prefetch of 200."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from ardiq import Ardiq
from side import SendsMany, SendsOnLoop, Shape, main
from tasks import ASYNC, SYNC

shape = json.loads(os.environ["SHAPE"])
tuned: dict[str, Any] = {}
if shape["settings"] == "best":
    count = shape["concurrency"] or 100
    tuned = {"concurrency": count, "prefetch": 2 * count}
app = Ardiq(redis_url=os.environ["REDIS_URL"], queue_name="bench", **tuned)
functions = SYNC if shape["kind"] == "sync" else ASYNC
tasks = {name: app.task(name=name)(each) for name, each in functions.items()}


class ArdiQ(SendsOnLoop, SendsMany):
    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.loop: asyncio.AbstractEventLoop | None = None

    def work(self) -> None:
        os.execvp("ardiq", ["ardiq", "run", "with_ardiq:app", "--quiet"])

    async def asend(self, name: str, number: int) -> None:
        await tasks[name].enqueue(number)

    def send_many(self, jobs: list[tuple[str, int]]) -> None:
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._send_many(jobs))

    async def _send_many(self, jobs: list[tuple[str, int]]) -> None:
        for at in range(0, len(jobs), 1000):
            await app.enqueue_many(tasks[name].prepare(n) for name, n in jobs[at : at + 1000])


if __name__ == "__main__":
    main(ArdiQ)
    sys.stdout.flush()
    os._exit(0)  # now and then its core crashes (SIGSEGV) while the interpreter ends
