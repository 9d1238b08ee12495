"""Waiting for a state, with a deadline: never for a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from jobkit.clock import SystemClock, pause
from jobkit.worker import WorkingJobs

PATIENCE = 20.0  # seconds; what is waited for takes milliseconds, on a machine that is not busy
LOOK = 0.005

_clock = SystemClock()


def eventually(check: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Wait until what `check` returns is true."""
    deadline = _clock.monotonic() + within
    while not (value := check()):
        if _clock.monotonic() > deadline:
            raise AssertionError(f"not so after {within} s: {value!r}")
        pause(LOOK)


def heard(event: threading.Event, *, within: float = PATIENCE) -> None:
    """Wait for a named signal of a handler."""
    assert event.wait(within), f"no signal within {within} s"


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call took."""
    start = _clock.monotonic()
    call()
    return _clock.monotonic() - start


def seconds_until(check: Callable[[], object], *, within: float = PATIENCE) -> float:
    """Return how long it took until `check` was true."""
    start = _clock.monotonic()
    eventually(check, within=within)
    return _clock.monotonic() - start


class Gate:
    """Holds handlers until the test lets them go on, and counts those that are inside."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = False
        self.inside = 0
        self.most = 0
        self.passed = 0

    def enter(self, *, within: float = PATIENCE) -> str:
        """Wait inside until the gate opens; return "passed"."""
        with self._changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self._changed.notify_all()
            try:
                assert self._changed.wait_for(lambda: self._is_open, within), "nobody opened"
            finally:
                self.inside -= 1
                self.passed += 1
                self._changed.notify_all()
        return "passed"

    def hold(self) -> None:
        """Be a task: enter."""
        self.enter()

    def handle(self, job: Any) -> str:
        """Be a handler: enter."""
        return self.enter()

    def open(self) -> None:
        """Let all go on, also those that come later."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def wait_for(self, number: int, *, within: float = PATIENCE) -> None:
        """Wait until so many are inside at once."""
        with self._changed:
            found = self._changed.wait_for(lambda: self.inside >= number, within)
            assert found, f"{self.inside} of {number} came in within {within} s"


def in_trouble(jobs: WorkingJobs) -> bool:
    """Tell whether the worker does without its store."""
    return jobs.worker is not None and jobs.worker.trouble is not None


def at_work(jobs: WorkingJobs) -> bool:
    """Tell whether the worker is there, and has its store."""
    return jobs.worker is not None and jobs.worker.trouble is None
