"""Hooks that are slow, or hang: what a worker waits for, and what it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from jobkit import Hooks, JobRecord
from jobkit.record import Attempt
from jobkit.worker import WorkingJobs
from jobkit.worker.claiming import Claiming
from jobkit.worker.hookline import HookLine
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Flaky, Ping
from tests.e2e.waiting import PATIENCE, Gate, eventually, heard, seconds_of, seconds_until

MINUTE = timedelta(minutes=1)
NOTHING = timedelta(0)
AT_ONCE = 5.0  # seconds; the graces of a shutdown are half a second each


class Told:
    """Hooks that wait at a gate, then note of which jobs they were told."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.numbers: list[int] = []
        self.events: list[str] = []
        events = ("on_success", "on_retry", "on_dead", "on_cancel")
        self.hooks = Hooks(**{event: self._hook(event) for event in events})

    def _hook(self, event: str) -> Any:
        def hook(record: JobRecord[Any], attempt: Attempt | None) -> None:
            self.gate.enter()
            self.numbers.append(number_of(record))
            self.events.append(event)

        return hook


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Tell when a worker that stops waits for hooks; it does not for longer than it is given."""
    has_asked = threading.Event()

    class AskedLine(HookLine):
        def are_made(self) -> bool:
            made = super().are_made()
            has_asked.set()
            return made

    monkeypatch.setattr("jobkit.worker.crew.HookLine", AskedLine)
    monkeypatch.setattr("jobkit.worker.worker.STOP_GRACE", 0.0)
    return has_asked


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.gate.open()


def number_of(record: JobRecord[Any]) -> int:
    assert isinstance(record.payload, Ping)
    return record.payload.n


async def do_nothing_async(job: Ping) -> None:
    """Succeed, in the event loop."""


def line_of(jobs: WorkingJobs) -> HookLine:
    line: HookLine = vars(jobs.worker)["_crew"].hooks
    return line


def claiming_of(jobs: WorkingJobs) -> Claiming:
    claiming: Claiming = vars(jobs.worker)["_pump"].claiming
    return claiming


def stop(jobs: WorkingJobs, timeout: timedelta) -> threading.Thread:
    """Begin a shutdown."""
    stopping = threading.Thread(target=jobs.shutdown, kwargs={"timeout": timeout})
    stopping.start()
    eventually(lambda: jobs.worker is None)
    return stopping


def settle(jobs: WorkingJobs, told: Told, *, slots: int, number: int) -> None:
    """Run so many jobs, whose hooks take all threads that they have, and wait in line."""
    jobs.hooks(told.hooks)
    jobs.register(do_nothing, job=Ping)
    jobs.start(concurrency=slots)
    for handle in jobs.enqueue_many([Ping(n) for n in range(number)]):
        handle.wait(MINUTE)
    told.gate.wait_for(slots)


def test_shutdown_waits_for_the_hooks_of_what_it_settled(
    jobs: WorkingJobs, told: Told, asked: threading.Event
) -> None:
    """B30, B52"""
    settle(jobs, told, slots=2, number=10)

    stopping = stop(jobs, MINUTE)
    heard(asked)
    assert told.numbers == []
    told.gate.open()
    stopping.join(PATIENCE)

    assert sorted(told.numbers) == list(range(10))


@pytest.mark.usefixtures("asked")
def test_hooks_of_what_ends_while_it_stops_are_called(jobs: WorkingJobs, told: Told) -> None:
    """B30, B52: of a job that runs on, and of one that goes back and was cancelled meanwhile."""

    @jobs.register
    def run_on(job: Ping) -> None:
        eventually(lambda: jobs.worker is None)

    told.gate.open()
    jobs.hooks(told.hooks)
    jobs.start(concurrency=1, prefetch=1)
    running, ahead = jobs.enqueue_many([Ping(0), Ping(1)])
    eventually(lambda: {running.record().state, ahead.record().state} == {"running"})
    ahead.cancel()

    jobs.shutdown(timeout=MINUTE)

    assert sorted(zip(told.events, told.numbers, strict=True)) == [
        ("on_cancel", 1),
        ("on_success", 0),
    ]


def test_hooks_that_hang_cost_a_shutdown_its_time_and_are_told(
    jobs: WorkingJobs, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    """B30, B52: what was not called by then never is."""
    settle(jobs, told, slots=1, number=4)

    assert seconds_of(lambda: jobs.shutdown(timeout=timedelta(milliseconds=100))) < AT_ONCE
    told.gate.open()
    eventually(lambda: told.gate.passed == 1)

    assert "3 calls of hooks were not made, and 1 have not returned" in caplog.text
    assert len(told.numbers) <= 1


def test_a_hurried_shutdown_does_not_wait_for_hooks(jobs: WorkingJobs, told: Told) -> None:
    """B52"""
    settle(jobs, told, slots=1, number=1)
    stopping = stop(jobs, MINUTE)

    jobs.hurry()

    assert seconds_until(lambda: not stopping.is_alive()) < AT_ONCE
    assert told.numbers == []


def test_a_hook_may_shut_the_worker_down(jobs: WorkingJobs) -> None:
    """B52: it does not wait for itself."""
    took: list[float] = []
    jobs.hooks(Hooks(on_dead=lambda record, attempt: took.append(seconds_of(jobs.shutdown))))

    @jobs.register
    def fail(job: Flaky) -> None:
        raise ValueError

    jobs.start(shutdown_timeout=MINUTE)
    jobs.enqueue(Flaky(), max_retries=0)

    eventually(lambda: took)
    assert took[0] < AT_ONCE
    assert jobs.worker is None


def test_drain_that_runs_a_worker_waits_for_its_hooks(
    jobs: WorkingJobs, told: Told, asked: threading.Event
) -> None:
    """B30, B53: the process may end right after."""
    jobs.hooks(told.hooks)
    jobs.register(do_nothing, job=Ping)
    jobs.enqueue_many([Ping(n) for n in range(20)])

    def open_when_it_waits() -> None:
        heard(asked)
        told.gate.open()

    opening = threading.Thread(target=open_when_it_waits)
    opening.start()

    report = jobs.drain(timeout=MINUTE)
    opening.join(PATIENCE)

    assert report.succeeded == 20
    assert sorted(told.numbers) == list(range(20))


@pytest.mark.parametrize("handler", [do_nothing, do_nothing_async])
def test_slow_hooks_hold_the_worker_back(jobs: WorkingJobs, handler: Any) -> None:
    """B13, B30: what waits for a hook takes memory, so it is bounded; and nothing is left out."""
    called, longest, gate = list[int](), list[int](), Gate()

    def on_success(record: JobRecord[Any], attempt: Attempt | None) -> None:
        gate.enter()
        longest.append(vars(line)["_length"])
        called.append(number_of(record))

    jobs.hooks(Hooks(on_success=on_success))
    jobs.register(handler, job=Ping)
    jobs.enqueue_many([Ping(n) for n in range(150)])
    jobs.start(concurrency=2, poll=timedelta(milliseconds=10))
    line, claiming = line_of(jobs), vars(claiming_of(jobs))
    eventually(lambda: line.is_full)
    turn: int = claiming["_turn"]
    eventually(lambda: claiming["_turn"] > turn + 3)  # it has looked again
    gate.open()

    jobs.drain(timeout=MINUTE)
    eventually(lambda: len(called) == 150)
    assert sorted(called) == list(range(150))
    assert line.most <= max(longest) < 2 * line.most


def test_hooks_that_all_hang_do_not_keep_jobs_from_running(
    jobs: WorkingJobs, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """B13, B30: once they are known to hang; a death is logged all the same."""
    monkeypatch.setattr("jobkit.worker.hookline.HANG", 0.1)
    jobs.hooks(told.hooks)
    jobs.register(do_nothing, job=Ping)

    @jobs.register
    def fail(job: Flaky) -> None:
        raise ValueError("no good")

    jobs.start(concurrency=1, poll=timedelta(milliseconds=10))

    handles = jobs.enqueue_many([Ping(n) for n in range(60)])
    assert [handle.wait(MINUTE).state for handle in handles] == ["succeeded"] * 60
    dead = jobs.enqueue(Flaky(), max_retries=0)
    assert dead.wait(MINUTE).state == "dead"

    eventually(lambda: f"job {dead.id} (e2e.Flaky) is dead" in caplog.text)
    assert "hooks hang" in caplog.text
    told.gate.open()
    eventually(line_of(jobs).are_made)
    assert told.numbers == list(range(len(told.numbers)))
    assert len(told.numbers) < 60
    after = jobs.enqueue(Ping(99))
    after.wait(MINUTE)
    eventually(lambda: told.numbers[-1] == 99)
