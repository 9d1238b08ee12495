"""Check-ins of handlers that run in a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from jobkit import BackendUnavailable, Hooks, JobContext, JobNotFound, Progress
from jobkit.clock import SystemClock
from jobkit.store import CheckIn, Operation
from jobkit.worker import WorkingJobs
from tests.e2e.backends import store_of
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually, seconds_until

MINUTE = timedelta(minutes=1)


class Log:
    """Keeps the check-ins that reach a store, and when; refuses them while `away`."""

    def __init__(self, jobs: WorkingJobs, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[float, CheckIn]] = []
        self.away = False
        store = store_of(jobs)
        name = "begin" if hasattr(store, "begin") else "run_many"  # what the other one goes through
        send = getattr(store, name)

        def watched(operations: Sequence[Operation[Any]], /, *, now: int | None = None) -> Any:
            mine = [each for each in operations if isinstance(each, CheckIn)]
            if mine and self.away:
                raise BackendUnavailable("away", stored="no")
            self.seen += [(SystemClock().monotonic(), each) for each in mine]
            return send(operations, now=now)

        monkeypatch.setattr(store, name, watched)


def text_of(progress: Progress | None) -> str | None:
    """Return what was said."""
    return None if progress is None else progress.text


def test_a_check_in_is_seen_within_a_second(jobs: WorkingJobs) -> None:
    """B29: from the handler's word to the reader's eye, with done and total."""
    gate = Gate()

    @jobs.register
    def sync(job: Ping, ctx: JobContext) -> None:
        ctx.checkin("rows", done=3, total=10)
        gate.enter()

    @jobs.register
    async def on_loop(job: Pong, ctx: JobContext) -> None:
        ctx.checkin("rows", done=3, total=10)
        await asyncio.sleep(MINUTE.total_seconds())

    jobs.start()
    sync_handle, async_handle = jobs.enqueue(Ping()), jobs.enqueue(Pong())
    gate.wait_for(1)
    handles = (sync_handle, async_handle)
    seconds = seconds_until(lambda: all(each.record().progress for each in handles))
    progress = sync_handle.record().progress
    async_handle.cancel()
    gate.open()

    assert seconds < 1
    assert progress is not None
    assert (progress.text, progress.done, progress.total) == ("rows", 3, 10)


def test_many_check_ins_are_few_writes_and_the_last_is_kept(
    jobs: WorkingJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B29: the handler never waits for the store."""
    log = Log(jobs, monkeypatch)
    took: list[float] = []
    said = 20_000

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        begun = SystemClock().monotonic()
        for number in range(said):
            ctx.checkin("rows", done=number, total=said)
        took.append(SystemClock().monotonic() - begun)

    jobs.start()
    handle = jobs.enqueue(Ping())
    record = handle.wait(MINUTE)

    writes = [at for at, _ in log.seen]
    assert record.progress is not None
    assert record.progress.done == said - 1
    assert handle.record().progress == record.progress
    assert len(writes) <= 2 + took[0] / 0.5


def test_a_job_is_written_at_most_twice_a_second(
    jobs: WorkingJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B29"""
    log = Log(jobs, monkeypatch)

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        number = 0
        while len(log.seen) < 3:
            number += 1
            ctx.checkin("rows", done=number)
            ctx.cancelled.wait(0.001)

    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)

    first, second, third = [at for at, _ in log.seen][:3]
    assert min(second - first, third - second) > 0.4


def test_what_was_said_while_the_store_was_away_is_written_after(
    jobs: WorkingJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B29, B39: the last word is not lost while the attempt runs."""
    log = Log(jobs, monkeypatch)
    gate = Gate()

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        log.away = True
        ctx.checkin("half")
        gate.enter()

    jobs.start()
    handle = jobs.enqueue(Ping())
    gate.wait_for(1)
    assert handle.record().progress is None
    log.away = False
    eventually(lambda: text_of(handle.record().progress) == "half")
    gate.open()


def test_hooks_and_reports_see_the_last_word(jobs: WorkingJobs) -> None:
    """B29, B30"""
    told: list[str | None] = []
    jobs.hooks(Hooks(on_success=lambda record, _: told.append(text_of(record.progress))))

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        ctx.checkin("done")

    jobs.enqueue(Ping())
    report = jobs.drain(timeout=MINUTE)
    eventually(lambda: told)

    assert told == ["done"]
    assert text_of(report.ran.one.progress) == "done"


def test_a_handler_whose_job_was_deleted_is_not_heard(
    jobs: WorkingJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B29, B46"""
    log = Log(jobs, monkeypatch)
    gate = Gate()

    @jobs.register
    def run(job: Ping, ctx: JobContext) -> None:
        gate.enter()
        ctx.checkin("to nobody")

    jobs.start()
    handle = jobs.enqueue(Ping())
    gate.wait_for(1)
    handle.delete()
    gate.open()
    jobs.drain(timeout=MINUTE)

    assert len(log.seen) == 1
    with pytest.raises(JobNotFound):
        handle.record()
