"""How a process ends whose handlers do not."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

GRACE = 5.0  # seconds for the application's own atexit functions


def leave(code: int) -> NoReturn:
    """End this process with a code, although handlers still run in threads.

    Python's own way out would wait for some threads for ever, and break over others that write
    while it takes the world apart.
    """
    guard = threading.Timer(GRACE, os._exit, (code,))
    guard.daemon = True
    guard.start()
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # there is no public way
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a closed pipe must not change the code
            stream.flush()
    os._exit(code)
