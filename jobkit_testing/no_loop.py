"""Whether an event loop runs in this thread, and how sync handlers do not see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager


def loop_is_running() -> bool:
    """Tell whether an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@contextmanager
def no_loop() -> Generator[None]:
    """Let sync code find no running loop, as in the threads where workers run it."""
    # Its page: "intended to be used by event loops"; the loop that runs stands still meanwhile.
    set_running_loop = asyncio._set_running_loop  # pyright: ignore[reportPrivateUsage]
    loop = asyncio.get_running_loop()
    set_running_loop(None)
    try:
        yield
    finally:
        set_running_loop(loop)


def run_here(function: Callable[[], None]) -> Awaitable[object]:
    """Run the sync part below async middleware in this thread, at once."""
    done = asyncio.get_running_loop().create_future()
    with no_loop():
        function()
    done.set_result(None)
    return done
