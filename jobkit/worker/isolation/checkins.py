"""Check-ins of an isolated handler on their way to the worker."""

from __future__ import annotations

import threading
from collections.abc import Callable

from jobkit.clock import pause
from jobkit.context import JobContext
from jobkit.progress import CheckedIn

REST = 0.1  # seconds between two that are sent: the worker writes the last word only


class CheckIns:
    """Sends the last word from a thread of its own, so that a check-in never waits.

    `last` goes home with the outcome as well.
    """

    def __init__(self, tell: Callable[[CheckedIn], None]) -> None:
        self.last: CheckedIn | None = None
        self._tell = tell
        self._lock = threading.Lock()
        self._said = threading.Event()
        self._thread: threading.Thread | None = None

    def hear(self, _: JobContext, said: CheckedIn) -> None:
        """Take a check-in; any thread of the handler's."""
        self.last = said
        self._said.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._send, name="jobkit-checkins", daemon=True
                )
                self._thread.start()

    def _send(self) -> None:
        while self._said.wait():
            self._said.clear()
            if self.last is not None:
                self._tell(self.last)
            pause(REST)
