"""Two things at once on an event loop: one waits for the store, and the other one computes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def meanwhile(sent: Coroutine[Any, Any, T], work: Callable[[], Awaitable[U]]) -> tuple[T, U]:
    """Run `sent` until it waits, then `work`, and return what both came to.

    What `sent` raises is told first. When cancelled, both end.
    """
    task = asyncio.create_task(sent)
    try:
        await asyncio.sleep(0)  # so it is on its way
        value = await work()
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)  # it lets go of its connection
        raise
    except Exception:
        await task
        raise
    return await task, value
