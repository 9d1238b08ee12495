"""tarsk-redis: at least once. Best: one child with 500 slots. Default: 100 slots."""

from __future__ import annotations

import json
import os

from side import Sends, main
from tarsk import App
from tasks import ASYNC, SYNC

app = App(broker=os.environ["REDIS_URL"])
functions = SYNC if json.loads(os.environ["SHAPE"])["kind"] == "sync" else ASYNC
tasks = {name: app.task(name=name)(each) for name, each in functions.items()}


class Tarsk(Sends):
    def work(self) -> None:
        words = ["tarsk", "worker", "--app", "with_tarsk:app", "--broker", self.shape.url]
        if self.shape.settings == "best":
            words += ["--children", "1", "--slots", str(self.shape.concurrency or 500)]
        os.execvp(words[0], words)

    def send(self, name: str, number: int) -> None:
        tasks[name].send(number)


if __name__ == "__main__":
    main(Tarsk)
