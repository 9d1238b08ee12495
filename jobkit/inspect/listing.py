"""Lists of jobs, and of queues with what they count."""
# ruff: noqa: ARG001 (goes with the last stub)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobkit.engine import Engine, Steps
from jobkit.errors import NotSupported
from jobkit.record import JobRecord, JobState, Page


def jobs(
    engine: Engine,
    *,
    state: JobState | str | None,
    queue: str | None,
    type: str | type | None,
    limit: int,
    cursor: str | None,
) -> Steps[Page[JobRecord[Any]]]:
    """List jobs. Not supported yet."""
    raise NotSupported("inspect.jobs is not supported yet")


def queues(engine: Engine) -> Steps[Sequence[Any]]:
    """List queues. Not supported yet."""
    raise NotSupported("inspect.queues is not supported yet")
