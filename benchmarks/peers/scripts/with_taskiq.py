"""taskiq with taskiq-redis: at least once, by a stream that is acknowledged.

Best: one process, 100 tasks at once, no result backend. Default: two processes.
"""

from __future__ import annotations

import os

from side import SendsOnLoop, main
from taskiq_redis import RedisStreamBroker
from tasks import ASYNC

broker = RedisStreamBroker(os.environ["REDIS_URL"])
tasks = {name: broker.task(task_name=name)(each) for name, each in ASYNC.items()}


class Taskiq(SendsOnLoop):
    def work(self) -> None:
        words = ["taskiq", "worker", "with_taskiq:broker", "--log-level", "ERROR"]
        if self.shape.settings == "best":
            count = self.shape.concurrency or 100
            words += ["--workers", "1", "--max-async-tasks", str(count)]
        os.execvp(words[0], words)

    async def begin(self) -> None:
        await broker.startup()

    async def asend(self, name: str, number: int) -> None:
        await tasks[name].kiq(number)

    async def end(self) -> None:
        await broker.shutdown()


if __name__ == "__main__":
    main(Taskiq)
