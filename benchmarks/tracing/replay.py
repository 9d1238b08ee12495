"""The replay: the memory store is given what a trace has, and must answer the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace as replace_fields

from benchmarks.tracing.trace import Did, Entry
from jobkit.memory.store import MemoryStore
from jobkit.record import JobState
from jobkit.store import (
    MINUTES_KEPT,
    Count,
    Operation,
    Page,
    Place,
    Queues,
    ReadPauses,
    Schedules,
    Statistics,
    Store,
    StoredJob,
    StoredPage,
    Sweep,
    Swept,
    Workers,
)

AROUND = 8  # operations on the same queue that a difference is shown with


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the memory store did not answer as Redis did."""

    place: int
    did: Did
    instead: Any
    before: Sequence[Did] = ()

    def __str__(self) -> str:
        lines = [
            f"operation {self.place} at {self.did.at}, by {self.did.sender}: {self.did.operation}",
            f"  Redis:  {self.did.answer}",
            f"  memory: {self.instead}",
        ]
        lines += (f"  before: {did.sender}: {did.operation} -> {did.answer}" for did in self.before)
        return "\n".join(lines)


@dataclass(slots=True)
class Replay:
    """A memory store that follows a trace. `differences`: those found so far."""

    store: MemoryStore = field(default_factory=MemoryStore)
    differences: list[Difference] = field(default_factory=list[Difference])
    count: int = 0
    _places: dict[Place, Place] = field(default_factory=dict[Place, Place])

    def follow(self, trace: Sequence[Entry]) -> None:
        """Carry out every operation of a trace."""
        for place, entry in enumerate(trace):
            if not isinstance(entry, Did):
                continue
            self.count += 1
            answer = self.store.run_many([self._here(entry.operation)], now=entry.at)[0]
            if _plain(answer) != _plain(entry.answer):
                before = list(_touching(trace[:place], _queue(entry.operation)))
                self.differences.append(Difference(place, entry, answer, before[-AROUND:]))
            self._learn(entry.answer, answer)

    def _here(self, operation: Operation[Any]) -> Operation[Any]:
        """Return the operation with the memory store's own name for a place in a line."""
        if isinstance(operation, Page | Sweep) and operation.cursor is not None:
            return replace_fields(operation, cursor=self._places[operation.cursor])
        return operation

    def _learn(self, theirs: object, ours: object) -> None:
        if not isinstance(theirs, StoredPage | Swept) or not isinstance(ours, StoredPage | Swept):
            return
        if theirs.cursor is not None and ours.cursor is not None:
            self._places[theirs.cursor] = ours.cursor


def _plain(answer: Any) -> Any:
    """Return an answer in the words that all stores share: each names places as it likes."""
    if isinstance(answer, Exception):
        return type(answer).__name__, str(answer)
    if isinstance(answer, StoredPage | Swept) and answer.cursor is not None:
        return replace_fields(answer, cursor=Place(line="", score=0, member=""))
    return answer


def _queue(operation: Operation[Any]) -> str | None:
    return getattr(operation, "queue", None)


def _touching(trace: Sequence[Entry], queue: str | None) -> Iterator[Did]:
    for entry in trace:
        if isinstance(entry, Did) and _queue(entry.operation) == queue:
            yield entry


# The end.

Picture = dict[str, Any]


def picture(store: Store, now: int) -> Picture:
    """Return everything that a store has, by where it was found."""
    names = store.run(Queues(), now=now)
    found: Picture = {"queues": names}
    for queue in names:
        looks: dict[str, Operation[Any]] = {
            "counts": Count(queue=queue),
            "pauses": ReadPauses(queue=queue),
            "workers": Workers(queue=queue),
            "schedules": Schedules(queue=queue),
            "statistics": Statistics(queue=queue, minutes=MINUTES_KEPT, totals=True),
        }
        for name, look in looks.items():
            found[f"{queue}: {name}"] = store.run(look, now=now)
        for state in JobState:
            for at, job in enumerate(_pages(store, queue, state, now)):
                found[f"{queue}: {state}, {at}"] = job
        found[f"{queue}: audit"] = store.audit(queue)
    return found


def _pages(store: Store, queue: str, state: JobState, now: int) -> Iterator[StoredJob]:
    cursor: Place | None = None
    while True:
        page = store.run(Page(queue=queue, state=state, limit=500, cursor=cursor), now=now)
        yield from page.jobs
        cursor = page.cursor
        if cursor is None:
            return


def compare(theirs: Picture, ours: Picture) -> list[str]:
    """Return a sentence for each place where two pictures differ."""
    return [
        f"{place}\n  Redis:  {theirs.get(place)}\n  memory: {ours.get(place)}"
        for place in sorted({*theirs, *ours})
        if theirs.get(place) != ours.get(place)
    ]
