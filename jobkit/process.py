"""Which process this is.

After a fork the child has what the parent made, and must make some of it anew: connections,
identities. Who holds such things asks at every use, so the answer is kept here: a call to the
system each time is a twentieth of an enqueue.
"""

from __future__ import annotations

import os

_number = os.getpid()


def process_number() -> int:
    """Return the number of this process, another one after a fork."""
    return _number


def _take_note() -> None:
    global _number  # noqa: PLW0603 - it is a fact about the whole process
    _number = os.getpid()


if hasattr(os, "register_at_fork"):  # else there is no fork either
    os.register_at_fork(after_in_child=_take_note)
