"""While a worker has nothing to do, its next claims wait in the store, behind the next hint."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest

from jobkit import BackendUnavailable, Hooks, JobHandle, JobState, MemoryJobs
from jobkit.redis.store import RedisStore
from jobkit.store import (
    Answer,
    Claim,
    Heartbeat,
    Here,
    Lane,
    LaneSet,
    Operation,
    PatientWaiter,
    Settle,
    Store,
    WaitsThenRuns,
)
from jobkit.worker import WorkingJobs
from jobkit.worker.pump import Pump
from tests.e2e.backends import MakeJobs, breaches, store_of
from tests.e2e.handling import calling, collecting, do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually, heard

MINUTE = timedelta(minutes=1)
POLL = timedelta(seconds=30)
AT_ONCE = 3.0  # seconds; it takes milliseconds, on a machine that is not busy


class Patient(WaitsThenRuns):
    """Carries out what stands by; `after` has the last word on what it answers."""

    def __init__(self, store: Store, worker: str, after: Callable[[list[Any]], list[Any]]) -> None:
        super().__init__(store, store.waiter(worker))
        self._after = after
        self.stands = 0

    def wait_and_run(
        self, queues: Sequence[str], timeout: float, operations: Sequence[Operation[Any]]
    ) -> list[Any] | None:
        self.stands += bool(operations)
        results = super().wait_and_run(queues, timeout, operations)
        return results and self._after(results)


class Watched:
    """A store that tells what the pump asks, and what stands by."""

    def __init__(self, store: Store, after: Callable[[list[Any]], list[Any]] = list) -> None:
        self._store = store
        self._after = after
        self.asked: list[Operation[Any]] = []
        self.patient: list[Patient] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        self.asked += operations
        return Here(self._store.run_many(operations, now=now))

    def patient_waiter(self, worker: str) -> PatientWaiter:
        self.patient.append(Patient(self._store, worker, self._after))
        return self.patient[0]

    def claims(self) -> list[Claim]:
        """Return the claims that the pump sent itself."""
        return [each for each in self.asked if isinstance(each, Claim)]

    def stands_by(self, times: int = 1) -> None:
        """Wait until claims have stood by so often."""
        eventually(lambda: self.patient and self.patient[0].stands >= times)


def watched(jobs: WorkingJobs, after: Callable[[list[Any]], list[Any]] = list) -> Watched:
    """Give a backend a store that can be watched."""
    store = Watched(store_of(jobs), after)
    vars(jobs)["_store"] = store
    return store


def test_a_job_that_comes_to_an_idle_worker_needs_no_claim_of_the_pump(jobs: WorkingJobs) -> None:
    """B13: nor does its settlement bring one along."""
    store = watched(jobs)
    ran: list[int] = []
    jobs.register(collecting(ran), job=Ping)
    jobs.start(poll=POLL)
    store.stands_by()
    before = len(store.claims())

    for n in range(5):
        handle = jobs.enqueue(Ping(n))
        handle.wait(MINUTE)
        store.stands_by(n + 2)

    assert ran == [0, 1, 2, 3, 4]
    assert len(store.claims()) == before
    assert sum(isinstance(each, Settle) for each in store.asked) == 5


def test_redis_carries_out_a_claim_in_the_moment_of_the_hint(
    redis_make: MakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B13: the pump's own connection asks for nothing between the hint and the job."""
    claims: list[Claim] = []
    send = RedisStore.begin

    def begin(
        self: RedisStore, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> Answer:
        claims.extend(each for each in operations if isinstance(each, Claim))
        return send(self, operations, now=now)

    monkeypatch.setattr(RedisStore, "begin", begin)
    jobs = redis_make()
    ran: list[int] = []
    jobs.register(collecting(ran), job=Ping)
    jobs.start(poll=POLL)
    jobs.drain(timeout=MINUTE)
    jobs.enqueue(Ping(0)).wait(MINUTE)  # from here on the server knows all scripts
    eventually(lambda: stands_by(jobs))
    before = list(claims)

    jobs.enqueue(Ping(1)).wait(MINUTE)

    assert ran == [0, 1]
    assert claims == before


def stands_by(jobs: WorkingJobs) -> bool:
    """Tell whether the worker's next claims wait in the store."""
    pump = cast(Pump, vars(jobs.worker)["_pump"])
    return pump.claiming.standby.has_claims


def test_jobs_whose_answer_was_lost_run_once() -> None:
    """B39: the pump sends the claim again, and is told the same."""
    lost = 0

    def lose(results: list[Any]) -> list[Any]:
        nonlocal lost
        if any(claimed.jobs for claimed in results) and lost < 3:
            lost += 1
            raise BackendUnavailable("the reply was lost", stored="unknown")
        return results

    with MemoryJobs() as jobs:
        store = watched(jobs, lose)
        runs = Counter[int]()
        jobs.register(calling(lambda job: runs.update([job.n])), job=Ping)
        jobs.start(poll=POLL)
        for n in range(3):
            eventually(lambda: stands_by(jobs))
            jobs.enqueue(Ping(n)).wait(MINUTE)

        assert store.patient[0].stands
        assert lost
        assert runs == Counter(range(3))
        assert breaches(jobs) == []


class Late:
    """Keeps back the first answer that has news, until it may come."""

    def __init__(self) -> None:
        self.is_held = threading.Event()
        self.may_come = threading.Event()

    def hold(self, results: list[Any]) -> list[Any]:
        has_news = any(claimed.jobs or claimed.ended for claimed in results)
        if has_news and not self.is_held.is_set():
            self.is_held.set()
            heard(self.may_come)
        return results


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Late:
    """Have a worker that does not wait long for an answer that is late."""
    monkeypatch.setattr("jobkit.worker.claiming.GRACE", 0.05)
    return Late()


def test_an_answer_that_comes_too_late_brings_no_job_twice(late: Late) -> None:
    """B13: the pump has asked meanwhile, and has been told the same."""
    with MemoryJobs() as jobs:
        store = watched(jobs, late.hold)
        runs = Counter[int]()
        jobs.register(calling(lambda job: runs.update([job.n])), job=Ping)
        jobs.start(poll=timedelta(seconds=0.1))
        store.stands_by()
        jobs.enqueue(Ping(0)).wait(MINUTE)  # by the copy that the pump sends
        heard(late.is_held)
        jobs.enqueue(Ping(1)).wait(MINUTE)
        late.may_come.set()
        for n in range(2, 6):
            jobs.enqueue(Ping(n)).wait(MINUTE)

        assert runs == Counter(range(6))
        assert breaches(jobs) == []


def test_what_only_the_late_answer_knows_is_told(late: Late) -> None:
    """B36: that a claim ended a job whose worker was lost, and that was to be cancelled."""
    with MemoryJobs() as jobs:
        store = watched(jobs, late.hold)
        cancelled: list[str] = []
        jobs.hooks(Hooks(on_cancel=lambda record, attempt: cancelled.append(record.id)))
        jobs.register(do_nothing, job=Ping)
        lost = jobs.enqueue(Ping(0))
        claimed_by_somebody(store_of(jobs), lost.record().type, lost.id)
        lost.cancel()
        jobs.start(poll=timedelta(seconds=0.1))

        heard(late.is_held)
        asked = len(store.claims())
        eventually(lambda: len(store.claims()) > asked + 1)
        assert (lost.record().state, cancelled) == (JobState.CANCELLED, [])
        late.may_come.set()

        eventually(lambda: cancelled == [lost.id])


def claimed_by_somebody(store: Store, name: str, job_id: str) -> None:
    """Let another worker claim a job for a moment, and never be seen again."""
    lanes = LaneSet(key="bob", lanes={name: Lane(group=name)})
    length = 100
    store.run(Heartbeat(queue="default", worker="bob", lanes=lanes, lease=length))
    claim = Claim(
        queue="default", worker="bob", version="", request=1, lanes=lanes, slots=1, lease=length
    )
    claimed = store.run(claim)
    assert [job.id for job in claimed.jobs] == [job_id]


def test_a_stop_learns_what_a_claim_took_that_stood_by() -> None:
    """B52: nothing is left to run out with its lease."""
    with MemoryJobs() as jobs:
        ran: list[int] = []
        jobs.register(collecting(ran), job=Ping)
        entered, may_stop = threading.Event(), threading.Event()

        def swallow(results: list[Any]) -> list[Any]:
            if any(claimed.jobs for claimed in results):
                entered.set()
                heard(may_stop)
                raise BackendUnavailable("the reply was lost", stored="unknown")
            return results

        store = watched(jobs, swallow)
        jobs.start(poll=POLL)
        store.stands_by()
        handle = jobs.enqueue(Ping(1))
        heard(entered)
        assert handle.record().state is JobState.RUNNING

        threading.Timer(0.05, may_stop.set).start()
        jobs.shutdown(timeout=timedelta(0))

        assert (handle.record().state, handle.record().losses) == (JobState.QUEUED, 0)
        assert ran == []
        assert breaches(jobs) == []


def test_a_stop_without_a_store_listens_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """B52: it would wait for a listener that connects anew to a store that is frozen."""
    with MemoryJobs() as jobs:
        jobs.register(do_nothing, job=Ping)
        store = watched(jobs)
        jobs.start(poll=POLL)
        store.stands_by()
        pump = cast(Pump, vars(jobs.worker)["_pump"])

        def fail(operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
            raise BackendUnavailable("it is frozen", stored="unknown")

        listened: list[float] = []
        monkeypatch.setattr(pump.claiming, "listen", listened.append)
        monkeypatch.setattr(store, "begin", fail)
        jobs.shutdown(timeout=timedelta(0))

        assert listened == []


@pytest.mark.parametrize("prefetch", [0, 4])
def test_claims_that_stand_by_take_no_more_than_there_is_room_for(prefetch: int) -> None:
    """B13: together with those that the pump sends."""
    with MemoryJobs() as jobs:
        gate = Gate()
        store = watched(jobs)
        jobs.register(gate.handle, job=Ping)
        jobs.start(concurrency=3, prefetch=prefetch, poll=timedelta(seconds=0.02))
        store.stands_by()

        handles = [jobs.enqueue(Ping(n)) for n in range(40)]
        gate.wait_for(3)
        eventually(lambda: running(handles) > min(prefetch, 3) + 2)  # a batch more

        assert running(handles) <= 3 + prefetch
        gate.open()
        jobs.drain(timeout=MINUTE)
        assert (gate.most, gate.passed) == (3, 40)


def running(handles: list[JobHandle[Ping]]) -> int:
    """Return how many jobs are claimed."""
    return sum(handle.record().state is JobState.RUNNING for handle in handles)


def test_a_worker_that_a_claim_filled_hears_of_the_next_job_if_it_has_room(
    jobs: WorkingJobs,
) -> None:
    """B13: the claim stood by since before there was more room."""
    first, others = Gate(), Gate()
    jobs.register(first.handle, job=Ping)
    jobs.register(others.handle, job=Pong)
    jobs.start(concurrency=2, poll=POLL)
    handle = jobs.enqueue(Ping())
    first.wait_for(1)
    eventually(lambda: stands_by(jobs))  # for the one slot that is left
    first.open()
    handle.wait(MINUTE)

    jobs.enqueue(Pong())
    others.wait_for(1, within=AT_ONCE)
    jobs.enqueue(Pong())

    others.wait_for(2, within=AT_ONCE)
    others.open()


def test_a_drain_that_waits_for_a_job_hears_of_others(jobs: WorkingJobs) -> None:
    """B13, B53: of all that come, not of the first one alone."""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.start(concurrency=4, poll=POLL)
    jobs.enqueue(Ping())
    gate.wait_for(1)
    drain = threading.Thread(target=partial(jobs.drain, timeout=MINUTE))
    drain.start()

    for n in range(2, 5):
        jobs.enqueue(Ping())
        gate.wait_for(n, within=AT_ONCE)

    gate.open()
    drain.join()
