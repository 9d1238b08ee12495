"""The listener: waits for hints, in a thread of the pool, with what the pump is going to ask.

The pump gives it claims when it rests. They stand in the store behind the wait, and are carried
out with the hint that ends it, or when time has run out. It settles nothing and decides nothing:
the claims stay the pump's, which sends them itself, as they are, when it cannot wait any longer.
Its thread is one of those that run handlers, so the job that it hears of needs no other one.
If it dies, the pump still looks every `poll` seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from jobkit.errors import BackendUnavailable
from jobkit.ids import incarnation
from jobkit.store import PatientWaiter
from jobkit.worker.cycle import Cycle
from jobkit.worker.rests import rest_after
from jobkit.worker.threads import ThreadPool

LAST_WAIT = 10.0  # seconds that a wait has to end
FIRST_REST = 0.5  # seconds after the store failed
_LOGGER = logging.getLogger("jobkit.worker")


class Listener:
    """Waits when it is asked to; `on_answer` is called with what came of it, in the same thread.

    `threads`: whose threads wait; one more than handlers need. `on_failure` is called when hints
    may have been lost.
    """

    def __init__(
        self,
        waiter: PatientWaiter,
        *,
        threads: ThreadPool,
        queues: Callable[[], Sequence[str]],
        on_answer: Callable[[Cycle, list[Any]], object],
        on_failure: Callable[[], object],
    ) -> None:
        self._waiter = waiter
        self._threads = threads
        self._queues = queues
        self._on_answer = on_answer
        self._on_failure = on_failure
        self._name = incarnation()
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._failures = 0
        self.is_waiting = False

    def wait(self, cycle: Cycle, timeout: float) -> None:
        """Wait for a hint, or for `timeout` seconds, and then have these operations carried out.

        Not while it `is_waiting`; one thread asks.
        """
        self.is_waiting = True
        self._threads.lend(partial(self._listen, cycle, timeout))

    def stop(self) -> None:
        """End the wait; what stands in the store is carried out no more."""
        self._stopping.set()
        self._waiter.wake()
        if self._turn.acquire(timeout=LAST_WAIT):
            self._waiter.close()
            self._turn.release()

    def _listen(self, cycle: Cycle, timeout: float) -> None:
        with self._turn:
            if self._stopping.is_set():
                return
            try:
                results = self._waiter.wait_and_run(self._queues(), timeout, cycle.operations)
            except BackendUnavailable:  # the pump tells of it
                self._rest()
                return
            except Exception:
                _LOGGER.exception("the listener failed; it goes on")
                self._rest()
                return
            self._failures = 0
        self.is_waiting = False
        if results is not None:
            self._on_answer(cycle, results)

    def _rest(self) -> None:
        self._on_failure()
        self._failures += 1
        self._stopping.wait(rest_after(self._failures, self._name, first=FIRST_REST))
        self.is_waiting = False
        self._on_failure()  # nobody has listened meanwhile
