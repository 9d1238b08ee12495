"""Work that needs a store, written once for threads and coroutines.

`Steps` is a generator: it yields operations, is sent their results, and returns its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeAlias, TypeVar

from jobkit.store import Operation

T = TypeVar("T")
Steps: TypeAlias = Generator[Operation[Any], Any, T]


def drive(steps: Steps[T], run: Callable[[Operation[Any]], Any]) -> T:
    """Carry out every operation with `run` and return what the steps return."""
    try:
        operation = next(steps)
        while True:
            try:
                result = run(operation)
            except Exception as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


def finish(steps: Steps[T], wait: Callable[[], Any], run: Callable[[Operation[Any]], Any]) -> T:
    """Carry out steps of which the first is under way; `wait` gives its result."""
    try:
        while True:
            try:
                result = wait()
            except Exception as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(result)
            wait = partial(run, operation)
    except StopIteration as end:
        value: T = end.value
        return value


async def drive_async(steps: Steps[T], run: Callable[[Operation[Any]], Awaitable[Any]]) -> T:
    """Do as `drive`, with coroutines."""
    try:
        operation = next(steps)
        while True:
            try:
                result = await run(operation)
            except Exception as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value
