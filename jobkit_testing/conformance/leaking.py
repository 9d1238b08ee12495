"""Thousands of random operations on jobs with unique keys; then all ends, and nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, cast

from jobkit.ids import jitter
from jobkit.record import ENDED, WAITING, JobState
from jobkit.store import (
    Bounds,
    Cancel,
    Capability,
    Claimed,
    Delete,
    KeyTaken,
    NewJob,
    Operation,
    Reschedule,
    Settlement,
    StoredJob,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    SETTLEMENTS,
    a_job,
    lanes,
    succeed,
    unique,
)
from jobkit_testing.conformance.capable import only_with

ROUND = 100  # operations in one round trip
KEYS = 25
FEW = Bounds(finished_max=20, dead_max=20)
ONCE: tuple[Literal["started", "done"], ...] = ("started", "done")
CONFLICTS: tuple[Literal["return", "raise", "replace"], ...] = ("return", "raise", "replace")


class Crowd:
    """Clients and workers that act by dice, many operations in one round trip."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench = bench
        self.seed = seed
        self.rolls = 0
        served = lanes("A", "B")
        self.workers = [bench.worker(name, served) for name in ("ann", "bob")]
        self.held: dict[str, list[StoredJob]] = {worker.name: [] for worker in self.workers}
        self.known: list[str] = []

    def dice(self, sides: int) -> int:
        self.rolls += 1
        return int(jitter("crowd", self.seed, self.rolls) * sides)

    def round(self) -> None:
        """Send a round of operations, and take note of what they bring."""
        operations = [self.operation() for _ in range(ROUND)]
        results = self.bench.store.run_many(operations, now=self.bench.now)
        for result in results:
            self.note(result)
        self.bench.advance((1, 1, SECOND, LEASE // 2, LEASE + SECOND)[self.dice(5)])
        for worker in self.workers:
            worker.beat()

    def operation(self) -> Operation[Any]:
        choice = self.dice(20)
        if choice < 6:
            return self.bench.pushing(*(self.job() for _ in range(1 + self.dice(3))))
        worker = self.workers[self.dice(len(self.workers))]
        if choice < 10:
            return worker.claiming(1 + self.dice(3), prefetch=self.dice(2), bounds=FEW)
        if choice < 15:
            held = self.held[worker.name]
            ended = [held.pop(self.dice(len(held))) for _ in range(min(len(held), self.dice(4)))]
            return worker.settling(*map(self.settlement, ended), bounds=FEW)
        job_id = self.known[self.dice(len(self.known))] if self.known else "0" * 26
        if choice < 17:
            return Cancel(queue=QUEUE, id=job_id)
        if choice < 18:
            return Delete(queue=QUEUE, id=job_id)
        run_at = self.bench.now + (self.dice(4) - 1) * SECOND
        return Reschedule(queue=QUEUE, id=job_id, of=WAITING | ENDED, run_at=run_at)

    def job(self) -> NewJob:
        key = unique(
            f"A|{self.dice(KEYS)}",
            until=ONCE[self.dice(2)],
            ttl=(None, 1, SECOND, LEASE)[self.dice(4)],
            on_conflict=CONFLICTS[self.dice(8) % 3],
        )
        return a_job(
            "AB"[self.dice(2)],
            payload=b"%d" % self.rolls,
            delay=(0, 0, SECOND)[self.dice(3)],
            unique=key if self.dice(5) else None,
        )

    def settlement(self, job: StoredJob) -> Settlement:
        if self.dice(4) == 0:
            return succeed(job, children=(self.bench.named(self.job()),))
        return list(SETTLEMENTS.values())[self.dice(len(SETTLEMENTS))][0](job)

    def note(self, result: Any) -> None:
        if isinstance(result, Exception):
            raise result
        if isinstance(result, Claimed):
            assert not result.lanes_unknown
            for worker in self.workers:
                self.held[worker.name] += [job for job in result.jobs if job.worker == worker.name]
        elif isinstance(result, tuple):
            answers = cast("tuple[object, ...]", result)  # of what, isinstance does not tell
            self.known += [answer for answer in answers if isinstance(answer, str)]  # of a push
            del self.known[:-200]

    def end(self, state: JobState, jobs: Sequence[StoredJob]) -> None:
        """End all that live: waiting ones are cancelled, running ones deleted."""
        kind = Delete if state is JobState.RUNNING else Cancel
        self.bench.store.run_many(
            [kind(queue=QUEUE, id=job.id) for job in jobs], now=self.bench.now
        )


@only_with(
    Capability.UNIQUE_KEYS,
    Capability.RETENTION,
    Capability.PREFETCH,
    Capability.CHILDREN,
    Capability.CANCELS,
    Capability.DELETES,
    Capability.RESCHEDULES,
)
class Leaking:
    """What a long life leaves behind."""

    operations: ClassVar[int] = 2_000  # a faster store may do more

    def test_random_operations_leave_no_key_behind(self, bench: Bench) -> None:
        """B21, B22: at any moment keys and holders agree; when all has ended, all are free."""
        crowd = Crowd(bench, seed=1)
        for number in range(self.operations // ROUND):
            crowd.round()
            if number % 10 == 0:
                assert bench.breaches() == []

        held = sum(bench.holder(unique(f"A|{number}")) is not None for number in range(KEYS))
        for state in (*sorted(WAITING), JobState.RUNNING):
            crowd.end(state, bench.page(state))

        assert held > 0
        assert bench.breaches() == []
        keys = [unique(f"A|{number}", on_conflict="raise") for number in range(KEYS)]
        answers = [bench.run(bench.pushing(a_job(unique=key))) for key in keys]
        assert [answer for answer in answers if isinstance(answer, KeyTaken)] == []
