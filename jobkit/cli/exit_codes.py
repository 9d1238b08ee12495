"""How a command ends, as its parent process sees it.

A supervisor (systemd, Kubernetes) can act on these: 2 needs a person, 3 and 5 a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every `jobkit` command."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    NO_REDIS = 3
    HANDED_BACK = 4
    ABANDONED = 5


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.OK: "done",
    ExitCode.REFUSED: "refused or unhealthy",
    ExitCode.USAGE: "usage, or the application could not be imported",
    ExitCode.NO_REDIS: "no Redis, or it refused the login (a worker: at its start only)",
    ExitCode.HANDED_BACK: "the shutdown's deadline passed and jobs were handed back",
    ExitCode.ABANDONED: "every slot is taken by a handler that ran past its deadline",
}
