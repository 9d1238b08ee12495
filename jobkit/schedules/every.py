"""An interval: ticks on a grid of elapsed time, whatever clocks and calendars do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobkit.clock import MILLISECOND, from_milliseconds, to_milliseconds, to_milliseconds_up
from jobkit.errors import InvalidOption, InvalidSchedule

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=8 * 365)
_BOUNDS = "write one from 1 second to 8 years of 365 days"

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
_DURATION = re.compile("".join(rf"(?:(\d+){unit})?" for unit, _ in _UNITS), re.ASCII)


@dataclass(frozen=True, slots=True)
class Every:
    """Ticks at its anchor and each interval after it; made by `parse_spec`.

    The interval is whole milliseconds, from 1 second to 8 years of 365 days.

    >>> from datetime import UTC
    >>> anchor = datetime(2026, 1, 1, tzinfo=UTC)
    >>> Every(timedelta(minutes=90)).next_after(anchor, anchor=anchor).isoformat()
    '2026-01-01T01:30:00+00:00'
    """

    interval: timedelta

    def __post_init__(self) -> None:
        if not SHORTEST <= self.interval <= LONGEST:
            raise InvalidSchedule(f"interval {self.interval!r}: {_BOUNDS}")
        if self.interval % MILLISECOND:
            raise InvalidSchedule(
                f"interval {self.interval!r}: a part of a millisecond is not kept; write whole"
                " milliseconds"
            )

    @property
    def text(self) -> str:
        """The spec in its one spelling: `@every 1h30m`."""
        rest = self.interval // MILLISECOND
        parts: list[str] = []
        for unit, size in _UNITS:
            number, rest = divmod(rest, size)
            if number:
                parts.append(f"{number}{unit}")
        return "@every " + "".join(parts)

    @property
    def timezone(self) -> str:
        """Always UTC: elapsed time is the same in all zones."""
        return "UTC"

    @property
    def is_interval_like(self) -> bool:
        """Always true: no change of a clock moves a tick."""
        return True

    def next_after(self, instant: datetime, *, anchor: datetime) -> datetime | None:
        """Return the first tick after an aware instant, in UTC; the anchor is the first of all.

        An anchor between two milliseconds is rounded up, as `run_at` is. None at the calendar's
        end.
        """
        for name, value in (("instant", instant), ("anchor", anchor)):
            if value.tzinfo is None:
                raise InvalidOption(f"{name} {value!r} is naive: write an aware one, in UTC say")
        first, step = to_milliseconds_up(anchor), self.interval // MILLISECOND
        passed = max(-1, (to_milliseconds(instant) - first) // step)  # -1: before the anchor
        try:
            return from_milliseconds(first + (passed + 1) * step)
        except OverflowError:
            return None

    def interval_after(self, tick: datetime) -> timedelta | None:  # noqa: ARG002 - as Cron has it
        """Return how long after this tick the next one is: always the interval."""
        return self.interval


def parse_duration(text: str) -> timedelta:
    """Return the duration that `1h30m` tells; raise `InvalidSchedule` for another form."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise InvalidSchedule(
            f"duration {text!r}: write whole numbers with units d (24 hours), h, m, s or ms, each"
            " once and the longest first, such as 1h30m"
        )
    numbers = (int(number or 0) for number in match.groups())
    total = sum(number * size for number, (_, size) in zip(numbers, _UNITS, strict=True))
    # In integers: so many days may not fit in a timedelta.
    if not SHORTEST // MILLISECOND <= total <= LONGEST // MILLISECOND:
        raise InvalidSchedule(f"duration {text!r}: {_BOUNDS}")
    return total * MILLISECOND
