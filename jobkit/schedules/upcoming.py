"""The next ticks of a rule, for listings and for people who try a spec."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from jobkit.schedules.every import Every


class Ticking(Protocol):
    """A `Cron`, or a `Schedule` of the user's own."""

    def next_after(self, instant: datetime, /) -> datetime | None: ...


def upcoming(
    rule: Ticking | Every, after: datetime, count: int = 5, *, anchor: datetime | None = None
) -> list[datetime]:
    """Return the next ticks after an aware instant; fewer if the rule ends.

    An interval counts from its anchor; without one, from `after`.
    """
    ticks: list[datetime] = []
    while len(ticks) < count:
        last = ticks[-1] if ticks else after
        if isinstance(rule, Every):
            tick = rule.next_after(last, anchor=anchor or after)
        else:
            tick = rule.next_after(last)
        if tick is None:
            break
        ticks.append(tick)
    return ticks
