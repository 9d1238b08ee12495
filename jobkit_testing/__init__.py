"""jobkit_testing: the double of jobkit for unit tests, and the proof that it is one.

`TestingJobs` is the production engine over a store in memory and a clock that the test moves.
The names here are loaded when they are first used: the pytest plugin has to cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobkit.lazy import lazy

if TYPE_CHECKING:
    from jobkit_testing.clock import VirtualClock as VirtualClock
    from jobkit_testing.comparing import report as report
    from jobkit_testing.jobs import TestingJobs as TestingJobs
    from jobkit_testing.side_by_side.machine import differential as differential
else:
    _HOMES = {
        "clock": ("VirtualClock",),
        "comparing": ("report",),
        "jobs": ("TestingJobs",),
        "side_by_side.machine": ("differential",),
    }
    __all__ = [name for names in _HOMES.values() for name in names]
    __getattr__, __dir__ = lazy(__name__, _HOMES)
