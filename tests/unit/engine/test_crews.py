"""From what queues know of workers to what readers see."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jobkit.engine import drive
from jobkit.engine.crews import About, encode_about, worker_infos
from jobkit.progress import check_in, encode_progress
from jobkit.record import Progress
from jobkit.roster import SlotInfo, WorkerInfo, unserved
from jobkit.store import Operation, Queues, StoredSlot, StoredWorker, StoredWorkers, Workers

START = datetime(2030, 1, 1, tzinfo=UTC)
NOW = 1_893_456_000_000
SECOND = timedelta(seconds=1)
ABOUT = About(host="h", pid=7, version="1.2", concurrency=4, lease=30_000, started=NOW - 1000)


def a_worker(name: str = "ann", *, beat_at: int = NOW, **fields: Any) -> StoredWorker:
    fields = {"about": encode_about(ABOUT), "types": ("A",), **fields}
    return StoredWorker(name=name, beat_at=beat_at, **fields)


def infos(queues: Mapping[str, tuple[StoredWorker, ...]]) -> tuple[WorkerInfo, ...]:
    """List the workers of these queues."""

    def run(operation: Operation[Any]) -> Any:
        if isinstance(operation, Queues):
            return tuple(queues)
        assert isinstance(operation, Workers)
        return StoredWorkers(now=NOW, workers=queues[operation.queue])

    return drive(worker_infos(), run)


def test_a_worker_of_two_queues_is_one() -> None:
    """B48"""
    said = encode_progress(check_in("rows", done=1, total=2))
    busy = StoredSlot(id="J1", type="A", since=NOW - 500, progress=said, checked_in_at=NOW)
    silent = StoredSlot(id="J2", type="B", since=NOW)

    found = infos(
        {
            "default": (a_worker(beat_at=NOW - 1000, slots=(busy,)),),
            "mail": (a_worker(types=("B",), slots=(silent,)), a_worker("bob")),
        }
    )

    progress = Progress(text="rows", done=1, total=2, at=START)
    assert [worker.name for worker in found] == ["ann", "bob"]
    assert found[0] == WorkerInfo(
        name="ann",
        host="h",
        pid=7,
        version="1.2",
        queues=("default", "mail"),
        types=("A", "B"),
        concurrency=4,
        started_at=START - SECOND,
        heartbeat_at=START,
        live=True,
        slots=(
            SlotInfo(
                job_id="J1", type="A", queue="default", since=START - SECOND / 2, progress=progress
            ),
            SlotInfo(job_id="J2", type="B", queue="mail", since=START, progress=None),
        ),
    )


def test_a_worker_is_live_until_its_jobs_go_to_others() -> None:
    """B48, B37: its lease, and five seconds more."""
    last = NOW - 35_000

    live, stale = infos({"q": (a_worker("ann", beat_at=last), a_worker("bob", beat_at=last - 1))})

    assert (live.live, stale.live) == (True, False)


def test_a_worker_that_one_queue_hears_is_live() -> None:
    """B48"""
    (found,) = infos({"a": (a_worker(beat_at=0),), "b": (a_worker(),)})

    assert found.live
    assert found.heartbeat_at == START


def test_a_worker_that_tells_other_things_is_listed() -> None:
    """B48: one of another version, or damaged."""
    later, damaged = infos(
        {"q": (a_worker("a", about=b'{"host":"h","moon":"full"}'), a_worker("b", about=b"\xff"))}
    )

    assert (later.host, later.pid) == ("h", 0)
    assert (damaged.host, damaged.started_at, damaged.live) == ("", START, True)


def test_without_queues_there_are_no_workers() -> None:
    """B48"""
    assert infos({}) == ()


def test_waiting_types_that_no_live_worker_of_the_queue_handles_are_unserved() -> None:
    """B24"""
    waiting = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 0}
    workers = infos(
        {
            "q": (
                a_worker("ann", types=("A",)),
                a_worker("old", types=("B",), beat_at=0),
                a_worker("bob", types=("D",)),
            ),
            "other": (a_worker("cid", types=("C",)),),
        }
    )

    assert unserved(waiting, workers, "q") == {"B": 2, "C": 3}
    assert unserved(waiting, [], "q") == {"A": 1, "B": 2, "C": 3, "D": 4}
