"""Jobs in the memory of this process."""

from jobkit.memory.jobs import MemoryJobs
from jobkit.memory.noop import NoopJobs
from jobkit.memory.store import MemoryStore

__all__ = ["MemoryJobs", "MemoryStore", "NoopJobs"]
