"""The workers of a queue, as the script `workers` tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jobkit.redis.command import Arg, Command
from jobkit.redis.keys import queue_prefix
from jobkit.redis.scripts import script
from jobkit.store import StoredSlot, StoredWorker, StoredWorkers, Workers


def _workers(operation: Workers, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("workers"), keys, (now,), parse_workers)


CREWS: Mapping[type, Callable[[Any, str, Arg], Command]] = {Workers: _workers}


def parse_workers(reply: Sequence[Any]) -> StoredWorkers:
    """Put workers, their types and their slots together."""
    now, sets, workers, slots = reply
    types = {key: tuple(sorted(name.decode() for name in names)) for key, names in _rows(sets, 2)}
    busy: dict[bytes, list[StoredSlot]] = {}
    for worker, *slot in _rows(slots, 5):
        busy.setdefault(worker, []).append(_slot(*slot))
    found = [
        StoredWorker(
            name=name.decode(),
            about=about,
            beat_at=int(beat_at),
            types=types.get(lane_set, ()),
            slots=tuple(sorted(busy.get(name, ()), key=lambda slot: (slot.since, slot.id))),
        )
        for name, beat_at, lane_set, about in _rows(workers, 4)
    ]
    return StoredWorkers(now=int(now), workers=tuple(sorted(found, key=lambda each: each.name)))


def _rows(flat: Sequence[Any], width: int) -> Iterator[Sequence[Any]]:
    for at in range(0, len(flat), width):
        yield flat[at : at + width]


def _slot(job_id: bytes, type_name: bytes, since: bytes, said: bytes) -> StoredSlot:
    checked_in_at, _, progress = said.partition(b" ")
    return StoredSlot(
        id=job_id.decode(),
        type=type_name.decode(),
        since=int(since),
        progress=progress if checked_in_at else None,
        checked_in_at=int(checked_in_at) if checked_in_at else None,
    )
