"""What is called after a job has moved."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from jobkit.errors import InvalidHandler
from jobkit.record import Attempt, JobRecord

Hook: TypeAlias = Callable[[JobRecord[Any], Attempt | None], object]
Event: TypeAlias = Literal["on_start", "on_success", "on_retry", "on_dead", "on_cancel"]

_LOGGER = logging.getLogger("jobkit.hooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Functions `(record, attempt)` to call at events of a job, after the move is stored.

    `attempt` is None for `on_start`, and for `on_cancel` of a job that was waiting. Each is
    called at most once per event; an error in one is logged and changes nothing.
    """

    on_start: Hook | None = None
    on_success: Hook | None = None
    on_retry: Hook | None = None
    on_dead: Hook | None = None
    on_cancel: Hook | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            hook = getattr(self, field.name)
            if hook is None:
                continue
            if not callable(hook):
                raise InvalidHandler(f"{field.name}={hook!r}: give a function (record, attempt)")
            if inspect.iscoroutinefunction(hook):
                raise InvalidHandler(
                    f"{field.name}={hook!r} is async; hooks are plain functions (record, attempt)"
                )


def call_hooks(
    hooks: Iterable[Hooks], event: Event, record: JobRecord[Any], attempt: Attempt | None
) -> None:
    """Call what these have for an event; whatever one raises is logged."""
    for group in hooks:
        hook: Hook | None = getattr(group, event)
        if hook is None:
            continue
        try:
            hook(record, attempt)
        except KeyboardInterrupt:  # of the user at the terminal
            raise
        except BaseException:
            _LOGGER.exception("%s of job %s (%s) failed", event, record.id, record.type)
