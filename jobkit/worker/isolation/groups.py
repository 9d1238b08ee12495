"""Process groups: a child is the leader of one, and what it starts is in it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress


def kill_group(pid: int) -> None:
    """Kill a child and all of its process group."""
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS: only zombies are
        os.killpg(pid, signal.SIGKILL)
