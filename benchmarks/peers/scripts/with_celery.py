"""celery: at most once by default; `acks_late` would cost nothing that can be measured here.

Best: one process that runs jobs itself (solo), a prefetch of 128, no gossip, mingle or heartbeat,
results ignored. Default: a process for each core.
"""

from __future__ import annotations

import os

from celery import Celery
from side import Sends, main
from tasks import SYNC

app = Celery("bench", broker=os.environ["REDIS_URL"])
app.conf.broker_connection_retry_on_startup = True
tasks = {name: app.task(name=name, ignore_result=True)(each) for name, each in SYNC.items()}


class Celeriac(Sends):
    def work(self) -> None:
        words = ["celery", "-A", "with_celery", "worker", "--loglevel", "ERROR"]
        if self.shape.settings == "best":
            words += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
            words += ["--prefetch-multiplier", "128"]
            threads = self.shape.concurrency
            pool = ["threads", "--concurrency", str(threads)] if threads else ["solo"]
            words += ["--pool", *pool]
        os.execvp(words[0], words)

    def send(self, name: str, number: int) -> None:
        tasks[name].delay(number)


if __name__ == "__main__":
    main(Celeriac)
