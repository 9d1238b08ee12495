"""A worker process's line to the supervisor that started it.

Over one socket go lines of text. The process says `worker NAME` once it serves, and `taken NAME`
when it has taken over a dead one's jobs. The supervisor says `dead NAME` for each of those, and
`go` when a process that has given its name knows of all who died before. Its end means that the
supervisor is gone: then the process stops in order.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from jobkit.worker import Worker

VARIABLE = "JOBKIT_SUPERVISOR"
_LOGGER = logging.getLogger("jobkit.cli")


class Supervised:
    """This end of the line."""

    def __init__(self, descriptor: int) -> None:
        self._link = socket.socket(fileno=descriptor)
        os.set_inheritable(descriptor, False)
        self._lines = self._link.makefile("r", encoding="utf-8", newline="\n")
        self._saying = threading.Lock()

    @classmethod
    def from_environment(cls) -> Supervised | None:
        """Return the line, if a supervisor has started this process; nobody else finds it then."""
        descriptor = os.environ.pop(VARIABLE, None)
        return None if descriptor is None else cls(int(descriptor))

    def join(self, worker: Worker, on_gone: Callable[[], object]) -> None:
        """Tell who we are, begin to take over from those who died before, and keep listening."""
        self._say(f"worker {worker.name}")
        while (line := self._next()) and line != "go":
            self._heed(line, worker)
        listen = threading.Thread(
            target=self._listen, args=(worker, on_gone), name="jobkit-supervised", daemon=True
        )
        listen.start()

    def _listen(self, worker: Worker, on_gone: Callable[[], object]) -> None:
        while line := self._next():
            self._heed(line, worker)
        _LOGGER.warning("the supervisor is gone: shutting down")
        on_gone()

    def _heed(self, line: str, worker: Worker) -> None:
        word, _, name = line.partition(" ")
        if word == "dead":
            worker.take_over(name, lambda: self._say(f"taken {name}"))

    def _next(self) -> str:
        try:
            return self._lines.readline().rstrip("\n")
        except OSError:  # reset
            return ""

    def _say(self, line: str) -> None:
        with self._saying, suppress(OSError):  # gone: `_listen` hears of it
            self._link.sendall(f"{line}\n".encode())
