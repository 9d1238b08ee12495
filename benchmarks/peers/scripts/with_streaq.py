"""streaq: at least once.

Best: 16 tasks at once (its default; 64 were no faster), no results, uvloop.
"""

from __future__ import annotations

import json
import os
from typing import Any

from side import SendsOnLoop, main
from streaq import Worker
from tasks import ASYNC

shape = json.loads(os.environ["SHAPE"])
tuned: dict[str, Any] = {}
options: dict[str, Any] = {"silent": True}
if shape["settings"] == "best":
    tuned = {"concurrency": shape["concurrency"] or 16, "anyio_kwargs": {"use_uvloop": True}}
    options["ttl"] = 0
worker = Worker(redis_url=os.environ["REDIS_URL"], queue_name="bench", **tuned)
tasks = {name: worker.task(name=name, **options)(each) for name, each in ASYNC.items()}


class Streaq(SendsOnLoop):
    def work(self) -> None:
        os.execvp("streaq", ["streaq", "run", "with_streaq:worker"])

    async def begin(self) -> None:
        await worker.__aenter__()

    async def asend(self, name: str, number: int) -> None:
        await tasks[name].enqueue(number)

    async def end(self) -> None:
        await worker.__aexit__(None, None, None)


if __name__ == "__main__":
    main(Streaq)
