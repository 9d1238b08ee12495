"""Where it makes no difference to what can be claimed, a worker claims first and settles then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from jobkit import BackendUnavailable, JobContext, JobHandle, JobState, MemoryJobs
from jobkit.store import Answer, Claim, Claimed, Here, Operation, Settle, Store
from jobkit.worker import WorkingJobs
from jobkit.worker.helm import Helm
from tests.e2e.backends import breaches, store_of
from tests.e2e.handling import calling, collecting, do_nothing
from tests.e2e.jobtypes import Alone, Flaky, Ping, Pong
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)
Request = Sequence[Operation[Any]]


class Lost:
    """An answer that is lost on its way."""

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Raise."""
        raise BackendUnavailable("the reply was lost", stored="unknown")


class Sending:
    """Carries out what is sent, and keeps it.

    `loses`: the answers to which settlements that go alone. `refuses`: which of these are not
    carried out. `is_full`: no claim is. `brought`: how many jobs, by request.
    """

    def __init__(
        self,
        store: Store,
        *,
        loses: frozenset[int] = frozenset(),
        refuses: frozenset[int] = frozenset(),
    ) -> None:
        self._store = store
        self._loses = loses
        self._refuses = refuses
        self.is_full = False
        self.refused_claims = 0
        self.alone = 0
        self.requests: list[Request] = []
        self.brought: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        self.requests.append(operations)
        if is_alone := all(isinstance(each, Settle) for each in operations):
            self.alone += 1
            if self.alone in self._refuses:
                return Here([BackendUnavailable("full", stored="no") for _ in operations])
        results = [self._outcome(each, now) for each in operations]
        self.brought.append(sum(len(each.jobs) for each in results if isinstance(each, Claimed)))
        return Lost() if is_alone and self.alone in self._loses else Here(results)

    def _outcome(self, operation: Operation[Any], now: int | None) -> Any:
        if self.is_full and isinstance(operation, Claim):
            self.refused_claims += 1
            return BackendUnavailable("full", stored="no")
        return self._store.run_many([operation], now=now)[0]

    def shapes(self) -> set[str]:
        """Return which operations of these two kinds went together, in their order."""
        kinds = Settle, Claim
        return {
            " ".join(type(each).__name__.lower() for each in request if isinstance(each, kinds))
            for request in self.requests
        }


def sending(jobs: WorkingJobs, **options: Any) -> Sending:
    """Give a backend a store that can send without waiting."""
    store = Sending(store_of(jobs), **options)
    vars(jobs)["_store"] = store
    return store


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pump run all jobs, as where they are quick: its mate never has to go on."""

    def always(helm: Helm) -> bool:
        return True

    def keep(helm: Helm, work: Callable[[], object]) -> bool:
        work()
        return True

    monkeypatch.setattr(Helm, "may_be_left", always)
    monkeypatch.setattr(Helm, "leave_for", keep)


@pytest.mark.usefixtures("quick")
def test_plain_successes_are_settled_behind_the_claim_for_their_slots() -> None:
    """B13: a slot is free when its handler has ended."""
    with MemoryJobs() as jobs:
        store = sending(jobs)
        jobs.register(do_nothing, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(12))

        jobs.start(concurrency=4)
        jobs.drain(timeout=MINUTE)

        assert sum(store.brought) == 12
        assert store.shapes() <= {"", "claim", "settle"}
        first = next(i for i, request in enumerate(store.requests) if _settles(request))
        assert sum(store.brought[:first]) > 4  # the first ones were not settled by then
        assert breaches(jobs) == []


def _settles(request: Request) -> bool:
    return any(isinstance(each, Settle) for each in request)


def enqueuing(job: Ping, ctx: JobContext) -> None:
    """Leave a job that can be claimed once this one is settled."""
    ctx.enqueue(Pong(job.n))


def failing(job: Flaky) -> None:
    """Fail."""
    raise RuntimeError("on purpose")


def with_children(jobs: WorkingJobs) -> None:
    jobs.register(enqueuing, job=Ping)
    jobs.register(do_nothing, job=Pong)
    jobs.enqueue_many(Ping(n) for n in range(8))


def with_failures(jobs: WorkingJobs) -> None:
    jobs.register(failing, job=Flaky)
    jobs.enqueue_many((Flaky(n) for n in range(8)), max_retries=0)


def with_a_limit(jobs: WorkingJobs) -> None:
    jobs.register(do_nothing, job=Alone)
    jobs.enqueue_many(Alone(n) for n in range(8))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fill", [with_children, with_failures, with_a_limit])
def test_what_may_let_something_in_is_settled_before_the_claim(
    fill: Callable[[WorkingJobs], None],
) -> None:
    """B13, B25: else the claim would miss what has just become free."""
    with MemoryJobs() as jobs:
        store = sending(jobs)
        fill(jobs)

        jobs.start(concurrency=2)
        jobs.drain(timeout=MINUTE)

        assert "settle claim" in store.shapes()
        assert breaches(jobs) == []


@pytest.mark.usefixtures("quick")
def test_with_one_slot_a_job_finds_the_one_before_it_settled() -> None:
    """B13, B21: its record says so, and its unique key is free."""
    with MemoryJobs() as jobs:
        store = sending(jobs)
        handles: list[JobHandle[Ping]] = []
        states: list[JobState] = []
        jobs.register(calling(lambda _: states.extend(h.record().state for h in handles)), job=Ping)
        handles += jobs.enqueue_many(Ping(n) for n in range(8))

        jobs.start(concurrency=1)
        jobs.drain(timeout=MINUTE)

        assert store.shapes() <= {"", "claim", "settle claim", "settle"}
        found = [states[8 * n : 8 * n + n] for n in range(8)]
        assert found == [[JobState.SUCCEEDED] * n for n in range(8)]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", ["loses", "refuses"])
def test_settlements_that_trail_are_sent_again(fault: str) -> None:
    """B39: whatever becomes of them, and of their answer; no job runs twice."""
    with MemoryJobs() as jobs:
        store = sending(jobs, **{fault: frozenset({1, 2})})
        runs = Counter[int]()
        jobs.register(calling(lambda job: runs.update([job.n])), job=Ping)
        handles = jobs.enqueue_many(Ping(n) for n in range(200))

        jobs.start(concurrency=3)
        jobs.drain(timeout=MINUTE)

        assert store.alone >= 2
        assert runs == Counter(range(200))
        assert {handle.record().state for handle in handles} == {JobState.SUCCEEDED}
        assert breaches(jobs) == []


@pytest.mark.usefixtures("quick")
def test_a_store_that_takes_settlements_only_is_not_taken_for_mended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B39: it is asked ever less often, and told of once."""
    with MemoryJobs() as jobs:
        store = sending(jobs)
        ran: list[int] = []

        def fill_up(job: Ping) -> None:
            store.is_full = store.is_full or not ran
            ran.append(job.n)

        jobs.register(fill_up, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(4))
        jobs.start(concurrency=2)
        eventually(lambda: store.refused_claims > 3)

        assert "is back" not in caplog.text
        assert [each.message for each in caplog.records if "tries again" in each.message] == [
            "full; the worker pauses and tries again"
        ]
        store.is_full = False
        jobs.drain(timeout=MINUTE)
        assert ran == [0, 1, 2, 3]
        assert breaches(jobs) == []


class OneAtATime(Sending):
    """Refuses a request while another one is under way, as a Redis that has clients enough.

    `refused`: how many.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.refused = 0
        self._is_taken = False

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        if self._is_taken:
            self.refused += 1
            raise BackendUnavailable("max number of clients reached", stored="no")
        answer = super().begin(operations, now=now)
        self._is_taken = True
        return OfOne(self, answer)

    def free(self) -> None:
        self._is_taken = False


class OfOne:
    """An answer that lets the next request go once it was waited for."""

    def __init__(self, store: OneAtATime, answer: Answer) -> None:
        self._store = store
        self._answer = answer

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Return it."""
        self._store.free()
        return self._answer.wait(awake=awake)


@pytest.mark.usefixtures("quick")
def test_where_no_second_request_may_go_it_is_tried_ever_more_rarely() -> None:
    """B39: what has ended is settled all the same, before ever more jobs wait for that."""
    with MemoryJobs() as jobs:
        store = OneAtATime(store_of(jobs))
        vars(jobs)["_store"] = store
        runs = Counter[int]()
        unsettled: list[int] = []

        def note(job: Ping) -> None:
            runs[job.n] += 1
            worker = jobs.worker
            assert worker is not None
            unsettled.append(sum(runs.values()) - worker.counts["succeeded"])

        jobs.register(note, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(400))

        jobs.start(concurrency=4)
        jobs.drain(timeout=MINUTE)

        assert runs == Counter(range(400))
        assert 0 < store.refused < 10
        assert max(unsettled) <= 16
        assert breaches(jobs) == []


class Breaking(Sending):
    """Loses all that is under way, once: right after the fifth settlements that went alone.

    `broken`: the answers to how many requests, the first ones, are lost if nobody has them.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.broken = 0

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        answer = super().begin(operations, now=now)
        if self.alone == 5 and not self.broken:
            self.broken = len(self.requests)
        return OfBreaking(self, answer, len(self.requests))


class OfBreaking:
    """An answer that may be lost until it is waited for."""

    def __init__(self, store: Breaking, answer: Answer, number: int) -> None:
        self._store = store
        self._answer = answer
        self._number = number

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Return it, or raise."""
        if self._number <= self._store.broken:
            return Lost().wait()
        return self._answer.wait(awake=awake)


@pytest.mark.usefixtures("quick")
def test_a_loss_of_claims_and_of_what_trails_is_one_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B39: the worker does not rest twice because a broken line was two of its own."""
    with MemoryJobs() as jobs:
        store = Breaking(store_of(jobs))
        vars(jobs)["_store"] = store
        jobs.register(do_nothing, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(100))

        jobs.start(concurrency=2)
        jobs.drain(timeout=MINUTE)

        assert store.alone >= 5
        assert "the store is back after 1 tries" in caplog.text
        assert breaches(jobs) == []


@pytest.mark.usefixtures("quick")
def test_a_worker_that_stops_waits_for_what_trails() -> None:
    """B52: every job that has ended is settled."""
    with MemoryJobs() as jobs:
        store = sending(jobs, loses=frozenset(range(1, 100, 2)))
        ran: list[int] = []
        jobs.register(calling(lambda job: ran.append(job.n)), job=Ping)
        handles = jobs.enqueue_many(Ping(n) for n in range(200))
        jobs.start(concurrency=2)
        eventually(lambda: store.alone > 5)

        jobs.shutdown(timeout=timedelta(seconds=10))

        states = Counter(handle.record().state for handle in handles)
        assert states[JobState.SUCCEEDED] == len(ran)
        assert states[JobState.RUNNING] == 0
        assert breaches(jobs) == []


class NotesWaits(Sending):
    """Notes of each answer whether it may be waited for awake."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.notes: list[bool] = []

    def begin(self, operations: Request, /, *, now: int | None = None) -> Answer:
        return Noted(super().begin(operations, now=now).wait(), self.notes)


class Noted(Here):
    """An answer of it."""

    def __init__(self, results: list[Any], notes: list[bool]) -> None:
        super().__init__(results)
        self._notes = notes

    def wait(self, *, awake: bool = False) -> list[Any]:
        """Return it."""
        self._notes.append(awake)
        return super().wait()


@pytest.mark.usefixtures("quick")
def test_the_pump_waits_awake_for_the_jobs_after_those_that_it_ran() -> None:
    """B13"""
    with MemoryJobs() as jobs:
        store = NotesWaits(store_of(jobs))
        vars(jobs)["_store"] = store
        jobs.register(do_nothing, job=Ping)
        jobs.enqueue_many(Ping(n) for n in range(12))

        jobs.start(concurrency=4)
        jobs.drain(timeout=MINUTE)

        assert any(store.notes)


def test_the_pump_sleeps_while_a_handler_runs_elsewhere() -> None:
    """Else it would keep the interpreter from that."""
    with MemoryJobs() as jobs:
        store = NotesWaits(store_of(jobs))
        vars(jobs)["_store"] = store
        gate = Gate()
        jobs.register(gate.handle, job=Ping)
        ran: list[int] = []
        jobs.register(collecting(ran), job=Pong)
        jobs.enqueue(Ping())

        jobs.start(concurrency=2)
        gate.wait_for(1)
        before = len(store.notes) + 1  # one may have been under way
        jobs.enqueue_many(Pong(n) for n in range(20))
        eventually(lambda: len(ran) == 20)
        busy = store.notes[before:]
        gate.open()
        jobs.drain(timeout=MINUTE)

        assert busy
        assert not any(busy)
