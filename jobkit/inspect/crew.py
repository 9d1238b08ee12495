"""Workers, and what they have done."""
# ruff: noqa: ARG001 (goes with the last stub)

from __future__ import annotations

from typing import Any

from jobkit.engine import Engine, Steps
from jobkit.engine.crews import worker_infos
from jobkit.errors import NotSupported
from jobkit.roster import WorkerInfo


def workers(engine: Engine) -> Steps[tuple[WorkerInfo, ...]]:
    """List the workers of all queues."""
    return (yield from worker_infos())


def stats(engine: Engine) -> Steps[Any]:
    """Return totals and series. Not supported yet."""
    raise NotSupported("inspect.stats is not supported yet")
