"""Lives of workers, written by hand: what the trace of an honest one looks like."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace as change

from benchmarks.tracing.trace import (
    Began,
    Did,
    Entered,
    Entry,
    Left,
    Lost,
    Stopped,
    StopsClaiming,
    Trace,
)
from jobkit.record import JobState
from jobkit.store import (
    Beat,
    Claim,
    Claimed,
    Heartbeat,
    Lane,
    LaneSet,
    Lease,
    Leave,
    Operation,
    Settle,
    Settled,
    Settlement,
    StoredJob,
    Succeed,
)

LEASE = 1000
LANES = LaneSet(key="k", lanes={"A": Lane(group="A"), "B": Lane(group="B")})


def a_job(number: int, **fields: Any) -> StoredJob:
    job = StoredJob(
        id=f"job {number}",
        queue="default",
        type="A",
        state=JobState.RUNNING,
        payload=b"{}",
        options=b"",
        metadata=b"",
        priority=0,
        run_at=0,
        arrival=number,
        enqueued_at=0,
        fence=1,
    )
    return change(job, **fields)


class Life:
    """Writes the trace of workers by hand."""

    def __init__(self) -> None:
        self.trace: Trace = []
        self.now = 1_000
        self._requests = 0

    def add(self, entry: Entry) -> None:
        self.trace.append(entry)

    def did(self, operation: Operation[Any], answer: Any, *, who: str = "ann", **more: Any) -> None:
        self._requests += 1
        request = more.pop("request", self._requests)
        self.add(
            Did(
                sender=f"process of {who}",
                request=request,
                at=self.now,
                operation=operation,
                answer=answer,
                **more,
            )
        )

    def begin(self, who: str = "ann", *, concurrency: int = 2, prefetch: int = 1) -> None:
        self.add(
            Began(
                sender=f"process of {who}",
                worker=who,
                at=self.now,
                types=frozenset({"A", "B"}),
                queues=frozenset({"default"}),
                concurrency=concurrency,
                prefetch=prefetch,
                lease=LEASE,
            )
        )

    def claim(
        self,
        *jobs: StoredJob,
        request: int,
        who: str = "ann",
        started: int | None = None,
        lanes: LaneSet = LANES,
        queue: str = "default",
        slots: int = 2,
        reply: Any = "heard",
    ) -> None:
        claim = Claim(
            queue=queue,
            worker=who,
            version="",
            request=request,
            lanes=lanes,
            slots=slots,
            suspects=min(slots, 1),
            lease=LEASE,
        )
        count = len(jobs) if started is None else started
        self.did(claim, Claimed(now=self.now, jobs=jobs, started=count), who=who, reply=reply)

    def enter(self, job: StoredJob, *, who: str = "ann", timeout: int | None = None) -> None:
        self.add(Entered(worker=who, at=self.now, lease=lease_of(job), timeout=timeout))

    def leave(self, job: StoredJob, *, who: str = "ann", **how: Any) -> None:
        how = {"way": "returned", **how}
        self.add(Left(worker=who, at=self.now, lease=lease_of(job), **how))

    def settle(
        self, job: StoredJob, *, who: str = "ann", by: Settlement | None = None, **more: Any
    ) -> None:
        settlement = by or Succeed(lease=lease_of(job))
        settle = Settle(queue="default", worker=who, version="", settlements=(settlement,))
        settled = Settled(verdict="ok", state=JobState.SUCCEEDED, at=self.now)
        self.did(settle, (settled,), who=who, **more)

    def run(self, job: StoredJob, *, who: str = "ann") -> None:
        self.enter(job, who=who)
        self.leave(job, who=who)
        self.settle(job, who=who)

    def beat(self, *jobs: StoredJob, who: str = "ann", **learned: Any) -> None:
        leases = tuple(lease_of(job) for job in jobs)
        beat = Heartbeat(queue="default", worker=who, lanes=LANES, lease=LEASE, leases=leases)
        self.did(beat, Beat(now=self.now, **learned), who=who)

    def stop(self, who: str = "ann") -> None:
        self.add(StopsClaiming(worker=who, at=self.now))
        self.did(Leave(queue="default", worker=who), None, who=who)
        self.add(Stopped(worker=who, at=self.now))


def lease_of(job: StoredJob) -> Lease:
    return Lease(id=job.id, fence=job.fence)


def honest() -> Life:
    """Three jobs of one worker, one of them prefetched; one reply got lost."""
    life = Life()
    life.begin()
    one, two, three = a_job(1), a_job(2), a_job(3)
    life.claim(one, two, three, request=1, started=2)
    life.run(one)
    life.enter(two)
    life.now += 600
    life.beat(two, three)
    life.now += 600
    life.leave(two, way="returned")
    life.settle(two, reply="reply lost")
    life.add(Lost(sender="process of ann", at=life.now, operations=()))
    life.settle(two)
    life.run(three)
    return life
