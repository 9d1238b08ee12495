"""Workers, and what they have done."""
# ruff: noqa: ARG001 (goes with the last stub)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobkit.engine import Engine, Steps
from jobkit.errors import NotSupported


def workers(engine: Engine) -> Steps[Sequence[Any]]:
    """List workers. Not supported yet."""
    raise NotSupported("inspect.workers is not supported yet")


def stats(engine: Engine) -> Steps[Any]:
    """Return totals and series. Not supported yet."""
    raise NotSupported("inspect.stats is not supported yet")
