"""Jobs in the memory of this process.

The names here are loaded when they are first used: who needs the store alone, as the test double
does, loads no worker.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobkit.memory.jobs import MemoryJobs
    from jobkit.memory.noop import NoopJobs
    from jobkit.memory.store import MemoryStore

__all__ = ["MemoryJobs", "MemoryStore", "NoopJobs"]

_HOME_OF = {"MemoryJobs": "jobs", "NoopJobs": "noop", "MemoryStore": "store"}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
