"""When a supervisor starts a worker process again: pure decisions."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from dataclasses import dataclass

from jobkit.cli.exit_codes import ExitCode

FIRST = 0.5  # seconds before the first restart
FACTOR = 2.0
LONGEST = 30.0
LONG_LIFE = 60.0  # seconds; who lived for so long begins anew with short delays


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a supervisor saw of one process.

    `code`: as `subprocess` gives it, a signal as a negative number. `lived`: seconds. `served`:
    it had loaded the application and reached the store.
    """

    code: int
    lived: float
    served: bool


@dataclass(frozen=True, slots=True)
class Restart:
    """Start another one after so many seconds; the `deaths`-th in a row."""

    delay: float
    deaths: int


def after(
    life: Life, *, deaths: int, spread: float, burst: bool, has_anybody_served: bool
) -> Restart | None:
    """Decide what follows a death; None: nothing.

    `deaths`: how many were short-lived before it, in a row. `spread`: a number from 0 to 1.

    >>> life = Life(code=-9, lived=3.0, served=True)
    >>> after(life, deaths=2, spread=0.5, burst=False, has_anybody_served=True)
    Restart(delay=2.0, deaths=3)
    """
    if burst and life.code == ExitCode.OK:
        return None
    if not life.served and not has_anybody_served:
        return None  # a wrong command line, no application, no Redis: a person is needed
    in_a_row = 1 if life.lived >= LONG_LIFE else deaths + 1
    return Restart(delay(in_a_row, spread=spread), in_a_row)


def delay(deaths: int, *, spread: float) -> float:
    """Return how long to wait after so many deaths in a row: longer each time, give or take 25 %.

    >>> [delay(deaths, spread=0.5) for deaths in (1, 2, 3, 40)]
    [0.5, 1.0, 2.0, 30.0]
    """
    longest = min(FIRST * FACTOR ** min(deaths - 1, 64), LONGEST)
    return longest * (0.75 + spread / 2)


def exit_code(codes: Iterable[int]) -> ExitCode:
    """Return the worst of the codes with which the processes ended.

    A process that was told to stop before it could heed a signal died of it in order.

    >>> exit_code([0, 4, -15]), exit_code([0, -9]), exit_code([-15])
    (<ExitCode.HANDED_BACK: 4>, <ExitCode.REFUSED: 1>, <ExitCode.OK: 0>)
    """
    return max((_meaning(code) for code in codes), default=ExitCode.OK)


def _meaning(code: int) -> ExitCode:
    if code == -signal.SIGTERM:
        return ExitCode.OK
    try:
        return ExitCode(code)
    except ValueError:  # killed, or Python's own words for it
        return ExitCode.REFUSED
