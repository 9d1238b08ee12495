"""The names of keys in Redis.

Every key of one queue begins with its prefix, which carries one hash tag; the scripts build
the rest of the name (see `scripts/lib`). One key stands outside: the set of queue names.
"""

from __future__ import annotations

PARTITION = 0  # one for now; the number is in the key so that queues can be split later


def queue_prefix(namespace: str, queue: str) -> str:
    """Return what every key of a queue begins with.

    >>> queue_prefix("jobkit", "mail")
    '{jobkit:mail.0}:'
    """
    return f"{{{namespace}:{queue}.{PARTITION}}}:"


def queue_names(namespace: str) -> str:
    """Return the key of the set of all queue names."""
    return f"{namespace}:queues"


def hint_key(namespace: str, queue: str, worker: str) -> str:
    """Return the key of the list on which an idle worker waits for hints."""
    return f"{queue_prefix(namespace, queue)}hint:{worker}"
