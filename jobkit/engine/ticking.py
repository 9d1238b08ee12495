"""Which tick to fire, and which comes after it: pure, but for the user's own rules.

Instants are milliseconds. A tick is missed when nobody has fired it within a minute, or within
the time to the next one if that is shorter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jobkit.clock import from_milliseconds, to_milliseconds_up
from jobkit.errors import InvalidSchedule
from jobkit.plan import Rule
from jobkit.schedules import Every

NextAfter: TypeAlias = Callable[[int], int | None]
MISSED_AFTER = 60_000
STEPS_BEFORE_SEARCH = 8


@dataclass(frozen=True, slots=True)
class Step:
    """Fire `tick` (None: none), and wait for `next` (None: that was the last)."""

    tick: int | None
    next: int | None
    missed: bool = False


def grid(rule: Rule, first: int) -> NextAfter:
    """Return how to find the first tick after an instant; `first`: the first one of all."""
    if isinstance(rule, Every):
        anchor = from_milliseconds(first)
        return lambda after: _stored(rule.next_after(from_milliseconds(after), anchor=anchor))

    def next_after(after: int) -> int | None:
        found = _stored(rule.next_after(from_milliseconds(after)))
        if found is not None and found <= after:
            raise InvalidSchedule(
                f"{rule!r}: next_after({from_milliseconds(after)}) is not after it: "
                f"{from_milliseconds(found)}; return a later instant, or None"
            )
        return found

    return next_after


def _stored(instant: object) -> int | None:
    if instant is None:
        return None
    offset = getattr(instant, "utcoffset", None)
    if offset is None or offset() is None:
        raise InvalidSchedule(f"next_after gave {instant!r}: return an aware datetime, or None")
    return to_milliseconds_up(instant)  # type: ignore[arg-type]  # as looked at


def step(next_after: NextAfter, tick: int, now: int, policy: Literal["one", "all", "skip"]) -> Step:
    """Return what to do about a tick that is due."""
    following = next_after(tick)
    if not _is_missed(tick, following, now):
        return Step(tick, following)
    if policy == "all":
        return Step(tick, following, missed=True)
    missed = _last_missed(next_after, tick, now)
    after = next_after(missed)
    return Step(missed, after, missed=True) if policy == "one" else Step(None, after, missed=True)


def _is_missed(tick: int, following: int | None, now: int) -> bool:
    interval = MISSED_AFTER if following is None else following - tick
    return now - tick > min(MISSED_AFTER, interval)


def _last_missed(next_after: NextAfter, tick: int, now: int) -> int:
    """Return the latest tick that is missed, given one that is."""
    until = now
    while (found := latest(next_after, tick, until)) > tick:
        if _is_missed(found, next_after(found), now):
            return found
        until = found - 1
    return tick


def latest(next_after: NextAfter, tick: int, until: int) -> int:
    """Return the latest tick up to an instant, given one that is; in a few dozen steps.

    >>> latest(lambda after: (after // 1000 + 1) * 1000, 3_000, 999_999_999)
    999999000
    """
    for _ in range(STEPS_BEFORE_SEARCH):
        following = next_after(tick)
        if following is None or following > until:
            return tick
        tick = following
    low, high = tick, until  # no tick lies after `high`
    while high - low > 1:
        middle = (low + high) // 2
        found = next_after(middle)
        if found is None or found > until:
            high = middle
        else:
            tick = low = found
    return tick
