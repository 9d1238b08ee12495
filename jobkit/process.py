"""Which process this is.

After a fork the child has what the parent made, and must make some of it anew: connections,
identities. Who holds such things asks at every use, so the answer is kept here: a call to the
system each time is a twentieth of an enqueue.

A handler may fork too. If the new process comes back out of the handler, it has all that makes a
worker, down to its name: it must not go on as one.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn

_LOGGER = logging.getLogger("jobkit")
_number = os.getpid()


def process_number() -> int:
    """Return the number of this process, another one after a fork."""
    return _number


def end_child(of: str, error: BaseException | None) -> NoReturn:
    """End this process: a handler `of` a job forked it, and it came back out, perhaps raising.

    `sys.exit` there ends it as asked for; it could not do so by itself in a thread.
    """
    code = 1
    try:
        if isinstance(error, SystemExit):
            code = _exit_code(error)
        else:
            code = int(error is not None)
            _LOGGER.error(
                "the handler of %s forked, and the new process came back out of it. It ends here, "
                "and the one that forked goes on: let the new one end in the handler, by os._exit",
                of,
                exc_info=error,
            )
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # closed, or nobody reads it
                stream.flush()
    finally:
        os._exit(code & 0xFF)


def _exit_code(error: SystemExit) -> int:
    if isinstance(error.code, int | None):
        return error.code or 0
    print(error.code, file=sys.stderr)  # noqa: T201 - as Python does
    return 1


def _take_note() -> None:
    global _number  # noqa: PLW0603 - it is a fact about the whole process
    _number = os.getpid()


if hasattr(os, "register_at_fork"):  # else there is no fork either
    os.register_at_fork(after_in_child=_take_note)
