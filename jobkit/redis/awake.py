"""Waiting awake for a reply that comes in a moment.

A Redis nearby answers in the time that it takes to put a thread to sleep and to wake it up again
on a processor that has gone idle meanwhile. So whoever asks for one thing first looks whether
the answer is there, for a moment, and lets others have the processor between two looks. Where
that is in vain, as with a Redis far away, it is tried ever more rarely.
"""

from __future__ import annotations

import os
import select
import socket

from jobkit.clock import SystemClock
from jobkit.seldom import Seldom

MOMENT = 0.0001  # seconds; a push of one job takes less
RAREST = 64  # waits that are slept through, at most, until it is tried again
_CAN_LOOK = hasattr(select, "poll") and hasattr(os, "sched_yield")


class Awake:
    """Waits awake where that has paid; `moment`: for so many seconds at most."""

    def __init__(self, moment: float = MOMENT) -> None:
        self._moment = moment
        self._monotonic = SystemClock().monotonic
        self._tries = Seldom(rarest=RAREST)

    def wait(self, link: socket.socket | None) -> None:
        """Return when there is something to read, or after a moment at the latest."""
        if link is None or not _CAN_LOOK:
            return
        if not self._tries.is_due():
            return
        look = select.poll()
        look.register(link, select.POLLIN)
        end = self._monotonic() + self._moment
        while not look.poll(0):
            if self._monotonic() > end:
                self._tries.failed()
                return
            os.sched_yield()
        self._tries.went_well()
