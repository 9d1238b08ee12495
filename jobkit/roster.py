"""Workers as readers see them: who lives, what each serves, and what it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from jobkit.record import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotInfo:
    """A busy slot of a worker: the job that runs in it, since when, and what it said last."""

    job_id: str
    type: str
    queue: str
    since: datetime
    progress: Progress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """One worker as it was at the moment of reading.

    `types` are the stored names that it has handlers for, aliases too. `started_at` is by its
    host's clock, all else by the store's. `live`: it has shown a sign of life within its lease
    and five seconds more; then its jobs go to others. A worker that stops in order is gone from
    the list at once, a dead one after ten minutes.
    """

    name: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    types: tuple[str, ...]
    concurrency: int
    started_at: datetime
    heartbeat_at: datetime
    live: bool
    slots: tuple[SlotInfo, ...]


def unserved(
    waiting: Mapping[str, int], workers: Iterable[WorkerInfo], queue: str
) -> dict[str, int]:
    """Return those of a queue's waiting types, with their numbers, that no live worker handles.

    >>> unserved({"app.Mail": 3}, [], "default")
    {'app.Mail': 3}
    """
    served = {
        name
        for worker in workers
        if worker.live and queue in worker.queues
        for name in worker.types
    }
    return {name: number for name, number in waiting.items() if number and name not in served}
