"""Async handlers in a sync test: a private loop, whose timers are the virtual clock."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

import jobkit
from tests.unit.testing.samples import HOUR, MINUTE, SECOND, START, Audit, SendMail, Slow, jobs_of

NAME: ContextVar[str] = ContextVar("name", default="nobody")


def test_sleeping_takes_no_time_and_moves_the_clock() -> None:
    """B56"""
    jobs = jobs_of()

    @jobs.register
    async def wait(job: SendMail) -> str:
        await asyncio.sleep(60)
        await asyncio.sleep(0.5)
        return "waited"

    record = jobs.perform(SendMail(1))

    assert jobs.clock.now() == START + MINUTE + SECOND / 2
    assert record.duration == MINUTE + SECOND / 2
    assert record.finished_at == jobs.clock.now()
    assert record.result == "waited"


def test_timers_fire_in_order_and_exactly() -> None:
    jobs = jobs_of()
    fired: list[tuple[int, timedelta]] = []

    async def note(number: int, delay: float) -> None:
        await asyncio.sleep(delay)
        fired.append((number, jobs.clock.now() - START))

    @jobs.register
    async def wait(job: SendMail) -> None:
        await asyncio.gather(note(1, 0.3), note(2, 0.1), note(3, 86_400 * 3), note(4, 0.1))

    jobs.perform(SendMail(1))

    tenth = timedelta(milliseconds=100)
    assert fired == [(2, tenth), (4, tenth), (1, 3 * tenth), (3, timedelta(days=3))]


def test_many_small_sleeps_add_up_to_the_microsecond() -> None:
    jobs = jobs_of()

    @jobs.register
    async def wait(job: SendMail) -> None:
        for _ in range(1000):
            await asyncio.sleep(0.1)

    jobs.perform(SendMail(1))

    assert jobs.clock.now() == START + 100 * SECOND


@pytest.mark.parametrize("how", ["timeout", "wait_for"])
def test_timeouts_of_asyncio_are_virtual(how: str) -> None:
    jobs = jobs_of()

    async def for_ever() -> None:
        await asyncio.Event().wait()

    async def with_timeout() -> None:
        async with asyncio.timeout(5):
            await for_ever()

    @jobs.register
    async def wait(job: SendMail) -> None:
        with pytest.raises(TimeoutError):
            await (with_timeout() if how == "timeout" else asyncio.wait_for(for_ever(), 5))

    jobs.perform(SendMail(1))

    assert jobs.clock.now() == START + 5 * SECOND


def test_each_attempt_runs_in_its_own_copy_of_the_context() -> None:
    """B25"""
    jobs = jobs_of()
    seen: list[str] = []

    @jobs.register
    async def look(job: SendMail) -> None:
        seen.append(NAME.get())
        NAME.set("handler")

    NAME.set("test")
    jobs.enqueue_many([SendMail(1), SendMail(2)])
    jobs.drain()

    assert seen == ["test", "test"]
    assert NAME.get() == "test"


def test_the_deadline_cancels_the_handler_to_the_millisecond() -> None:
    """B28"""
    jobs = jobs_of()
    told: list[tuple[object, timedelta, object]] = []

    @jobs.register
    async def sleep(job: Slow, ctx: jobkit.JobContext) -> None:
        try:
            await asyncio.sleep(job.seconds)
        finally:
            record = jobs.inspect.get(ctx.id)
            told.append((ctx.cancelled.reason, jobs.clock.now() - START, record.timed_out_at))
            assert record.state == "running"

    record = jobs.perform(Slow(60), raises=False)

    assert told == [("timeout", 30 * SECOND, START + 30 * SECOND)]
    assert record.state == "retrying"
    assert record.attempts[0].outcome == "timed_out"
    assert record.attempts[0].finished_at == START + 30 * SECOND
    assert record.timed_out_at == START + 30 * SECOND
    assert record.run_at == START + 40 * SECOND
    assert "timed out" in str(jobs.timeline)


def test_a_handler_that_ends_just_in_time_succeeds() -> None:
    """B28"""
    jobs = jobs_of()

    @jobs.register
    async def sleep(job: Slow) -> None:
        await asyncio.sleep(job.seconds)

    assert jobs.perform(Slow(29.999)).state == "succeeded"


def test_a_timeout_escapes_as_timeout_error() -> None:
    jobs = jobs_of()

    @jobs.register
    async def sleep(job: Slow) -> None:
        await asyncio.sleep(job.seconds)

    with pytest.raises(TimeoutError, match="ran past its deadline of 2030-01-01 00:00:30"):
        jobs.perform(Slow())

    jobs.assert_failed(Slow, 1)


def test_a_handler_without_any_timer_still_times_out_at_its_deadline() -> None:
    """B28"""
    jobs = jobs_of()

    @jobs.register
    async def hang(job: Slow) -> None:
        await asyncio.Event().wait()

    record = jobs.perform(Slow(), raises=False)

    assert record.attempts[0].finished_at == START + 30 * SECOND


def test_timeouts_are_counted_apart_and_end_dead() -> None:
    """B33"""
    jobs = jobs_of()

    @jobs.register
    async def sleep(job: Slow) -> None:
        await asyncio.sleep(job.seconds)

    jobs.enqueue(Slow(), max_timeout_retries=1)
    jobs.run_for(HOUR)

    record = jobs.assert_dead(Slow, 1).one
    assert [attempt.outcome for attempt in record.attempts] == ["timed_out", "timed_out"]


def test_a_handler_that_does_not_stop_when_told_has_timed_out_all_the_same() -> None:
    """B28"""
    jobs = jobs_of()

    @jobs.register
    async def stubborn(job: Slow) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        return "done"

    record = jobs.perform(Slow(), raises=False)

    assert record.attempts[0].outcome == "timed_out"
    assert record.attempts[0].finished_at == START + 90 * SECOND
    assert record.timed_out_at == START + 30 * SECOND


def test_work_in_threads_comes_back_in_real_time_before_any_timer() -> None:
    jobs = jobs_of()
    go = threading.Event()

    @jobs.register
    async def compute(job: SendMail) -> int:
        async with asyncio.timeout(5):
            asyncio.get_running_loop().call_soon(go.set)
            return await asyncio.to_thread(lambda: 42 if go.wait(0.9) else 0)

    record = jobs.perform(SendMail(1))

    assert record.result == 42
    assert jobs.clock.now() == START


def test_sockets_work_in_real_time() -> None:
    jobs = jobs_of()
    here, there = socket.socketpair()
    asked = threading.Event()

    @jobs.register
    async def talk(job: SendMail) -> str:
        reader, writer = await asyncio.open_connection(sock=here)
        asked.set()
        async with asyncio.timeout(5):
            line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line.decode()

    def answer() -> None:
        asked.wait(5)
        there.sendall(b"hello\n")

    thread = threading.Thread(target=answer)
    thread.start()
    record = jobs.perform(SendMail(1))
    thread.join()
    there.close()

    assert record.result == "hello\n"
    assert jobs.clock.now() == START


def test_who_waits_for_what_never_comes_fails_the_test() -> None:
    """B56"""
    jobs = jobs_of()

    @jobs.register
    async def hang(job: SendMail) -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match=r"waits for what does not come .* or a timeout"):
        jobs.perform(SendMail(1), raises=False)

    assert jobs.assert_dead(SendMail, 1).one.error is not None


def test_who_waits_in_a_loop_for_ever_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobkit_testing.virtual_loop.MOST_STEPS", 2_000)
    jobs = jobs_of()

    @jobs.register
    async def poll(job: SendMail) -> None:
        while not jobs.queued(Audit):  # noqa: ASYNC110  # what nobody ever enqueues
            await asyncio.sleep(1)

    with pytest.raises(AssertionError, match="has let time pass 2,000 times"):
        jobs.perform(SendMail(1), raises=False)

    jobs.assert_dead(SendMail, 1)


def test_tasks_that_a_handler_leaves_behind_are_cancelled_at_the_end_of_the_run() -> None:
    jobs = jobs_of()
    tasks: list[asyncio.Task[Any]] = []

    @jobs.register
    async def leave(job: SendMail) -> None:
        tasks.append(asyncio.create_task(asyncio.Event().wait()))
        await asyncio.sleep(0)

    jobs.enqueue_many([SendMail(1), SendMail(2)])
    jobs.drain()

    assert [task.cancelled() for task in tasks] == [True, True]


def test_handlers_of_one_run_share_a_loop() -> None:
    jobs = jobs_of()
    loops: list[asyncio.AbstractEventLoop] = []

    @jobs.register
    async def note(job: SendMail) -> None:
        loops.append(asyncio.get_running_loop())

    jobs.enqueue_many([SendMail(1), SendMail(2)])
    jobs.drain()

    assert loops[0] is loops[1]
    assert loops[0].is_closed()


def test_while_a_loop_runs_nothing_is_claimed() -> None:
    jobs = jobs_of()
    jobs.register(_send)
    jobs.enqueue(SendMail(1))

    async def scenario() -> None:
        for run, name in _RUNS:
            with pytest.raises(RuntimeError, match=rf"await jobs\.aio\.{name}\("):
                run(jobs)

    asyncio.run(scenario())

    assert jobs.queued(SendMail).one.starts == 0


def test_a_sync_handler_below_async_middleware_finds_no_running_loop() -> None:
    """B25: as in the thread where a worker runs it."""
    jobs = jobs_of()
    found: list[object] = []

    @jobs.middleware
    async def around(ctx: jobkit.JobContext, call_next: Callable[[], Any]) -> object:
        await asyncio.sleep(1)
        NAME.set("middleware")
        return await call_next()

    @jobs.register
    def send(job: SendMail) -> None:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        found.append(NAME.get())
        asyncio.run(asyncio.sleep(0))
        found.append(jobs.perform(Audit()).state)

    @jobs.register
    async def audit(job: Audit) -> None:
        await asyncio.sleep(1)

    assert jobs.perform(SendMail(1)).state == "succeeded"
    assert found == ["middleware", "succeeded"]
    assert jobs.clock.now() == START + 3 * SECOND


def _send(job: SendMail) -> None: ...


_RUNS: list[tuple[Callable[[Any], object], str]] = [
    (lambda jobs: jobs.drain(), "drain"),
    (lambda jobs: jobs.perform(SendMail(2)), "perform"),
    (lambda jobs: jobs.run_next(), "run_next"),
    (lambda jobs: jobs.run_for(SECOND), "run_for"),
    (lambda jobs: jobs.run_until(lambda: True), "run_until"),
]
