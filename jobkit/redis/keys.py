"""The names of keys in Redis.

Every key of one queue begins with its prefix, which carries one hash tag; the scripts build
the rest of the name (see `scripts/lib`). Two keys stand outside, in one slot: the set of queue
names, and the types that are paused over all queues.
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


def paused_types(namespace: str) -> str:
    """Return the key of the types that are paused over all queues, in the slot of the names.

    >>> paused_types("jobkit")
    '{jobkit:queues}:paused'
    """
    return f"{{{queue_names(namespace)}}}:paused"


def hint_key(namespace: str, queue: str, worker: str) -> str:
    """Return the key of the list on which an idle worker waits for hints."""
    return f"{queue_prefix(namespace, queue)}hint:{worker}"
