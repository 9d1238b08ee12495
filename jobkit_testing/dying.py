"""A handler whose process dies at one of its awaits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from functools import partial
from types import coroutine
from typing import Any

from jobkit.engine.running import Run


class Died(BaseException):
    """The process of a handler died here; it is none of the exceptions that a handler catches."""


class Dying:
    """Lets an async handler stand still for ever at the await of this number, from 0.

    An await that does not give way to the loop is none. What stands still runs no `finally` until
    `close`.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._standing: Coroutine[Any, Any, object] | None = None

    @property
    def has_died(self) -> bool:
        """Whether the handler came to that await."""
        return self._standing is not None

    def befall(self, run: Run) -> None:
        """Put this in place of the attempt's handler."""
        handler: Callable[..., Coroutine[Any, Any, object]] = run.call.function

        async def dying(*arguments: Any) -> object:
            return await self._run(handler(*arguments))

        run.call = dataclasses.replace(run.call, function=dying)

    def close(self) -> None:
        """Let what stands still clean up, when nobody looks any more."""
        if self._standing is not None:
            with suppress(Exception):
                self._standing.close()

    @coroutine
    def _run(self, handler: Coroutine[Any, Any, object]) -> Generator[Any, Any, object]:
        go_on = partial(handler.send, None)
        for number in range(self._number + 1):
            try:
                waits_for = go_on()
            except StopIteration as end:
                return end.value
            if number == self._number:
                break
            try:
                yield waits_for
            except BaseException as error:
                go_on = partial(handler.throw, error)
            else:
                go_on = partial(handler.send, None)
        self._standing = handler
        raise Died("the worker died here")
