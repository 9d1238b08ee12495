"""jobkit: at least once, settled after the run, by lease. Each job is a record of its own.

Best: `concurrency=64, prefetch=256`. Default: 10 slots, no prefetch. The numbers of types and
queues are for its own shapes.
"""

from __future__ import annotations

import itertools
from dataclasses import make_dataclass
from typing import Any

from side import Sends, SendsMany, SendsOnLoop, Shape, main
from tasks import ASYNC, NAMES, SYNC

import jobkit

CHUNK = 1_000


def job_type(name: str) -> type[Any]:
    """Make a dataclass with one field."""
    made = make_dataclass(name, [("number", int)], frozen=True, namespace={"__module__": "peers"})
    return jobkit.job(name=name)(made)


class Jobkit(Sends, SendsOnLoop, SendsMany):
    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        functions = SYNC if shape.kind == "sync" else ASYNC
        self.types = {name: job_type(name) for name in functions}
        handlers = jobkit.Handlers()
        for name, made in self.types.items():
            handlers.register(self._handler(functions[name]), job=made)
        self.more = [job_type(f"more_{n}") for n in range(shape.types - len(NAMES))]
        for n, made in enumerate(self.more):
            handlers.register(self._handler(functions[NAMES[n % len(NAMES)]]), job=made)
        self.queues = ["default", *(f"queue-{n}" for n in range(1, shape.queues))]
        self.turns = itertools.count()
        self.jobs = jobkit.RedisJobs(shape.url, handlers=handlers)

    def _handler(self, function: Any) -> Any:
        """Call the function with the number of the job."""
        if self.shape.kind == "sync":
            return lambda job: function(job.number)

        async def handle(job: Any) -> None:
            await function(job.number)

        return handle

    def work(self) -> None:
        options: dict[str, Any] = {}
        if self.shape.settings == "best":
            options = {"concurrency": 64, "prefetch": 256}
        if self.shape.concurrency is not None:
            options["concurrency"] = self.shape.concurrency
        self.jobs.run(queues=self.queues, **options)

    def _job(self, name: str, number: int) -> Any:
        if self.more and name in NAMES:
            turn = number % self.shape.types
            if turn >= len(NAMES):
                return self.more[turn - len(NAMES)](number)
        return self.types[name](number)

    def send(self, name: str, number: int) -> None:
        self.jobs.enqueue(self._job(name, number), queue=self._queue())

    async def asend(self, name: str, number: int) -> None:
        await self.jobs.aio.enqueue(self._job(name, number), queue=self._queue())

    def send_many(self, jobs: list[tuple[str, int]]) -> None:
        made = [self._job(*job) for job in jobs]
        for at, queue in enumerate(self.queues[: len(made)]):
            self.jobs.enqueue_many(made[at :: len(self.queues)], chunk=CHUNK, queue=queue)

    def _queue(self) -> str:
        return self.queues[next(self.turns) % len(self.queues)]


if __name__ == "__main__":
    main(Jobkit)
