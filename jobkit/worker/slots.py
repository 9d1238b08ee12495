"""Who has a slot of a worker, and who is next in line for one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from jobkit.worker.work import Work


class Slots:
    """At most `size` works run at a time; those claimed ahead wait in line.

    A slot is taken when a work is started, and free when its thread or task is done with it: also
    if the work was given up long before. Whoever is done passes its slot on at once, without
    waiting for the pump. Each method may be called in any thread.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._waiting: deque[Work] = deque()
        self._is_open = True
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """How many works may start."""
        return self._size - self._taken

    @property
    def are_used(self) -> bool:
        """Whether some work runs."""
        return self._taken > 0

    @property
    def waiting(self) -> int:
        """How many works wait in line."""
        return len(self._waiting)

    def enter(self, works: Iterable[Work] = ()) -> list[Work]:
        """Let works stand in line, and return those that have a slot now."""
        with self._lock:
            self._waiting.extend(works)
            return self._next()

    def leave(self, number: int = 1) -> list[Work]:
        """Take slots back from works that are done, and return those who have one now."""
        with self._lock:
            self._taken -= number
            return self._next()

    def close(self) -> list[Work]:
        """Give no slot to anybody any more, and return those who waited for one."""
        with self._lock:
            self._is_open = False
            waiting, self._waiting = list(self._waiting), deque()
            return waiting

    def _next(self) -> list[Work]:
        if not self._waiting or not self._is_open:
            return []
        number = min(self._size - self._taken, len(self._waiting))
        self._taken += number
        return [self._waiting.popleft() for _ in range(number)]
