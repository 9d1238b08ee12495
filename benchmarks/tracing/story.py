"""A trace told again by worker and by lease: what the checks ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.tracing.trace import (
    Began,
    Did,
    Entered,
    Entry,
    Killed,
    Left,
    Lost,
    Stopped,
    StopsClaiming,
    Trace,
)
from jobkit.store import Claim, Claimed, Lease, Settle, Settled, Settlement, StoredJob

E = TypeVar("E")
Place = int


@dataclass(frozen=True, slots=True)
class Sent:
    """A settlement that was sent, and what the store made of it."""

    place: Place
    did: Did
    settlement: Settlement
    settled: Settled


@dataclass(slots=True)
class Held:
    """A lease of a worker: what came of it, by the place in the trace.

    `is_ahead`: it was prefetched. `is_heard`: the worker has had the answer that gave it.
    `is_delayed`: it had to ask more than once for that.
    """

    worker: str
    job: StoredJob
    place: Place
    at: int
    is_ahead: bool
    is_heard: bool
    is_delayed: bool
    sent: list[Sent] = field(default_factory=list[Sent])
    entered: list[tuple[Place, Entered]] = field(default_factory=list[tuple[Place, Entered]])
    left: tuple[Place, Left] | None = None

    @property
    def lease(self) -> Lease:
        """What names it."""
        return Lease(id=self.job.id, fence=self.job.fence)

    @property
    def freed(self) -> Place | None:
        """Where its slot is free again: its handler has returned, or it was settled without one."""
        if self.entered:
            return None if self.left is None else self.left[0]
        return self.settled

    @property
    def settled(self) -> Place | None:
        """Where it is first settled."""
        return self.sent[0].place if self.sent else None

    def __str__(self) -> str:
        return f"{self.job.type} {self.job.id}, fence {self.job.fence}, of {self.worker}"


class Story:
    """Everything that checks ask of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.began = {each.worker: each for _, each in self.every(Began)}
        self.worker_of = {each.sender: each.worker for each in self.began.values()}
        self.killed = {each.worker: place for place, each in self.every(Killed)}
        self.stopped = {each.worker: place for place, each in self.every(Stopped)}
        self.stops_claiming = {each.worker: place for place, each in self.every(StopsClaiming)}
        self.lost_claims = {
            (each.worker, each.queue, each.request)
            for _, lost in self.every(Lost)
            for each in lost.operations
            if isinstance(each, Claim)
        }
        self.held: dict[tuple[str, str, int], Held] = {}
        for place, entry in enumerate(trace):
            self._take(place, entry)

    def every(self, kind: type[E]) -> Iterator[tuple[Place, E]]:
        """Yield the entries of a kind with their places."""
        for place, entry in enumerate(self.trace):
            if isinstance(entry, kind):
                yield place, entry

    def operations(self, kind: type[E]) -> Iterator[tuple[Place, Did, E]]:
        """Yield the operations of a kind, as they were carried out."""
        for place, did in self.every(Did):
            if isinstance(did.operation, kind):
                yield place, did, did.operation

    def of(self, worker: str) -> list[Held]:
        """Return the leases of a worker, in the order in which it got them."""
        return [held for held in self.held.values() if held.worker == worker]

    def end_of(self, worker: str) -> int:
        """Return the instant at which a worker stopped or died, else the end of the trace."""
        ends = [ends[worker] for ends in (self.killed, self.stopped) if worker in ends]
        return self.trace[min(ends, default=len(self.trace) - 1)].at

    def name_behind(self, entry: Entry) -> str | None:
        """Return the worker whose process sent or said this; None: no worker's."""
        if isinstance(entry, Did | Lost):
            return self.worker_of.get(entry.sender)
        return None if isinstance(entry, Killed) else entry.worker

    def find(self, worker: str, lease: Lease) -> Held | None:
        """Return a lease that this worker was given."""
        return self.held.get((worker, lease.id, lease.fence))

    def _take(self, place: Place, entry: Entry) -> None:
        if isinstance(entry, Did):
            self._take_operation(place, entry)
        elif isinstance(entry, Entered):
            if held := self.find(entry.worker, entry.lease):
                held.entered.append((place, entry))
        elif isinstance(entry, Left) and (held := self.find(entry.worker, entry.lease)):
            held.left = place, entry

    def _take_operation(self, place: Place, did: Did) -> None:
        operation, answer = did.operation, did.answer
        if isinstance(operation, Claim) and isinstance(answer, Claimed):
            self._take_claim(place, did, operation, answer)
        elif isinstance(operation, Settle):
            settleds: tuple[Settled, ...] = answer
            for settlement, settled in zip(operation.settlements, settleds, strict=True):
                if held := self.find(operation.worker, settlement.lease):
                    held.sent.append(Sent(place, did, settlement, settled))

    def _take_claim(self, place: Place, did: Did, claim: Claim, claimed: Claimed) -> None:
        for number, job in enumerate(claimed.jobs):
            key = claim.worker, job.id, job.fence
            if known := self.held.get(key):
                known.is_heard |= did.reply == "heard"
                continue
            asked = claim.worker, claim.queue, claim.request
            self.held[key] = Held(
                worker=claim.worker,
                job=job,
                place=place,
                at=did.at,
                is_ahead=number >= claimed.started,
                is_heard=did.reply == "heard",
                is_delayed=did.reply != "heard" or asked in self.lost_claims,
            )
