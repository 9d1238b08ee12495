"""Comparing everything that two stores can show, and what they then hand out."""

from __future__ import annotations

from typing import Any, Final

from jobkit.record import JobState
from jobkit.store import (
    MINUTES_KEPT,
    Announce,
    Capability,
    Claim,
    Count,
    Heartbeat,
    Operation,
    Page,
    Queues,
    ReadPauses,
    Schedules,
    SetPause,
    Statistics,
    Workers,
)
from jobkit_testing.side_by_side.paired import PairedStore
from jobkit_testing.side_by_side.world import World

WHOLE: Final = 1000  # jobs in a page that is to be a whole state
ROUNDS: Final = 100  # claims until a queue must be empty
HEIR: Final = "heir"


def compare(world: World, *, audit: bool) -> None:
    """Compare all records, in the order of listing, and everything else that can be read."""
    paired = world.paired
    queues = world.run(Queues())
    world.run(Announce())
    newest_first = bool(world.steps // world.thorough % 2) and _lists(world)
    for queue in queues:
        reads: list[Operation[Any]] = [
            Count(queue=queue),
            ReadPauses(queue=queue),
            Schedules(queue=queue),
            Workers(queue=queue),
            Statistics(queue=queue, minutes=MINUTES_KEPT, totals=True),
        ]
        paired.run_many(reads, now=world.now)
        pages = [
            Page(queue=queue, state=state, limit=WHOLE, newest_first=newest_first)
            for state in JobState
        ]
        paired.run_many(pages, now=world.now)
    if audit:
        check_invariants(paired, queues)


def check_invariants(paired: PairedStore, queues: tuple[str, ...]) -> None:
    """Raise what either store finds wrong with itself."""
    for queue in queues:
        breaches = paired.audit(queue)
        if breaches:
            raise paired.differ(Audit(queue), None, None, breaches)


class Audit:
    """Stands for the audit of a queue, where a mismatch names what was asked."""

    def __init__(self, queue: str) -> None:
        self._queue = queue

    def __repr__(self) -> str:
        return f"audit({self._queue!r})"


def finish(world: World) -> None:
    """Compare everything in small pages too, and what an heir of all workers is given."""
    compare(world, audit=True)
    queues = world.run(Queues())
    for queue in queues:
        for state in JobState:
            for newest_first in (False, True) if _lists(world) else (False,):
                _read_in_pages(world, queue, state, newest_first=newest_first)
    for queue in queues:
        if Capability.PAUSES in world.paired.capabilities:
            world.run(SetPause(queue=queue, paused=False))
        _take_all(world, queue)
    compare(world, audit=True)


def _lists(world: World) -> bool:
    return Capability.LISTING in world.paired.capabilities


def _read_in_pages(world: World, queue: str, state: JobState, *, newest_first: bool) -> None:
    cursor = None
    while True:
        page = Page(queue=queue, state=state, limit=7, cursor=cursor, newest_first=newest_first)
        cursor = world.run(page).cursor
        if cursor is None:
            return


def _take_all(world: World, queue: str) -> None:
    """Claim a few at a time until there is no more: so the order of all that waits is compared."""
    lanes = world.profiles["all"]
    world.run(Heartbeat(queue=queue, worker=HEIR, lanes=lanes, lease=1_000))
    for request in range(1, ROUNDS):
        claimed = world.run(
            Claim(
                queue=queue,
                worker=HEIR,
                version="",
                request=request,
                lanes=lanes,
                slots=3,
                lease=1_000,
            )
        )
        if not claimed.jobs and (claimed.next_due is None or request % 3 == 0):
            return
        if not claimed.jobs and claimed.next_due is not None:
            world.now = max(world.now, claimed.next_due)
