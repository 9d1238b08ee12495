"""dramatiq: at least once. Best: one process, 8 threads, a prefetch of 1,000.

The default is a process for each core, with 8 threads each.
"""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from side import Sends, main
from tasks import SYNC

broker = RedisBroker(url=os.environ["REDIS_URL"])
dramatiq.set_broker(broker)
actors = {name: dramatiq.actor(each, actor_name=name, broker=broker) for name, each in SYNC.items()}


class Dramatiq(Sends):
    def work(self) -> None:
        words = ["dramatiq", "with_dramatiq"]
        if self.shape.settings == "best":
            os.environ["dramatiq_queue_prefetch"] = "1000"
            words += ["--processes", "1", "--threads", str(self.shape.concurrency or 8)]
        os.execvp(words[0], words)

    def send(self, name: str, number: int) -> None:
        actors[name].send(number)


if __name__ == "__main__":
    main(Dramatiq)
