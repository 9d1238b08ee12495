"""Where a handler stands: in which line, when something befalls it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


def running_at(handler: Callable[..., object]) -> str:
    """Return ` at send, line 27` of a handler that has called us; empty if none has."""
    return _line_in(handler, _callers(inspect.currentframe()))


def waiting_at(handler: Callable[..., object], task: asyncio.Task[Any] | None) -> str:
    """Return the same of a handler that awaits something in a task."""
    return "" if task is None else _line_in(handler, _awaiting(task.get_coro()))


def _line_in(handler: Callable[..., object], frames: Iterator[FrameType]) -> str:
    code = _code_of(handler)
    lines = (frame.f_lineno for frame in frames if frame.f_code is code)
    line = next(lines, None)
    return "" if code is None or line is None else f" at {code.co_name}, line {line}"


def _code_of(handler: Any) -> Any:
    function = inspect.unwrap(handler)
    if not inspect.isroutine(function):
        function = type(function).__call__
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _awaiting(awaited: Any) -> Iterator[FrameType]:
    """Yield the frames of coroutines, each of which awaits the next one; the last, a future."""
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        yield frame
        awaited = awaited.cr_await
