"""What a worker tells of itself, and from there to what readers see."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from jobkit.clock import Clock, duration_milliseconds, from_milliseconds, to_milliseconds
from jobkit.engine.records import progress_of
from jobkit.engine.steps import Steps
from jobkit.options import WorkerSettings
from jobkit.roster import SlotInfo, WorkerInfo
from jobkit.store import Queues, StoredSlot, StoredWorker, StoredWorkers, Workers

GRACE = 5_000  # milliseconds after a lease in which its job is taken back


class About(Struct, frozen=True, kw_only=True):
    """What each heartbeat of a worker says of it; a later version may say more."""

    host: str = ""
    pid: int = 0
    version: str = ""
    concurrency: int = 0
    lease: int = 30_000
    started: int | None = None


_decode = msgspec.json.Decoder(About)


def about_worker(version: str, settings: WorkerSettings, clock: Clock) -> bytes:
    """Return what a worker of this process tells of itself."""
    about = About(
        host=socket.gethostname(),
        pid=os.getpid(),
        version=version,
        concurrency=settings.concurrency,
        lease=duration_milliseconds(settings.lease),
        started=to_milliseconds(clock.now()),
    )
    return encode_about(about)


def encode_about(about: About) -> bytes:
    """Return what a heartbeat carries."""
    return msgspec.json.encode(about)


def worker_infos() -> Steps[tuple[WorkerInfo, ...]]:
    """List the workers of all queues, by name."""
    names: tuple[str, ...] = yield Queues()
    seen: dict[str, list[tuple[str, int, StoredWorker]]] = {}
    for queue in names:
        found: StoredWorkers = yield Workers(queue=queue)
        for worker in found.workers:
            seen.setdefault(worker.name, []).append((queue, found.now, worker))
    return tuple(_merged(name, seen[name]) for name in sorted(seen))


def _merged(name: str, seen: Sequence[tuple[str, int, StoredWorker]]) -> WorkerInfo:
    """Put together what the queues of one worker know of it."""
    about = _about(max(worker.about for _, _, worker in seen))
    beat_at = from_milliseconds(max(worker.beat_at for _, _, worker in seen))
    started_at = None if about.started is None else from_milliseconds(about.started)
    return WorkerInfo(
        name=name,
        host=about.host,
        pid=about.pid,
        version=about.version,
        queues=tuple(queue for queue, _, _ in seen),
        types=tuple(sorted({name for _, _, worker in seen for name in worker.types})),
        concurrency=about.concurrency,
        started_at=started_at or beat_at,
        heartbeat_at=beat_at,
        live=any(now - worker.beat_at <= about.lease + GRACE for _, now, worker in seen),
        slots=tuple(_slot(slot, queue) for queue, _, worker in seen for slot in worker.slots),
    )


def _about(stored: bytes) -> About:
    try:
        return _decode.decode(stored)
    except ValueError:  # msgspec's errors are ValueErrors
        return About()  # of a worker that tells other things


def _slot(slot: StoredSlot, queue: str) -> SlotInfo:
    return SlotInfo(
        job_id=slot.id,
        type=slot.type,
        queue=queue,
        since=from_milliseconds(slot.since),
        progress=progress_of(slot),
    )
