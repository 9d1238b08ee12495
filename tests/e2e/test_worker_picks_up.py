"""A job that comes to an idle worker is started by the thread that hears of it, not by the pump."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from jobkit import Hooks, MemoryJobs
from jobkit.store import Answer, Operation, Settle, Store, begin
from jobkit.worker import WorkingJobs
from jobkit.worker.bell import Bell
from jobkit.worker.pump import Pump
from tests.e2e.backends import MakeJobs, breaches, store_of
from tests.e2e.handling import Handler, collecting, do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually, heard

MINUTE = timedelta(minutes=1)
POLL = timedelta(seconds=30)
AT_ONCE = 3.0  # seconds; it takes milliseconds, on a machine that is not busy


class Bedside(Bell):
    """A bell that can be muffled while somebody waits for it: then nothing wakes him."""

    def __init__(self) -> None:
        super().__init__()
        self._change = threading.Condition()
        self._is_waited_for = False
        self._is_muffled = False

    def wait(self, timeout: float) -> bool:
        with self._change:
            self._is_waited_for = True
        rang = super().wait(timeout)
        with self._change:
            assert self._change.wait_for(lambda: not self._is_muffled, MINUTE.total_seconds())
            self._is_waited_for = False
        return rang

    def muffle(self) -> bool:
        """Let who waits sleep on; False if nobody waits."""
        with self._change:
            self._is_muffled = self._is_waited_for
        return self._is_muffled

    def free(self) -> None:
        """Let him hear what has rung meanwhile."""
        with self._change:
            self._is_muffled = False
            self._change.notify_all()


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Bedside:
    """Give the bell of the worker that this test starts."""
    made = Bedside()
    monkeypatch.setattr("jobkit.worker.crew.Bell", lambda: made)
    return made


@pytest.fixture
def sleepy(bell: Bedside, make_jobs: MakeJobs) -> Iterator[WorkingJobs]:
    """Give a backend whose pump sleeps as the bell says."""
    yield make_jobs()
    bell.free()


def pump_of(jobs: WorkingJobs) -> Pump:
    return cast(Pump, vars(jobs.worker)["_pump"])


def put_to_sleep(jobs: WorkingJobs, bell: Bedside) -> None:
    """Wait until claims stand by, and let the pump sleep from then on."""
    standby = pump_of(jobs).claiming.standby

    def sleeps() -> bool:
        if bell.muffle() and standby.has_claims:
            return True
        bell.free()
        return False

    eventually(sleeps)


def test_a_job_starts_while_the_pump_sleeps(sleepy: WorkingJobs, bell: Bedside) -> None:
    """B13"""
    gate = Gate()
    sleepy.register(gate.handle, job=Ping)
    sleepy.start(poll=POLL)
    put_to_sleep(sleepy, bell)

    handle = sleepy.enqueue(Ping())
    gate.wait_for(1, within=AT_ONCE)

    gate.open()
    bell.free()
    handle.wait(MINUTE)


def test_a_coroutine_starts_while_the_pump_sleeps(sleepy: WorkingJobs, bell: Bedside) -> None:
    """B13"""
    entered = threading.Event()

    async def enter(job: Ping) -> None:
        entered.set()

    sleepy.register(enter)
    sleepy.start(poll=POLL)
    put_to_sleep(sleepy, bell)

    sleepy.enqueue(Ping())

    heard(entered, within=AT_ONCE)


def test_all_jobs_of_a_batch_start_while_the_pump_sleeps(
    sleepy: WorkingJobs, bell: Bedside
) -> None:
    """B13: the thread that hears of them runs but one."""
    gate = Gate()
    sleepy.register(gate.handle, job=Ping)
    sleepy.start(poll=POLL, concurrency=4, prefetch=4)
    put_to_sleep(sleepy, bell)

    sleepy.enqueue_many([Ping(n) for n in range(6)])
    gate.wait_for(4, within=AT_ONCE)

    gate.open()
    bell.free()
    sleepy.drain(timeout=MINUTE)
    assert (gate.most, gate.passed) == (4, 6)


class Slow:
    """A store in which settlements wait until they may go on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.entered, self.may_go = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Answer:
        if any(isinstance(each, Settle) for each in operations):
            self.entered.set()
            heard(self.may_go)
        return begin(self._store, operations, now=now)


def test_a_job_that_comes_while_the_pump_is_at_work_is_left_to_it() -> None:
    """B13, B39: one thread at a time decides what was claimed, and each job runs once."""
    with MemoryJobs() as jobs:
        store = Slow(store_of(jobs))
        vars(jobs)["_store"] = store
        gate, ran = Gate(), list[int]()
        jobs.register(gate.handle, job=Pong)
        jobs.register(collecting(ran), job=Ping)
        jobs.start(poll=POLL, concurrency=2)
        first = jobs.enqueue(Pong())
        gate.wait_for(1)
        standby = pump_of(jobs).claiming.standby
        eventually(lambda: standby.has_claims)
        gate.open()
        heard(store.entered)

        second = jobs.enqueue(Ping(1))
        eventually(lambda: standby.is_free)  # the answer is here

        assert ran == []
        store.may_go.set()
        first.wait(MINUTE)
        second.wait(MINUTE)
        assert ran == [1]
        assert breaches(jobs) == []


def test_claims_stand_by_again_as_soon_as_the_job_is_settled(
    jobs: WorkingJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B13: what runs gets a moment first, but only as long as it runs."""
    monkeypatch.setattr("jobkit.worker.pump.JOBS_FIRST", MINUTE.total_seconds())
    jobs.register(do_nothing, job=Ping)
    jobs.start(poll=POLL)
    standby = pump_of(jobs).claiming.standby

    for n in range(3):
        eventually(lambda: standby.has_claims, within=AT_ONCE)
        jobs.enqueue(Ping(n)).wait(MINUTE)
    eventually(lambda: standby.has_claims, within=AT_ONCE)


async def do_nothing_async(job: Ping) -> None:
    """Handle a job in the event loop."""


@pytest.mark.parametrize("handler", [do_nothing, do_nothing_async])
def test_a_job_starts_at_once_while_hooks_hang(jobs: WorkingJobs, handler: Handler) -> None:
    """B13, B30: hooks keep no thread from those who listen, and from handlers."""
    gate = Gate()
    jobs.hooks(Hooks(on_success=lambda record, attempt: gate.enter()))
    jobs.register(handler, job=Ping)
    jobs.start(poll=POLL, concurrency=1)
    try:
        for n in range(4):  # each leaves a hook behind
            assert jobs.enqueue(Ping(n)).wait(timedelta(seconds=AT_ONCE)).state == "succeeded"
        gate.wait_for(1)
    finally:
        gate.open()
