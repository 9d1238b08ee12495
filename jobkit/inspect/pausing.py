"""Pausing a queue, a type, or a type in a queue."""
# ruff: noqa: ARG001 (goes with the last stub)

from __future__ import annotations

from jobkit.engine import Engine, Steps
from jobkit.errors import NotSupported


def pause(engine: Engine, queue: str | None, type: str | type | None) -> Steps[None]:
    """Pause a queue or a type. Not supported yet."""
    raise NotSupported("inspect.pause is not supported yet")


def resume(engine: Engine, queue: str | None, type: str | type | None) -> Steps[None]:
    """Resume a queue or a type. Not supported yet."""
    raise NotSupported("inspect.resume is not supported yet")


def is_paused(engine: Engine, queue: str | None, type: str | type | None) -> Steps[bool]:
    """Tell whether a queue or a type is paused. Not supported yet."""
    raise NotSupported("inspect.is_paused is not supported yet")
