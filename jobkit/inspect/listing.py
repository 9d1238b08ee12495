"""Lists of jobs, page by page."""

from __future__ import annotations

from typing import Any

from jobkit.engine import Engine, Steps
from jobkit.errors import InvalidOption
from jobkit.inspect.choice import Choice, chosen
from jobkit.inspect.cursor import Spot, read_cursor, write_cursor
from jobkit.record import ENDED, JobRecord, JobState, Page
from jobkit.store import Count, Place, QueueCounts, StoredJob, StoredPage
from jobkit.store import Page as ReadPage

LONGEST_PAGE = 1000


def jobs(
    engine: Engine,
    *,
    state: JobState | str | None,
    queue: str | None,
    type: str | type | None,
    limit: int,
    cursor: str | None,
) -> Steps[Page[JobRecord[Any]]]:
    """Read a page, and count what the whole list has."""
    choice = chosen("jobs", state=state, queue=queue, type=type)
    _check_limit(limit)
    start = None if cursor is None else read_cursor(cursor, choice)
    total, spots = yield from _spots(choice)
    if start is not None:
        spots = _from(start, spots, choice)
    found: list[StoredJob] = []
    then: Spot | None = None
    for number, spot in enumerate(spots, start=1):
        place = yield from _read(spot, choice, limit - len(found), found)
        if place is not None:
            then = Spot(state=spot.state, queue=spot.queue, place=place)
            break
        if len(found) == limit:
            then = spots[number] if number < len(spots) else None
            break
    return Page(
        items=tuple(engine.record(job) for job in found),
        total=total,
        cursor=None if then is None else write_cursor(then, choice),
    )


def _check_limit(limit: int) -> None:
    # Types are a promise that user code may break at run time.
    if type(limit) is not int or not 1 <= limit <= LONGEST_PAGE:
        raise InvalidOption(f"jobs: limit={limit!r}: give an int from 1 to {LONGEST_PAGE}")


def _spots(choice: Choice) -> Steps[tuple[int, list[Spot]]]:
    """Count what was chosen, and list where there is any of it, in the order of the list."""
    queues = yield from choice.queues()
    counted: dict[str, QueueCounts] = {}
    for queue in sorted(queues):
        counted[queue] = yield Count(queue=queue)
    total, spots = 0, list[Spot]()
    for state in choice.states:
        for queue, counts in counted.items():
            by_type = counts.by_type[state]
            number = sum(by_type.get(name, 0) for name in choice.types or by_type)
            total += number
            if number:
                spots.append(Spot(state=state, queue=queue))
    return total, spots


def _from(start: Spot, spots: list[Spot], choice: Choice) -> list[Spot]:
    """Leave out what stands before a spot."""

    def order(spot: Spot) -> tuple[int, str]:
        return choice.states.index(spot.state), spot.queue

    behind = [spot for spot in spots if order(spot) > order(start)]
    return [start, *behind]


def _read(spot: Spot, choice: Choice, wanted: int, found: list[StoredJob]) -> Steps[Place | None]:
    """Read up to `wanted` jobs into `found`; return where to go on, None at the end."""
    place, end = spot.place, len(found) + wanted
    while True:
        page: StoredPage = yield ReadPage(
            queue=spot.queue,
            state=spot.state,
            types=choice.types,
            limit=end - len(found),
            cursor=place,
            newest_first=spot.state in ENDED,
        )
        found += page.jobs
        place = page.cursor
        if place is None or len(found) == end:
            return place
