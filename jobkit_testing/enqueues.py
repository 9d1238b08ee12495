"""An enqueue that is to fail, and who is asked whether it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, eq=False)
class FailingEnqueue:
    """What an enqueue raises, and whether it stores its jobs all the same."""

    words: str
    error: BaseException
    stored: bool


# Told whether the enqueue is on a handler's context, which holds it until the job succeeds.
OnEnqueue: TypeAlias = Callable[[bool], FailingEnqueue | None]
