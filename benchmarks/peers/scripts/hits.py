"""How handlers count: one small mapped file for each process, which the runner reads.

Standard library only: this runs in every peer's environment. A hit costs about half a
microsecond, the same for all.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
import time
from pathlib import Path

FORM = struct.Struct("qdd")  # how many, and when the first and the last came (monotonic seconds)


class Hits:
    """The count of one process."""

    def __init__(self, folder: Path) -> None:
        path = folder / str(os.getpid())
        path.write_bytes(FORM.pack(0, 0.0, 0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), FORM.size)
        self._count = 0
        self._first = 0.0

    def hit(self) -> None:
        """Count one job."""
        now = time.monotonic()
        if not self._count:
            self._first = now
        self._count += 1
        FORM.pack_into(self._memory, 0, self._count, self._first, now)


_own: Hits | None = None
_turn = threading.Lock()


def hit() -> None:
    """Count one job of this process."""
    global _own  # noqa: PLW0603  # one for each process
    with _turn:
        if _own is None:
            _own = Hits(Path(os.environ["HITS"]))
        _own.hit()


def waited(sent: int) -> None:
    """Note for how long a job waited that was sent at this reading of the monotonic clock (ns)."""
    late = time.monotonic_ns() - sent
    with Path(os.environ["HITS"], "waits").open("a") as file:
        file.write(f"{late}\n")
    hit()


def _forget() -> None:
    global _own, _turn  # a fork counts for itself
    _own, _turn = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
