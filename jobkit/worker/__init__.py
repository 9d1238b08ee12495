"""The worker: claims jobs, runs their handlers, settles how they ended.

The names here are loaded when they are first used: a test double needs parts of a worker, and
neither its threads nor its processes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobkit.worker.jobs import AsyncWorkingJobs, WorkingJobs
    from jobkit.worker.worker import Worker

__all__ = ["AsyncWorkingJobs", "Worker", "WorkingJobs"]

_HOME_OF = {"AsyncWorkingJobs": "jobs", "WorkingJobs": "jobs", "Worker": "worker"}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
