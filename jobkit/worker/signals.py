"""SIGTERM and SIGINT, while a worker runs in the foreground."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType


@contextmanager
def stop_signals(hurry: Callable[[], None]) -> Generator[threading.Event]:
    """Give an event that SIGTERM or the first SIGINT sets; a later SIGINT calls `hurry`.

    Main thread only. What was installed before is put back.
    """
    stop = threading.Event()
    # A signal interrupts the main thread anywhere, also inside of an event's lock: setting that
    # event there would wait for ever. Putting into this queue is safe; another thread heeds it.
    received: SimpleQueue[int | None] = SimpleQueue()

    def on_signal(number: int, _: FrameType | None) -> None:
        received.put(number)

    def heed() -> None:
        while (number := received.get()) is not None:
            if stop.is_set() and number == signal.SIGINT:
                hurry()
            stop.set()

    thread = threading.Thread(target=heed, name="jobkit-signals", daemon=True)
    thread.start()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        received.put(None)
        thread.join()
