"""A random walk over all operations, audited after each step."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobkit.ids import jitter
from jobkit.record import ENDED, WAITING, JobState
from jobkit.store import (
    Bounds,
    Cancel,
    Capability,
    Delete,
    Lane,
    MarkTimedOut,
    NewJob,
    Operation,
    RemoveSchedule,
    Reschedule,
    SetPriority,
    Settlement,
    StoredJob,
    TakeOver,
    Ticks,
    needs,
)
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    SETTLEMENTS,
    a_job,
    a_schedule,
    lanes,
    lease_of,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

STEPS = 300
LIMIT = 3
BOUNDS = Bounds(finished_for=60 * SECOND, finished_max=8, dead_for=120 * SECOND, dead_max=5)


class Walk:
    """Choose steps by dice that fall the same for one seed."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.seed = seed
        self.rolls = 0
        limit = LIMIT if bench.has(Capability.LIMITS) else None
        limited = Lane(group="L", limit=limit)
        served = lanes("A", "B", L=limited, M=limited)
        self.bounds = BOUNDS if bench.has(Capability.RETENTION) else Bounds()
        self.workers = [bench.worker(name, served) for name in ("ann", "bob", "cid")]
        self.held: dict[str, list[StoredJob]] = {worker.name: [] for worker in self.workers}
        self.known: list[str] = []
        self.holders: dict[tuple[str, int], str] = {}

    def dice(self, sides: int) -> int:
        self.rolls += 1
        return int(jitter("walk", self.seed, self.rolls) * sides)

    def step(self) -> None:
        """Do one thing."""
        steps: list[Callable[[], None]] = [
            self.push,
            self.push,
            self.claim,
            self.claim,
            self.claim,
            self.settle,
            self.settle,
            self.settle,
            self.beat,
            self.beat,
            self.die,
            self.cancel,
            self.delete,
            self.move,
            self.mark,
            self.tick,
            self.tick,
            self.reschedule,
            self.wait,
            self.wait,
        ]
        steps[self.dice(len(steps))]()

    def run(self, operation: Operation[object]) -> None:
        """Carry out an operation, if it is one for this store."""
        if all(self.bench.has(capability) for capability, _ in needs(operation)):
            self.bench.run(operation)

    def push(self) -> None:
        jobs = [self.job() for _ in range(1 + self.dice(5))]
        self.known += self.bench.push(*jobs)

    def job(self) -> NewJob:
        type_name = "ABLM"[self.dice(4)]
        priority = self.dice(3) - 1
        delay = (0, 0, SECOND, 20 * SECOND)[self.dice(4)]
        retention = (None, None, 0, 30 * SECOND)[self.dice(4)]
        return a_job(
            type_name,
            priority=priority if self.bench.has(Capability.PRIORITIES) else 0,
            delay=delay,
            retention=retention if self.bench.has(Capability.RETENTION) else None,
        )

    def claim(self) -> None:
        worker = self.any_worker()
        slots, ahead = self.dice(5), self.dice(3)
        prefetch = ahead if self.bench.has(Capability.PREFETCH) else 0
        claim = worker.claiming(slots, prefetch=prefetch, bounds=self.bounds)
        claimed = self.bench.run(claim)
        if claimed.lanes_unknown:
            worker.beat()
            return
        for job in claimed.jobs:
            lease = (job.id, job.fence)
            assert self.holders.setdefault(lease, worker.name) == worker.name
        self.held[worker.name] += claimed.jobs
        if self.dice(4) == 0:
            again = self.bench.run(claim)
            assert again.jobs == claimed.jobs

    def settle(self) -> None:
        worker = self.any_worker()
        held = self.held[worker.name]
        settlements = [
            self.settlement(held.pop(self.dice(len(held))))
            for _ in range(min(len(held), self.dice(4)))
        ]
        settle = worker.settling(*settlements, bounds=self.bounds)
        self.bench.run(settle)
        if self.dice(4) == 0:
            self.bench.run(settle)

    def settlement(self, job: StoredJob) -> Settlement:
        if self.dice(6) == 0 and self.bench.has(Capability.CHILDREN):
            child = self.bench.named(self.job())
            self.known.append(child.id)
            return succeed(job, children=(child,))
        made, _ = list(SETTLEMENTS.values())[self.dice(len(SETTLEMENTS))]
        return made(job)

    def beat(self) -> None:
        worker = self.any_worker()
        held = self.held[worker.name]
        begun = held[: self.dice(3)]
        if not self.bench.has(Capability.PREFETCH):
            begun = []
        beat = worker.beat(*held, started=tuple(begun))
        gone = {*beat.lost, *beat.deleted}
        self.held[worker.name] = [job for job in held if job.id not in gone]

    def tick(self) -> None:
        """Fire what is due, perhaps twice, at a pace of a few seconds."""
        if not self.bench.has(Capability.SCHEDULES):
            return
        for due in self.bench.run(Ticks(queue=QUEUE)).due:
            pace = (None, SECOND, 20 * SECOND, 20 * SECOND)[self.dice(4)]
            fire = self.bench.firing(due.tick, name=due.name, next_in=pace, job=self.dice(5) > 0)
            if self.bench.run(fire) == "fired" and fire.job is not None:
                assert fire.job.id not in self.known, "one tick has made two jobs"
                self.known.append(fire.job.id)
            if self.dice(4) == 0:
                assert self.bench.run(fire) == "passed"

    def reschedule(self) -> None:
        """Put a schedule, or change or remove one."""
        name = "xyz"[self.dice(3)]
        if not self.bench.has(Capability.SCHEDULES):
            return
        if self.dice(5) == 0:
            self.bench.run(RemoveSchedule(queue=QUEUE, name=name))
            return
        new = a_schedule(
            name,
            definition=bytes([self.dice(2)]),
            grid="ab"[self.dice(8) == 0],
            limit=(None, 2, 4)[self.dice(3)],
            skips_overlap=self.dice(3) == 0,
        )
        self.bench.put(new, first=self.bench.now + 1 + self.dice(5 * SECOND))

    def die(self) -> None:
        if self.dice(4) == 0:
            worker = self.any_worker()
            self.run(TakeOver(queue=QUEUE, worker=worker.name, bounds=self.bounds))
            # Its settlements come late, and are refused.

    def cancel(self) -> None:
        if self.known:
            job_id = self.known[self.dice(len(self.known))]
            self.run(Cancel(queue=QUEUE, id=job_id, bounds=self.bounds))

    def delete(self) -> None:
        if self.known and self.dice(3) == 0:
            self.run(Delete(queue=QUEUE, id=self.known[self.dice(len(self.known))]))

    def move(self) -> None:
        if self.known:
            job_id = self.known[self.dice(len(self.known))]
            run_at = self.bench.now + (self.dice(4) - 1) * SECOND
            if self.dice(2):
                self.run(Reschedule(queue=QUEUE, id=job_id, of=WAITING | ENDED, run_at=run_at))
            else:
                self.run(SetPriority(queue=QUEUE, id=job_id, priority=self.dice(5) - 2))

    def mark(self) -> None:
        worker = self.any_worker()
        for job in self.held[worker.name][:1]:
            self.bench.run(MarkTimedOut(queue=QUEUE, worker=worker.name, lease=lease_of(job)))

    def wait(self) -> None:
        self.bench.advance((1, SECOND, 10 * SECOND, LEASE, 2 * LEASE, -SECOND)[self.dice(6)])

    def any_worker(self) -> BenchWorker:
        return self.workers[self.dice(len(self.workers))]


def check(bench: Bench) -> None:
    """Check what is true at any moment, with the means of a reader."""
    assert bench.breaches() == []
    counts = bench.count()
    running = bench.page(JobState.RUNNING)
    assert len(running) == counts.running
    if bench.has(Capability.LIMITS):
        assert sum(job.type in ("L", "M") for job in running) <= LIMIT
    assert counts.due <= counts.scheduled + counts.retrying


class Machine:
    """A smoke test of everything together."""

    @pytest.mark.parametrize("seed", [1, 2])
    def test_a_random_walk_breaks_no_invariant(self, bench: Bench, seed: int) -> None:
        """B23, B26, B42: each job in one state, limits hold, nothing held twice."""
        walk = Walk(bench, seed)

        for _ in range(STEPS):
            walk.step()
            check(bench)

        totals = bench.count()
        pages = {state: len(bench.page(state, limit=7)) for state in JobState}
        assert pages == {
            JobState.SCHEDULED: totals.scheduled,
            JobState.QUEUED: sum(totals.queued.values()),
            JobState.RUNNING: totals.running,
            JobState.RETRYING: totals.retrying,
            JobState.SUCCEEDED: totals.succeeded,
            JobState.DEAD: totals.dead,
            JobState.CANCELLED: totals.cancelled,
        }

    @only_with(Capability.DELETES)
    def test_after_a_random_walk_everything_can_be_deleted(self, bench: Bench) -> None:
        """B46: and nothing is left in any index."""
        walk = Walk(bench, 3)
        for _ in range(STEPS):
            walk.step()

        for state in JobState:
            for job in bench.page(state):
                assert bench.run(Delete(queue=QUEUE, id=job.id))

        bench.live(LEASE)
        claimed = [worker.claim(50) for worker in walk.workers if not worker.beat().lost]
        assert [(c.jobs, c.next_due, c.more, c.ended) for c in claimed] == [
            ((), None, False, ())
        ] * 3
        assert [bench.page(state) for state in JobState] == [[] for _ in JobState]
