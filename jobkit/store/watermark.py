"""A queue's sense of time: clocks that step back, and silences in which nobody was alive."""

from __future__ import annotations

from dataclasses import dataclass

from jobkit.store.operations import CLOCK_SLACK


@dataclass(slots=True)
class Watermark:
    """The latest instant at which a worker of the queue was alive, and the holiday's end.

    During the holiday nobody reclaims: after a silence every lease looks expired, also those
    of workers that live and were merely cut off.
    """

    at: int = 0
    holiday_until: int = 0

    def now(self, clock: int) -> int:
        """Return the queue's instant: a clock a little behind the watermark stands still."""
        return self.at if 0 < self.at - clock <= CLOCK_SLACK else clock

    def tick(self, clock: int, *, lease: int, leases_live: bool) -> int:
        """Note that a worker is alive, and return by how much the clock was set back."""
        now = self.now(clock)
        set_back = max(0, self.at - now)
        silence = now - self.at
        if set_back:
            self.holiday_until = now + lease
        elif leases_live and silence > lease // 2:
            self.holiday_until = max(self.holiday_until, now + lease)
        self.at = now
        return set_back

    def is_holiday(self, now: int) -> bool:
        """Tell whether expired leases are left alone at this instant."""
        return now < self.holiday_until
