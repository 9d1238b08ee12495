"""The bell: wakes the one thread that waits for it."""

from __future__ import annotations

import threading


class Bell:
    """A `threading.Event` for one waiting thread: a lock, and none of Python's own code.

    Any thread may set it. Each `wait` that it ends uses it up, and so does `clear`.
    """

    def __init__(self) -> None:
        self._silence = threading.Lock()
        self._silence.acquire()

    def set(self) -> None:
        """End the wait that is under way, or the next one."""
        try:
            self._silence.release()
        except RuntimeError:
            return  # it rings already, and whoever waits has not looked yet

    def clear(self) -> None:
        """Let the next wait wait: what rang until now is about to be looked at."""
        self._silence.acquire(blocking=False)

    def wait(self, timeout: float) -> bool:
        """Wait until it rings; False if time runs out."""
        return self._silence.acquire(timeout=timeout)
