"""The line of hooks to be called: who calls them, how many may stand in it, and its end.

Threads of their own call them, so hooks keep nobody from hearing of jobs. A worker runs no faster
than its hooks: once the line is full it claims nothing until there is room for a batch. It waits
for hooks that are slow, not for those that hang: if the line is full and no call has returned for
`HANG` seconds, jobs go on, and hooks that come then are not called, until half of the line is.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from jobkit.options import WorkerSettings
from jobkit.worker.threads import Task, ThreadPool

ROUNDS = 20  # calls in line for each thread, before the worker waits for some
BATCHES = 4  # of as many jobs as the worker holds; or so many, if that is more
HANG = 30.0  # seconds without a return after which hooks hang
NOBODY_ASKED = -1
_LOGGER = logging.getLogger("jobkit.worker")


class HookLine:
    """Calls hooks in up to `concurrency` threads, in the order in which they came.

    `is_full`: claims should wait, unless hooks `hang`. `on_few` is called, by whichever thread,
    when that is over, and when no call is left of those that `are_made` was asked for.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        name: str,
        *,
        monotonic: Callable[[], float],
        on_few: Callable[[], None],
    ) -> None:
        concurrency = settings.concurrency
        batch = concurrency + settings.prefetch
        self.most = max(ROUNDS * concurrency, BATCHES * batch)
        self._few = self.most - batch
        self.is_full = False
        self._monotonic = monotonic
        self._on_few = on_few
        self._threads = ThreadPool(concurrency, name)
        self._lock = threading.Lock()
        self._length = 0  # calls that have not returned
        self._mark = NOBODY_ASKED  # the length that somebody waits for
        self._callers: set[int] = set()  # threads inside of a call
        self._last_sign = 0.0  # when a call returned, or the line was full
        self._hangs = False
        self._skipped = 0
        self._was_full = False
        self._is_closed = False

    def submit(self, call: Task) -> bool:
        """Put a call in line; False: it will not be made."""
        with self._lock:
            if self._hangs or self._is_closed:
                self._skipped += 1
                return False
            self._length += 1
            if self._length >= self.most and not self.is_full:
                self.is_full = True
                self._mark = self._few
                self._last_sign = self._monotonic()
        if self.is_full and not self._was_full:
            self._was_full = True
            _LOGGER.warning(
                "hooks take longer than jobs: %d calls are in line, so from now on the worker "
                "claims no faster than they return. Make them quicker, raise concurrency, or "
                "enqueue a job for what takes long",
                self.most,
            )
        self._threads.submit([partial(self._make, call)])
        return True

    def hang(self) -> bool:
        """Tell whether jobs go on without them."""
        with self._lock:
            if self._hangs or not self.is_full:
                return self._hangs
            if self._monotonic() < self._last_sign + HANG:
                return False
            self._hangs = True
            self._mark = self.most // 2
        _LOGGER.error(
            "hooks hang: %d are in line, and none has returned for %g s. Jobs go on; the hooks of "
            "those that end now are not called, until half of that line is. Give whatever hooks "
            "wait for a timeout",
            self._length,
            HANG,
        )
        return True

    def are_made(self) -> bool:
        """Tell whether all calls have returned; a hook that asks does not count itself."""
        with self._lock:
            self._mark = int(threading.get_ident() in self._callers)
            return self._length <= self._mark

    def close(self) -> None:
        """Call no more, and say how many were not called or have not returned."""
        with self._lock:
            self._is_closed = True
        uncalled = self._threads.drop() + self._skipped
        self._threads.close()
        running = len(self._callers - {threading.get_ident()})
        if uncalled or running:
            _LOGGER.warning(
                "the worker has stopped: %d calls of hooks were not made, and %d have not "
                "returned. Make them quicker, or give it a longer shutdown_timeout; for what must "
                "happen, enqueue a job",
                uncalled,
                running,
            )

    def _make(self, call: Task) -> None:
        caller = threading.get_ident()
        self._callers.add(caller)
        try:
            call()
        finally:
            self._callers.discard(caller)
            self._returned()

    def _returned(self) -> None:
        with self._lock:
            self._length -= 1
            self._last_sign = self._monotonic()
            if self._length > self._mark:
                return
            self._mark = NOBODY_ASKED
            self.is_full = False
            skipped = self._skipped if self._hangs else 0
            if self._hangs:
                self._hangs, self._skipped = False, 0
        if skipped:
            _LOGGER.warning("hooks return again; %d calls were not made meanwhile", skipped)
        self._on_few()
