"""The listener: blocks on the store's hints, in a thread of its own, and wakes the pump.

It reads hints alone and writes nothing. Each wait ends after `poll` seconds at the latest. If
it dies, the pump still looks every `poll` seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from jobkit.errors import BackendUnavailable
from jobkit.ids import incarnation
from jobkit.store import Waiter
from jobkit.worker.rests import rest_after

WAIT = 5.0  # seconds
FIRST_REST = 0.5  # seconds after the store failed
_LOGGER = logging.getLogger("jobkit.worker")


class Listener:
    """Calls `on_hint` for each hint."""

    def __init__(
        self,
        waiter: Waiter,
        *,
        queues: Callable[[], Sequence[str]],
        on_hint: Callable[[], None],
    ) -> None:
        self._waiter = waiter
        self._queues = queues
        self._on_hint = on_hint
        self._name = incarnation()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="jobkit-listener", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._waiter.wake()
        if self._thread.is_alive():
            self._thread.join(timeout=WAIT + 5)

    def _listen(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                if self._waiter.wait(self._queues(), WAIT):
                    self._on_hint()
                failures = 0
                continue
            except BackendUnavailable:
                self._on_hint()  # hints may be lost; and the pump tells of the outage
            except Exception:
                _LOGGER.exception("the listener failed; it goes on")
            failures += 1
            self._stopping.wait(rest_after(failures, self._name, first=FIRST_REST))
        self._waiter.close()
