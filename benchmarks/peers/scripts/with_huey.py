"""huey: at most once; a job is taken off the list before it runs.

Best: one thread (its default; four were as fast), no results, a blocking pop.
"""

from __future__ import annotations

import os

from huey import RedisHuey
from side import Sends, main
from tasks import SYNC

huey = RedisHuey("bench", url=os.environ["REDIS_URL"], results=False, blocking=True)
tasks = {name: huey.task()(each) for name, each in SYNC.items()}


class Huey(Sends):
    def work(self) -> None:
        words = ["huey_consumer", "with_huey.huey", "--quiet"]
        if self.shape.concurrency:
            words += ["--workers", str(self.shape.concurrency)]
        os.execvp(words[0], words)

    def send(self, name: str, number: int) -> None:
        tasks[name](number)


if __name__ == "__main__":
    main(Huey)
