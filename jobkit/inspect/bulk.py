"""Many jobs at once, in bounded batches."""
# ruff: noqa: ARG001 (goes with the last stub)

from __future__ import annotations

from datetime import timedelta

from jobkit.engine import Engine, Steps
from jobkit.errors import NotSupported
from jobkit.record import JobState


def retry_all_dead(engine: Engine, *, queue: str | None, type: str | type | None) -> Steps[int]:
    """Run all dead jobs again. Not supported yet."""
    raise NotSupported("inspect.retry_all_dead is not supported yet")


def delete_all_dead(engine: Engine, *, queue: str | None, type: str | type | None) -> Steps[int]:
    """Delete all dead jobs. Not supported yet."""
    raise NotSupported("inspect.delete_all_dead is not supported yet")


def prune(
    engine: Engine,
    *,
    state: JobState | str,
    older_than: timedelta | None,
    keep: int | None,
    payload_only: bool,
) -> Steps[int]:
    """Delete ended jobs. Not supported yet."""
    raise NotSupported("inspect.prune is not supported yet")
