"""What users do to a job while a worker does something with it, in every order, sent twice."""

from __future__ import annotations

import pytest

from jobkit.record import ENDED, WAITING, JobState
from jobkit.store import Cancel, Capability, Delete, Operation, Reschedule, SetPriority
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import HOUR, LEASE, SETTLEMENTS, a_job, succeed
from jobkit_testing.conformance.capable import only_with

State = JobState | None
WAITS = (JobState.SCHEDULED, JobState.QUEUED, JobState.RETRYING)

USERS = ("cancel", "delete", "reschedule", "run now", "retry", "set priority")
WORKERS = ("claim", "beat", "lose", *SETTLEMENTS)
# U: what the user does, W: what the worker does; a step that stands twice is sent twice.
ORDERS = ("UUWW", "WWUU", "UWU", "WUW")


def what_a_user_asks(user: str, queue: str, job_id: str, *, later: int) -> Operation[object]:
    """Return the operation on a job."""
    match user:
        case "cancel":
            return Cancel(queue=queue, id=job_id)
        case "delete":
            return Delete(queue=queue, id=job_id)
        case "reschedule":
            return Reschedule(queue=queue, id=job_id, of=WAITING | ENDED, run_at=later)
        case "run now":
            return Reschedule(queue=queue, id=job_id, of=WAITING)
        case "retry":
            return Reschedule(queue=queue, id=job_id, of=ENDED)
        case _:
            return SetPriority(queue=queue, id=job_id, priority=3)


class Crossing:
    """One job of a queue of its own, and what must have become of it."""

    def __init__(self, bench: Bench, queue: str, user: str, worker: str) -> None:
        self.bench = bench
        self.queue = queue
        self.user = user
        self.worker = worker
        self.ann, self.bob = (bench.worker(name, queue=queue) for name in ("ann", "bob"))
        self.id = bench.push_one(a_job(queue=queue))
        self.state: State = JobState.QUEUED
        self.is_marked = False  # a cancel has reached it while it ran
        self.claim = self.ann.claiming()
        if worker != "claim":
            (self.job,) = bench.run(self.claim).jobs
            self.state = JobState.RUNNING
        self.asked = what_a_user_asks(user, queue, self.id, later=bench.now + HOUR)
        self.work = {"claim": self._claim, "beat": self._beat, "lose": self._lose}.get(
            worker, self._settle
        )

    def step(self, who: str) -> None:
        """Let one of the two do its part, and note what that must come to."""
        if who == "W":
            self.work()
        else:
            self.bench.run(self.asked)
            self.state = self._after_user()
        job = self.bench.find(self.id, queue=self.queue)
        found = None if job is None else job.state
        assert found is self.state, f"{self.user}, {self.worker}: {found}, not {self.state}"

    def _after_user(self) -> State:
        state = self.state
        match self.user:
            case "delete":
                return None
            case "cancel" if state in WAITS:
                return JobState.CANCELLED
            case "cancel" if state is JobState.RUNNING:
                self.is_marked = True
            case "reschedule" if state in WAITING | ENDED:
                return state if state is JobState.RETRYING else JobState.SCHEDULED
            case "run now" if state in WAITS:
                return JobState.QUEUED
            case "retry" if state in ENDED:
                return JobState.QUEUED
            case _:
                pass
        return state

    def _claim(self) -> None:
        self.bench.run(self.claim)
        if self.state is JobState.QUEUED:
            self.state = JobState.RUNNING

    def _beat(self) -> None:
        beat = self.ann.beat(self.job)
        assert beat.deleted == (() if self.state else (self.id,))
        assert beat.cancelled == ((self.id,) if self.is_marked and self.state else ())
        assert beat.lost == ()

    def _lose(self) -> None:
        self.bench.live(LEASE, self.bob)
        self.bob.claim(0)
        if self.state is JobState.RUNNING:
            self.state = JobState.CANCELLED if self.is_marked else JobState.QUEUED

    def _settle(self) -> None:
        settlement, target = SETTLEMENTS[self.worker]
        self.ann.settle(settlement(self.job))
        if self.state is JobState.RUNNING:
            self.state = JobState.CANCELLED if self.is_marked else target


class Crossings:
    """Tests of users' operations across those of workers."""

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("user", USERS)
    def test_whoever_comes_first_wins(self, bench: Bench, user: str, order: str) -> None:
        """B44, B45, B46: the job is where the table of moves leads, and nobody can tell copies."""
        for number, worker in enumerate(WORKERS):
            crossing = Crossing(bench, f"q{number}", user, worker)

            for who in order:
                crossing.step(who)

            assert bench.store.audit(crossing.queue) == []

    @only_with(Capability.RESCHEDULES)
    @pytest.mark.parametrize("worker", SETTLEMENTS)
    def test_a_late_settlement_changes_nothing_of_another_life(
        self, bench: Bench, worker: str
    ) -> None:
        """B38, B45: of a job that was retried, and claimed by somebody else."""
        settlement, _ = SETTLEMENTS[worker]
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        ann.settle(settlement(job))
        bench.run(Reschedule(queue="q", id=job.id, of=WAITING | ENDED))
        again = bob.take_one()

        (late,) = ann.settle(settlement(job))

        assert late.verdict == "lost"
        assert bench.get(job.id) == again
        assert bob.settle_one(succeed(again)).verdict == "ok"
