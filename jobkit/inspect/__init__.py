"""`jobs.inspect`: look at jobs, queues, workers and schedules, and act on them.

What is done is written once, as `Steps`: here, in one module for each noun, and in the engine.
`sync` and `aio` drive it.
"""

from jobkit.inspect.aio import AsyncInspector
from jobkit.inspect.sync import Inspector

__all__ = ["AsyncInspector", "Inspector"]
