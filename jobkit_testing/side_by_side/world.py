"""What a program of steps acts on: clients and workers over two stores, and a time of its own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from jobkit.client import Jobs
from jobkit.client.control import Control
from jobkit.clock import SystemClock, from_milliseconds
from jobkit.engine import Engine, Steps, drive
from jobkit.engine.running import Runner
from jobkit.errors import JobkitError
from jobkit.handle import JobHandle
from jobkit.ids import seeded_ids
from jobkit.store import (
    Capability,
    Claim,
    Count,
    Heartbeat,
    LaneSet,
    Operation,
    PausedTypes,
    QueueCounts,
    Settle,
    Store,
    StoredJob,
    Ticks,
)
from jobkit_testing.side_by_side.jobtypes import QUEUE_OPTIONS, QUEUES, handlers, profiles
from jobkit_testing.side_by_side.paired import PairedStore
from jobkit_testing.watching import AsyncWatchedStore, WatchedStore

T = TypeVar("T")
ListOf: TypeAlias = tuple[str | None, str | None, str | None]  # by state, queue and type
START: Final = 1_898_380_800_000  # 2030-02-27: a few jumps before clocks are changed
REMEMBERED: Final = 12  # leases that a worker has given up, to be settled late


class Step(Protocol):
    """One thing that is done to both stores: a value."""

    def carry_out(self, world: World) -> object:
        """Do it; raises what users would see."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class CrewMember:
    """A worker of one queue, as it sees itself: jobs by label.

    `is_unknown`: the queue does not know its lanes, so that a claim brings nothing.
    """

    name: str
    queue: str
    lanes: LaneSet
    requests: int = 0
    is_unknown: bool = True
    held: dict[str, StoredJob] = field(default_factory=dict[str, StoredJob])
    given_up: dict[str, StoredJob] = field(default_factory=dict[str, StoredJob])
    last_claim: Claim | None = None
    last_settle: Settle | None = None
    last_beat: Heartbeat | None = None

    def give_up(self, label: str) -> None:
        """Hold a job no longer; it may be settled late."""
        job = self.held.pop(label, None)
        if job is not None:
            self.given_up[label] = job
        while len(self.given_up) > REMEMBERED:
            del self.given_up[next(iter(self.given_up))]

    def find(self, label: str, *, late: bool = False) -> StoredJob | None:
        """Return a job as it was claimed, also if it was given up; `late`: as it was before."""
        first, second = (self.given_up, self.held) if late else (self.held, self.given_up)
        return first.get(label) or second.get(label)


class World:
    """Carries out steps on two stores, and compares what both then say.

    `now` is the time, which only steps move; `highest` is the latest it ever was. Jobs have labels
    that steps give them; those that schedules make go by their ids.
    """

    def __init__(self, a: Store, b: Store, *, thorough: int = 10) -> None:
        self.paired = PairedStore(a, b)
        self.now = self.highest = START
        self.thorough = thorough
        self.clients = [self._client(number) for number in range(len(QUEUE_OPTIONS))]
        self.runner = Runner(self.engines[0], open_outbox=self.clients[0]._open_outbox)  # pyright: ignore[reportPrivateUsage]  # as a worker does
        self.profiles = profiles(self.paired.capabilities)
        self.handles: dict[str, JobHandle[Any]] = {}
        self.labels: dict[str, str] = {}
        self.crew: dict[tuple[str, str], CrewMember] = {}
        self.cursors: dict[ListOf, str] = {}
        self.sizes: dict[str, QueueCounts] = {}
        self.ended: list[str] = []
        self.heard: list[PausedTypes] = []
        self.steps = 0

    @property
    def engines(self) -> list[Engine]:
        """The engine of each client."""
        return [client._engine for client in self.clients]  # pyright: ignore[reportPrivateUsage]  # one for both

    @property
    def _has_bounds(self) -> bool:
        return self.paired.capabilities >= {Capability.RETENTION, Capability.QUEUE_ORDER}

    def _client(self, number: int) -> Jobs:
        engine = Engine(
            handlers=handlers(),
            defaults={"metadata": {"é": "ü"}, "max_retries": 1} if number else None,
            queues=QUEUE_OPTIONS[number] if self._has_bounds else None,
            new_ids=lambda: seeded_ids(lambda: self.now, number),
            max_payload=None,
            version=f"{number}.0",
            durable=False,
        )
        return Jobs(
            engine,
            self.paired,
            AsyncWatchedStore(WatchedStore(self.paired)),
            now=lambda: self.now,
            monotonic=SystemClock().monotonic,
            enqueue_timeout=None,
        )

    # What steps do.

    def run(self, operation: Operation[T]) -> T:
        """Carry out one operation on both stores now."""
        return self.paired.run(operation, now=self.now)

    def drive(self, steps: Steps[T]) -> T:
        """Carry out what an engine asks for."""
        return drive(steps, self.run)

    def instant(self, offset: int) -> datetime:
        """Return the instant so many milliseconds from now."""
        return from_milliseconds(self.now + offset)

    def member(self, name: str, queue: str) -> CrewMember:
        """Return a worker of a queue; it serves everything until told otherwise."""
        known = self.crew.get((name, queue))
        if known is None:
            known = CrewMember(name=name, queue=queue, lanes=self.profiles["all"])
            self.crew[name, queue] = known
        return known

    def learn(self, label: str, handle: JobHandle[Any]) -> None:
        """Remember a job under the label that a step gave it."""
        self.handles[label] = handle
        self.labels.setdefault(handle.id, label)

    def label_of(self, job: StoredJob) -> str:
        """Return the label of a job; one that a schedule has made goes by its id."""
        label = self.labels.get(job.id)
        if label is None:
            label = self.labels[job.id] = job.id
            self.handles[label] = self.handle_to(job.id, job.type, job.queue)
        return label

    def note_ended(self, label: str) -> None:
        """Remember a job that has ended, to act on it."""
        self.ended.append(label)
        del self.ended[:-REMEMBERED]

    def handle_to(self, job_id: str, type_name: str, queue: str) -> JobHandle[Any]:
        """Return a handle to a job that no client has enqueued."""
        return Control(self.engines[0], self.run).handle_to(job_id, type_name, queue)

    # Carrying out.

    def step(self, step: Step) -> None:
        """Carry out a step, then compare: a digest, and every so often everything.

        Raises `Mismatch`. What users would be told, both stores having agreed on it, is no matter.
        """
        self.paired.touched.clear()
        before = self.now
        with suppress(JobkitError):  # refused alike: `paired` has compared it
            step.carry_out(self)
        self.paired.check()
        self.highest = max(self.highest, self.now)
        self.steps += 1
        if self.now != before:
            self.paired.touched.update(QUEUES)
        self.digest()

    def digest(self) -> None:
        """Compare what is cheap: counts, what is due next, the next tick, of queues touched."""
        touched = sorted(self.paired.touched)
        reads: list[Operation[Any]] = [Count(queue=queue) for queue in touched]
        reads += [Ticks(queue=queue, limit=1) for queue in touched]
        found = self.paired.run_many(reads, now=self.now)
        self.sizes.update(zip(touched, found, strict=False))

    @property
    def waiting(self) -> int:
        """How many jobs wait or run."""
        return sum(
            sum(count.queued.values()) + count.scheduled + count.retrying + count.running
            for count in self.sizes.values()
        )
