"""The worker: claims jobs, runs their handlers, settles how they ended.

The names here are loaded when they are first used: a test double needs parts of a worker, and
neither its threads nor its processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobkit.lazy import lazy

if TYPE_CHECKING:
    from jobkit.worker.jobs import AsyncWorkingJobs, WorkingJobs
    from jobkit.worker.worker import Worker
else:
    __getattr__, __dir__ = lazy(
        __name__, {"jobs": ("AsyncWorkingJobs", "WorkingJobs"), "worker": ("Worker",)}
    )

__all__ = ["AsyncWorkingJobs", "Worker", "WorkingJobs"]
