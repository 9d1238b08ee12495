"""mayu: at least once. Best: process mode, one process, a prefetch multiplier of 256.

Its default is a process for each core and a multiplier of 2. It is made for Python without a GIL,
where it would use threads.
"""

from __future__ import annotations

import json
import os

from mayu import App
from side import Sends, main
from tasks import ASYNC, SYNC

app = App(broker=os.environ["REDIS_URL"])
functions = SYNC if json.loads(os.environ["SHAPE"])["kind"] == "sync" else ASYNC
tasks = {name: app.task(each, name=name) for name, each in functions.items()}


class Mayu(Sends):
    def work(self) -> None:
        words = ["mayu", "worker", "with_mayu:app", "--log-level", "ERROR"]
        if self.shape.settings == "best":
            words += ["--mode", "process", "--processes", "1", "--prefetch-multiplier", "256"]
        os.execvp(words[0], words)

    def send(self, name: str, number: int) -> None:
        tasks[name].delay(number)


if __name__ == "__main__":
    main(Mayu)
