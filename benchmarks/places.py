"""Places that the kernel keeps: a proof of limits that knows nothing of jobkit or of Redis."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@contextmanager
def take_place(journal: Path, number: int, patience: float) -> Generator[None]:
    """Hold one of `number` places while the block runs, and write down which.

    A place is a lock on a file; a process that is killed leaves its own at once. "-" is written
    when all of them are taken, which a limit must never let happen; and how long the block took
    if that is more than `patience` seconds: then a lease may have run out meanwhile.
    """
    opened: list[int] = []
    place = "-"
    try:
        for each in range(number):
            lock = os.open(f"{journal}.{each}", os.O_RDWR | os.O_CREAT)
            opened.append(lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            place = str(each)
            break
        began = time.time()
        _write(journal, f"took {place} {began:.3f} {began:.3f}")
        yield
        ended = time.time()
        if ended - began > patience:
            _write(journal, f"stalled {place} {began:.3f} {ended:.3f}")
    finally:
        for lock in opened:
            os.close(lock)


def _write(journal: Path, line: str) -> None:
    # One write of one short line: the system appends it as a whole.
    with journal.open("ab", buffering=0) as file:
        file.write(f"{line}\n".encode())


@dataclass(frozen=True, slots=True)
class Places:
    """What was written down: how often each place was taken, and when there was none."""

    taken: dict[str, int]
    over: list[float]
    excused: list[float]

    @classmethod
    def read(cls, journal: Path) -> Places:
        """Read a journal; what was over while a holder stalled is excused."""
        taken: dict[str, int] = {}
        over: list[float] = []
        stalls: list[tuple[float, float]] = []
        for line in journal.read_text().splitlines():
            event, place, began, ended = line.split()
            if event == "stalled":
                stalls.append((float(began), float(ended)))
            elif place == "-":
                over.append(float(began))
            else:
                taken[place] = taken.get(place, 0) + 1
        excused = [at for at in over if any(began <= at <= ended for began, ended in stalls)]
        return cls(taken, [at for at in over if at not in excused], excused)
