"""How a process ended, in words."""

from __future__ import annotations

import signal


def said(code: int) -> str:
    """Say how a process ended, by its exit code as `subprocess` gives it.

    >>> said(3), said(-9)
    ('exited with code 3', 'was killed by signal 9 (SIGKILL)')
    """
    if code >= 0:
        return f"exited with code {code}"
    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:  # a real-time signal has no name
        name = ""
    return f"was killed by signal {-code}{name}"
