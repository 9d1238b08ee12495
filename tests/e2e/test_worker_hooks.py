"""Middleware and hooks around the handlers of a real worker."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

import jobkit
from jobkit import Handlers, Hooks, JobContext, JobRecord, Snooze, current_job
from jobkit.record import Attempt
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import do_nothing, looking, returning
from tests.e2e.jobtypes import Flaky, Ping, Pong
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)
TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")

Call = tuple[str, JobRecord[Any], Attempt | None]


class Listening:
    """Notes every call of a hook."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        events = ("on_start", "on_success", "on_retry", "on_dead", "on_cancel")
        self.hooks = Hooks(**{event: self._note(event) for event in events})

    def _note(self, event: str) -> Callable[[JobRecord[Any], Attempt | None], None]:
        return lambda record, attempt: self.calls.append((event, record, attempt))

    @property
    def events(self) -> list[str]:
        return [event for event, _, _ in self.calls]

    def wait_for(self, number: int) -> list[Call]:
        """Wait for so many calls; hooks run after the move is stored."""
        eventually(lambda: len(self.calls) >= number)
        return self.calls


def test_a_success_is_told_once_with_the_record_as_it_is_stored(jobs: WorkingJobs) -> None:
    """B30"""
    listening = Listening()
    jobs.hooks(listening.hooks)
    jobs.register(returning({"sum": 3}), job=Ping)
    jobs.start()

    handle = jobs.enqueue(Ping(7), metadata={"user": "ann"}, priority=5)
    started, succeeded = listening.wait_for(2)
    jobs.drain(timeout=MINUTE)

    assert listening.events == ["on_start", "on_success"]
    assert started[1].state == "running"
    assert started[1].payload == Ping(7)
    assert started[2] is None
    assert succeeded[1] == handle.record()
    assert succeeded[2] == handle.record().attempts[-1]
    assert succeeded[1].result == {"sum": 3}
    assert succeeded[1].metadata == {"user": "ann"}


def test_each_retry_and_the_death_are_told_with_their_attempts(jobs: WorkingJobs) -> None:
    """B30"""
    listening = Listening()
    jobs.hooks(listening.hooks)

    @jobs.register
    def fail(job: Flaky, ctx: JobContext) -> None:
        raise ValueError(f"no {ctx.attempt}")

    jobs.start()
    handle = jobs.enqueue(Flaky(), max_retries=2)
    calls = listening.wait_for(6)
    jobs.drain(timeout=MINUTE)
    ends = [call for call in calls if call[0] != "on_start"]

    assert sorted(listening.events) == ["on_dead", "on_retry", "on_retry", *["on_start"] * 3]
    assert [event for event, _, _ in ends] == ["on_retry", "on_retry", "on_dead"]
    assert [attempt and attempt.message for _, _, attempt in ends] == ["no 1", "no 2", "no 3"]
    assert [record.state for _, record, _ in ends] == ["retrying", "retrying", "dead"]
    assert [record.retries_left for _, record, _ in ends] == [1, 0, 0]
    assert ends[-1][1] == handle.record()


def test_a_cancel_of_a_running_job_is_told_with_the_record_as_it_is_stored(
    jobs: WorkingJobs,
) -> None:
    """B30, B44"""
    listening, gate = Listening(), Gate()
    jobs.hooks(listening.hooks)

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        gate.enter()

    jobs.start()
    handle = jobs.enqueue(Ping())
    gate.wait_for(1)
    handle.cancel()
    gate.open()
    _, cancelled = listening.wait_for(2)
    stored = handle.record()

    assert cancelled[0] == "on_cancel"
    assert cancelled[1].state == "cancelled"
    assert [attempt.outcome for attempt in cancelled[1].attempts] == ["cancelled"]
    assert cancelled[1].attempts == stored.attempts
    assert cancelled[2] == stored.attempts[-1]


def test_a_cancel_is_told_of_a_job_of_which_no_record_is_kept(jobs: WorkingJobs) -> None:
    """B30, B44"""
    listening, gate = Listening(), Gate()
    jobs.hooks(listening.hooks)

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        gate.enter()

    jobs.start()
    handle = jobs.enqueue(Ping(7), retention=timedelta(0))
    gate.wait_for(1)
    handle.cancel()
    gate.open()
    _, (event, record, attempt) = listening.wait_for(2)

    assert (event, record.state, record.payload) == ("on_cancel", "cancelled", Ping(7))
    assert [each.outcome for each in record.attempts] == ["cancelled"]
    assert attempt == record.attempts[-1]


def test_a_cancel_of_a_waiting_job_is_told_where_it_was_asked_for(jobs: WorkingJobs) -> None:
    """B30, B44"""
    listening = Listening()
    jobs.hooks(listening.hooks)
    jobs.register(do_nothing, job=Ping)

    handle = jobs.enqueue(Ping())
    handle.cancel()
    handle.cancel()

    assert listening.events == ["on_cancel"]
    assert listening.calls[0][1] == handle.record()
    assert listening.calls[0][2] is None


def test_a_snooze_is_no_event(jobs: WorkingJobs) -> None:
    """B30, B35"""
    listening = Listening()
    jobs.hooks(listening.hooks)
    seen: list[int] = []

    @jobs.register
    def once_more(job: Ping) -> Snooze | None:
        seen.append(1)
        return None if len(seen) > 1 else Snooze(timedelta(0))

    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)
    listening.wait_for(3)

    assert sorted(listening.events) == ["on_start", "on_start", "on_success"]


@pytest.mark.parametrize("error", [ValueError("hook"), SystemExit(1), KeyboardInterrupt()])
@pytest.mark.parametrize("how", ["sync", "async"])
def test_an_error_in_a_hook_changes_nothing(
    jobs: WorkingJobs, error: BaseException, how: str
) -> None:
    """B30"""

    def fail(record: JobRecord[Any], attempt: Attempt | None) -> None:
        raise error

    async def run_async(job: Ping) -> None:
        pass

    jobs.hooks(Hooks(on_start=fail, on_success=fail, on_retry=fail, on_dead=fail, on_cancel=fail))
    listening = Listening()
    jobs.hooks(listening.hooks)
    jobs.register((do_nothing) if how == "sync" else run_async, job=Ping)
    jobs.start(concurrency=2)

    handles = jobs.enqueue_many([Ping(n) for n in range(10)])

    assert [handle.wait(MINUTE).state for handle in handles] == ["succeeded"] * 10


def test_a_slow_hook_holds_up_nobody(jobs: WorkingJobs) -> None:
    """B30"""
    gate = Gate()
    jobs.hooks(Hooks(on_success=lambda record, attempt: gate.enter()))
    jobs.register(do_nothing, job=Ping)
    jobs.start(concurrency=3)
    jobs.enqueue(Ping()).wait(MINUTE)
    gate.wait_for(1)

    jobs.register(do_nothing, job=Pong)
    second = jobs.enqueue(Pong())

    assert second.wait(MINUTE).state == "succeeded"
    gate.open()


def test_hooks_of_a_group_are_for_its_own_handlers(make_jobs: MakeJobs) -> None:
    """B30"""
    ours, all_ = Listening(), Listening()
    group = Handlers()
    group.register(do_nothing, job=Ping)
    group.hooks(ours.hooks)
    jobs = make_jobs(handlers=group)
    jobs.register(do_nothing, job=Pong)
    jobs.hooks(all_.hooks)
    jobs.start()

    jobs.enqueue(Ping())
    jobs.enqueue(Pong())
    all_.wait_for(4)
    ours.wait_for(2)

    assert {record.type for _, record, _ in ours.calls} == {"e2e.Ping"}
    assert {record.type for _, record, _ in all_.calls} == {"e2e.Ping", "e2e.Pong"}


@pytest.mark.parametrize("how", ["sync", "async", "a thread below async middleware"])
def test_context_variables_of_middleware_are_seen_by_the_handler(
    jobs: WorkingJobs, how: str
) -> None:
    """B25"""
    seen: list[tuple[str, str, bool]] = []

    def enter(ctx: JobContext, call_next: Callable[[], Any]) -> Any:
        TENANT.set(f"tenant {ctx.metadata['tenant']}")
        return call_next()

    async def enter_async(ctx: JobContext, call_next: Callable[[], Awaitable[Any]]) -> Any:
        TENANT.set(f"tenant {ctx.metadata['tenant']}")
        return await call_next()

    def note() -> None:
        job = current_job()
        in_pool = threading.current_thread() is not threading.main_thread()
        assert job is not None
        seen.append((TENANT.get(), job.metadata["tenant"], in_pool))

    def run(job: Ping) -> None:
        note()

    async def run_async(job: Ping) -> None:
        note()

    jobs.middleware(enter if how == "sync" else enter_async)
    jobs.register(run_async if how == "async" else run, job=Ping)
    for n in range(30):
        jobs.enqueue(Ping(n), metadata={"tenant": str(n)})
    jobs.start(concurrency=4)
    jobs.drain(timeout=MINUTE)

    assert sorted(seen) == sorted((f"tenant {n}", str(n), True) for n in range(30))
    assert TENANT.get() == "nobody"


def test_each_attempt_has_its_own_context(jobs: WorkingJobs) -> None:
    """B25"""
    found: list[str] = []

    @jobs.register
    def run(job: Ping) -> None:
        found.append(TENANT.get())
        TENANT.set("left behind")

    jobs.enqueue_many([Ping(n) for n in range(10)])
    jobs.start(concurrency=1)
    jobs.drain(timeout=MINUTE)

    assert found == ["nobody"] * 10


def test_a_failure_in_middleware_is_a_failure_of_the_attempt(jobs: WorkingJobs) -> None:
    """B25"""

    def refuse(ctx: JobContext, call_next: Callable[[], Any]) -> Any:
        if ctx.attempt == 1:
            raise PermissionError("not yet")
        return call_next()

    jobs.middleware(refuse)
    jobs.register(do_nothing, job=Flaky)
    jobs.start()

    record = jobs.enqueue(Flaky()).wait(MINUTE)

    assert record.state == "succeeded"
    assert [attempt.error_type for attempt in record.attempts] == ["PermissionError", None]


def test_children_inherit_metadata(jobs: WorkingJobs) -> None:
    """B40"""
    seen: list[dict[str, str]] = []

    @jobs.register
    def parent(job: Ping, ctx: JobContext) -> None:
        with jobkit.metadata(step="2"):
            ctx.enqueue(Pong())

    jobs.register(looking(lambda ctx: seen.append(dict(ctx.metadata))), job=Pong)
    with jobkit.metadata(user="7"):
        jobs.enqueue(Ping())
    jobs.drain(timeout=MINUTE)

    assert seen == [{"user": "7", "step": "2"}]
