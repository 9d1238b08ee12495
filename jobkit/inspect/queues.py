"""Queues as users see them."""
# ruff: noqa: ARG001 (goes with the last stub)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobkit.engine import Engine, Steps
from jobkit.errors import NotSupported


def queues(engine: Engine) -> Steps[Sequence[Any]]:
    """List queues. Not supported yet."""
    raise NotSupported("inspect.queues is not supported yet")
