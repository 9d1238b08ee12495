"""A store on the bench: driven by hand, with a time that only the test moves."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

import pytest
from msgspec.structs import replace

from jobkit.ids import seeded_ids, tick_id
from jobkit.record import JobState
from jobkit.store import (
    Beat,
    Bounds,
    Capability,
    Claim,
    Claimed,
    Count,
    Delete,
    Fire,
    Get,
    Heartbeat,
    KeyTaken,
    LaneSet,
    Leave,
    NewJob,
    NewSchedule,
    Operation,
    Page,
    Place,
    Push,
    PutResult,
    PutSchedule,
    QueueCounts,
    Queues,
    Schedules,
    Settle,
    Settled,
    Settlement,
    Store,
    StoredJob,
    StoredSchedule,
    UniqueKey,
    needs,
)
from jobkit_testing.conformance.builders import (
    LEASE,
    MINUTE,
    QUEUE,
    START,
    a_job,
    lanes,
    lease_of,
)

R = TypeVar("R")

Snapshot = dict[str, tuple[QueueCounts, dict[JobState, list[StoredJob]]]]


class Bench:
    """Run operations on a store at the instant `now`."""

    def __init__(self, store: Store, *, may_skip: bool = True) -> None:
        self.store = store
        self.is_closed = False
        self._may_skip = may_skip  # a test of one case is marked instead
        self.now = START
        self._ids = seeded_ids(lambda: self.now, seed=1)
        self._requests: Counter[str] = Counter()

    def has(self, capability: Capability) -> bool:
        """Tell whether the store says that it can do this."""
        return capability in self.store.capabilities

    def run(self, operation: Operation[R]) -> R:
        """Carry out one operation now; skip a case that asks for what the store does not have."""
        for capability, asked in needs(operation):
            if not self.has(capability):
                if not self._may_skip:
                    pytest.fail(f"{asked}: mark this test @only_with(Capability.{capability.name})")
                pytest.skip(f"{asked}: not for a store without {capability.value}")
        return self.store.run(operation, now=self.now)

    def advance(self, milliseconds: int) -> None:
        """Move the time; nobody shows a sign of life meanwhile."""
        self.now += milliseconds

    def live(self, milliseconds: int, *alive: BenchWorker) -> None:
        """Move the time while these workers beat, so that the queue is never silent."""
        end = self.now + milliseconds
        while self.now < end:
            self.now = min(self.now + LEASE // 3, end)
            for worker in alive:
                worker.beat()

    def close(self) -> None:
        """Close the store, which is then at an end."""
        self.store.close()
        self.is_closed = True

    # Producing.

    def named(self, job: NewJob) -> NewJob:
        """Give a job an id if it has none."""
        return job if job.id else replace(job, id=self._ids.new(job.queue))

    def pushing(self, *jobs: NewJob, channel: str = "bench", request: int | None = None) -> Push:
        """Build a push with the next request number."""
        named = tuple(self.named(job) for job in jobs)
        number = self.next_request(f"channel {channel}") if request is None else request
        return Push(jobs=named, channel=channel, request=number)

    def next_request(self, sender: str) -> int:
        """Count up the requests of a channel or worker."""
        self._requests[sender] += 1
        return self._requests[sender]

    def push(self, *jobs: NewJob) -> tuple[str, ...]:
        """Store jobs: with one push, or with one for each queue where a store can do no more."""
        named = [self.named(job) for job in jobs]
        steps = [named]
        if self.store.atomic_over == "queue":
            queues = dict.fromkeys(job.queue for job in named)
            steps = [[job for job in named if job.queue == queue] for queue in queues]
        stored: dict[str, str] = {}
        for step in steps:
            ids = self.run(self.pushing(*step))
            assert isinstance(ids, tuple), f"refused: {ids}"
            stored |= zip((job.id for job in step), ids, strict=True)
        return tuple(stored[job.id] for job in named)

    def push_one(self, job: NewJob) -> str:
        """Store one job and return its id."""
        return self.push(job)[0]

    def holder(self, unique: UniqueKey) -> str | None:
        """Return the id of the job that holds this key; leaves no trace."""
        asks = replace(unique, on_conflict="raise")
        job_id = self._ids.new(QUEUE)
        probe = NewJob(id=job_id, queue=QUEUE, type="A", payload=b"{}", unique=asks)
        answer = self.run(self.pushing(probe, channel="probe"))
        if isinstance(answer, KeyTaken):
            return answer.holder
        self.run(Delete(queue=QUEUE, id=job_id))
        return None

    # Schedules.

    def put(self, schedule: NewSchedule, *, first: int | None = None) -> PutResult:
        """Store a schedule; its first tick is a minute from now unless told otherwise."""
        chosen = self.now + MINUTE if first is None else first
        return self.run(PutSchedule(schedule=schedule, first=chosen))

    def schedule(self, name: str = "s", *, queue: str = QUEUE) -> StoredSchedule:
        """Read a schedule that must be there."""
        found = self.run(Schedules(queue=queue, name=name)).schedules
        assert len(found) == 1, f"the store has no schedule {name} in {queue}"
        return found[0]

    def names(self, *, queue: str = QUEUE) -> list[str]:
        """List the schedules of a queue."""
        found = self.run(Schedules(queue=queue)).schedules
        return [each.schedule.name for each in found]

    def firing(
        self,
        tick: int,
        *,
        name: str = "s",
        next_in: int | None = MINUTE,
        job: bool = True,
        missed: bool = False,
    ) -> Fire:
        """Build the firing of a tick; the next one is that much later."""
        new = replace(a_job(run_at=tick), id=tick_id(name, QUEUE, tick), schedule=name)
        return Fire(
            queue=QUEUE,
            name=name,
            expected=tick,
            next=None if next_in is None else tick + next_in,
            job=new if job else None,
            missed=missed,
        )

    def fire(self, name: str = "s", *, next_in: int | None = MINUTE) -> str:
        """Go to the next tick of a schedule, fire it, and return the id of its job."""
        tick = self.schedule(name).tick
        assert tick is not None, f"schedule {name} has ended"
        self.now = max(self.now, tick)
        fire = self.firing(tick, name=name, next_in=next_in)
        verdict = self.run(fire)
        assert verdict == "fired", f"the tick was not fired: {verdict}"
        assert fire.job is not None
        return fire.job.id

    # Working.

    def worker(
        self,
        name: str = "ann",
        served: LaneSet | None = None,
        *,
        queue: str = QUEUE,
        lease: int = LEASE,
        version: str = "1.0",
    ) -> BenchWorker:
        """Return a worker that has announced itself; it serves type A unless told otherwise."""
        served = lanes("A") if served is None else served
        worker = BenchWorker(self, name, served, queue=queue, lease=lease, version=version)
        worker.beat()
        return worker

    # Reading.

    def find(self, job_id: str, *, queue: str = QUEUE) -> StoredJob | None:
        """Read a job that may be gone."""
        return self.run(Get(queue=queue, id=job_id))

    def get(self, job_id: str, *, queue: str = QUEUE) -> StoredJob:
        """Read a job that must be there."""
        job = self.find(job_id, queue=queue)
        assert job is not None, f"the store has no job {job_id} in {queue}"
        return job

    def count(self, queue: str = QUEUE) -> QueueCounts:
        """Count the jobs of a queue."""
        return self.run(Count(queue=queue))

    def page(self, state: JobState, *, queue: str = QUEUE, limit: int = 100) -> list[StoredJob]:
        """Read all jobs of a state, page by page."""
        jobs: list[StoredJob] = []
        cursor: Place | None = None
        while True:
            page = self.run(Page(queue=queue, state=state, limit=limit, cursor=cursor))
            jobs += page.jobs
            cursor = page.cursor
            if cursor is None:
                return jobs

    def ids(self, state: JobState, *, queue: str = QUEUE) -> set[str]:
        """Return the ids of all jobs of a state."""
        return {job.id for job in self.page(state, queue=queue)}

    def snapshot(self) -> Snapshot:
        """Read everything that can be read, over all queues."""
        return {
            queue: (self.count(queue), {s: self.page(s, queue=queue) for s in JobState})
            for queue in self.run(Queues())
        }

    def breaches(self) -> list[str]:
        """Audit all queues."""
        return [f"{q}: {breach}" for q in self.run(Queues()) for breach in self.store.audit(q)]


class BenchWorker:
    """A worker of one queue, as the store sees it."""

    def __init__(
        self, bench: Bench, name: str, served: LaneSet, *, queue: str, lease: int, version: str
    ) -> None:
        self.bench = bench
        self.name = name
        self.lanes = served
        self.queue = queue
        self.lease = lease
        self.version = version

    def beat(
        self, *held: StoredJob, started: tuple[StoredJob, ...] = (), about: bytes = b""
    ) -> Beat:
        """Show a sign of life, and extend the leases of the jobs that it holds."""
        return self.bench.run(
            Heartbeat(
                queue=self.queue,
                worker=self.name,
                lanes=self.lanes,
                lease=self.lease,
                leases=tuple(lease_of(job) for job in held),
                started=tuple(lease_of(job) for job in started),
                about=about,
            )
        )

    def claiming(
        self,
        slots: int = 1,
        *,
        prefetch: int = 0,
        suspects: int = 1,
        idle: bool = False,
        only: str | None = None,
        bounds: Bounds | None = None,
        request: int | None = None,
    ) -> Claim:
        """Build a claim with the next request number."""
        if request is None:
            request = self.bench.next_request(f"worker {self.name} of {self.queue}")
        return Claim(
            queue=self.queue,
            worker=self.name,
            version=self.version,
            request=request,
            lanes=self.lanes,
            slots=slots,
            prefetch=prefetch,
            suspects=suspects,
            lease=self.lease,
            idle=idle,
            only=only,
            bounds=bounds or Bounds(),
        )

    def claim(
        self, slots: int = 1, *, prefetch: int = 0, suspects: int = 1, idle: bool = False
    ) -> Claimed:
        """Claim the best jobs."""
        return self.bench.run(self.claiming(slots, prefetch=prefetch, suspects=suspects, idle=idle))

    def take(self, slots: int = 1, *, suspects: int = 1) -> list[StoredJob]:
        """Claim, and return the jobs."""
        return list(self.claim(slots, suspects=suspects).jobs)

    def take_one(self) -> StoredJob:
        """Claim a job that must be there."""
        jobs = self.take()
        assert len(jobs) == 1, f"{self.name} found no job to take"
        return jobs[0]

    def settling(self, *settlements: Settlement, bounds: Bounds | None = None) -> Settle:
        """Build the settlement of attempts."""
        return Settle(
            queue=self.queue,
            worker=self.name,
            version=self.version,
            settlements=settlements,
            bounds=bounds or Bounds(),
        )

    def settle(self, *settlements: Settlement, bounds: Bounds | None = None) -> list[Settled]:
        """End attempts."""
        return list(self.bench.run(self.settling(*settlements, bounds=bounds)))

    def settle_one(self, settlement: Settlement, *, bounds: Bounds | None = None) -> Settled:
        """End one attempt."""
        return self.settle(settlement, bounds=bounds)[0]

    def leave(self) -> None:
        """Say good-bye."""
        self.bench.run(Leave(queue=self.queue, worker=self.name))
