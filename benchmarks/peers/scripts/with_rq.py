"""rq: a job that its worker abandons is failed, and retried only if that was asked for.

Best: SimpleWorker, which runs jobs in its own process. Default: Worker, which forks for each.
"""

from __future__ import annotations

from redis import Redis
from rq import Queue, SimpleWorker, Worker
from side import Sends, SendsMany, Shape, main
from tasks import SYNC


class Rq(Sends, SendsMany):
    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.queue = Queue("bench", connection=Redis.from_url(shape.url))

    def work(self) -> None:
        kind = SimpleWorker if self.shape.settings == "best" else Worker
        kind([self.queue], connection=self.queue.connection).work(logging_level="ERROR")

    def send(self, name: str, number: int) -> None:
        self.queue.enqueue(SYNC[name], number, result_ttl=0)

    def send_many(self, jobs: list[tuple[str, int]]) -> None:
        for at in range(0, len(jobs), 500):
            self.queue.enqueue_many(
                [
                    Queue.prepare_data(SYNC[name], (number,), result_ttl=0)
                    for name, number in jobs[at : at + 500]
                ]
            )


if __name__ == "__main__":
    main(Rq)
