"""Who has the helm: one of two threads runs a loop, and its mate stands ready to go on with it.

So whoever runs the loop may run jobs as well, with nobody to wake and nothing to hand over. If
a handler keeps it, its mate has the helm by then, and all else goes on as ever. The mate is woken
each time that the helm is left. Where work was quick often enough, to wake it is a large part of
the cost: then it watches instead, until work is not quick, or there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from jobkit.seldom import Seldom

RAREST = 1000  # times, at most, that the helm is kept after it was lost, until it is left again
TRUSTED = 32  # times that work was quick, one after the other, until the mate watches
LOOK = 0.001  # seconds between two looks of a mate that watches
IN_VAIN = 50  # looks without any work, until it sleeps again


class Helm:
    """Two threads for one loop; one of them has the helm, or it is free for both to take.

    `steer` runs the loop in the thread that has the helm. It returns True once the loop has
    ended for good, and False after `leave_for` has said that the helm is gone.
    """

    def __init__(self, steer: Callable[[], bool], *, name: str) -> None:
        self._steer = steer
        self._lock = threading.Lock()
        self._bed = threading.Lock()  # where the mate sleeps
        self._bed.acquire()
        self._is_free = False
        self._has_mate = False  # who is in bed, or watches
        self._is_watched = False
        self._left = 0  # times
        self._quick = 0  # times, one after the other
        self._tries = Seldom(rarest=RAREST)
        self._is_started = False
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._live, args=(has_helm,), name=name, daemon=True)
            for has_helm in (True, False)
        ]

    def start(self) -> None:
        """Start both threads."""
        self._is_started = True
        for thread in self._threads:
            thread.start()

    def may_be_left(self) -> bool:
        """Tell whether the mate stands ready, and it is not likely that it would have to go on.

        Where work takes long the helm is lost each time, and it is left ever more rarely.
        """
        return self._has_mate and self._tries.is_due()

    def leave_for(self, work: Callable[[], object]) -> bool:
        """Do something else while the mate may take the helm, if it `may_be_left`.

        Return whether the helm is still there.
        """
        with self._lock:
            self._is_free = True
            self._left += 1
            if is_woken := not self._is_watched:
                self._has_mate = False
                self._is_watched = self._quick >= TRUSTED
        if is_woken:
            self._bed.release()
        work()
        with self._lock:
            is_there, self._is_free = self._is_free, False
            self._quick = self._quick + 1 if is_there else 0
        if is_there:
            self._tries.went_well()
        else:
            self._tries.failed()
        return is_there

    def wait_until_ended(self, timeout: float) -> bool:
        """Wait until the loop has ended; False if time runs out. One that never began has."""
        return not self._is_started or self._ended.wait(timeout)

    def _live(self, has_helm: bool) -> None:
        while has_helm or self._stand_ready():
            if self._steer():
                self._end()
                return
            has_helm = False

    def _stand_ready(self) -> bool:
        """Sleep or watch until the helm can be taken, and take it; False: the loop has ended."""
        seen, looks = 0, 0
        while True:
            with self._lock:
                if self._ended.is_set():
                    return False
                self._has_mate = True
                seconds = LOOK if self._is_watched else -1
            is_woken = self._bed.acquire(timeout=seconds)
            with self._lock:
                is_same = self._left == seen
                if self._is_free and (is_woken or is_same):  # free for as long as a look, or longer
                    self._is_free = self._has_mate = self._is_watched = False
                    return True
                seen, looks = self._left, looks + 1 if is_same else 0
                if looks > IN_VAIN:
                    self._is_watched = False

    def _end(self) -> None:
        with self._lock:
            self._ended.set()
            if self._has_mate:
                self._has_mate = False
                self._bed.release()
