"""How a running handler is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["timeout", "cancel", "shutdown", "lost", "deleted"]


class Cancellation:
    """Tells a handler to stop, and why; the first reason stays.

    A sync handler looks at it (`is_set`, `wait`); the task of an async one is cancelled.
    """

    # Made once per job: the event, which costs more than all the rest, only when waited for.
    __slots__ = ("_callbacks", "_event", "_lock", "reason")

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self._callbacks: list[Callable[[], object]] | None = None
        self._event: threading.Event | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Cancellation reason={self.reason!r}>"

    def is_set(self) -> bool:
        """Tell whether the handler should stop."""
        return self.reason is not None

    def wait(self, timeout: float | timedelta | None = None) -> bool:
        """Wait until the handler should stop, or for so long (seconds); tell whether it should."""
        with self._lock:
            if self.reason is not None:
                return True
            event = self._event = self._event or threading.Event()
        return event.wait(timeout.total_seconds() if isinstance(timeout, timedelta) else timeout)

    def set(self, reason: Reason) -> bool:
        """Tell the handler to stop, from any thread; False if it had been told before."""
        with self._lock:
            if self.reason is not None:
                return False
            self.reason = reason
            event, callbacks, self._callbacks = self._event, self._callbacks, None
        if event is not None:
            event.set()
        for callback in callbacks or ():
            callback()
        return True

    def on_set(self, callback: Callable[[], object]) -> None:
        """Call this once when it is set, in the thread that sets it; at once if it is already."""
        with self._lock:
            if self.reason is None:
                if self._callbacks is None:
                    self._callbacks = []
                self._callbacks.append(callback)
                return
        callback()

    def forget(self, callback: Callable[[], object]) -> None:
        """Take back an `on_set`; nothing, if it was set meanwhile."""
        with self._lock:
            if self._callbacks is not None:
                self._callbacks.remove(callback)
