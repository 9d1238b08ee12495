"""The order in which a queue gives its ready jobs.

"priority": by priority, then due time, then arrival. "run_at": by due time, then priority, then
arrival. A queue keeps its order with its jobs, and a queue that nobody has ordered has the first.
Who names an order uses it: a push of jobs for the queue, or a worker that enters it. The order
changes only while no job of the queue waits or runs; what has ended does not count. Who names none
takes what there is.
"""

from __future__ import annotations

from jobkit.errors import InvalidOption
from jobkit.store.operations import Operation
from jobkit.store.values import Order


class UseOrder(Operation[bool], frozen=True, kw_only=True):
    """Give a queue this order; False if it has another one, and jobs that wait or run."""

    queue: str
    order: Order


def order_refused(queue: str, wanted: Order) -> InvalidOption:
    """Return the error for a push that wants another order than the jobs there have."""
    stored = "priority" if wanted == "run_at" else "run_at"
    return InvalidOption(
        f"queues: {queue!r}: order={wanted!r}, but its jobs are in order {stored!r}, which can "
        f"change only while none of them waits or runs; nothing was stored"
    )
