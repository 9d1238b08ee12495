"""jobkit_testing: the double of jobkit for unit tests, and the proof that it is one.

`TestingJobs` is the production engine over a store in memory and a clock that the test moves.
The names here are loaded when they are first used: the pytest plugin has to cost nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobkit_testing.clock import VirtualClock as VirtualClock
    from jobkit_testing.comparing import report as report
    from jobkit_testing.jobs import TestingJobs as TestingJobs
    from jobkit_testing.side_by_side.machine import differential as differential

_HOME_OF = {
    "TestingJobs": "jobs",
    "VirtualClock": "clock",
    "differential": "side_by_side.machine",
    "report": "comparing",
}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
