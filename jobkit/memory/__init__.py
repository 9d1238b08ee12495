"""Jobs in the memory of this process.

The names here are loaded when they are first used: who needs the store alone, as the test double
does, loads no worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobkit.lazy import lazy

if TYPE_CHECKING:
    from jobkit.memory.jobs import MemoryJobs
    from jobkit.memory.noop import NoopJobs
    from jobkit.memory.store import MemoryStore
else:
    __getattr__, __dir__ = lazy(
        __name__, {"jobs": ("MemoryJobs",), "noop": ("NoopJobs",), "store": ("MemoryStore",)}
    )

__all__ = ["MemoryJobs", "MemoryStore", "NoopJobs"]
