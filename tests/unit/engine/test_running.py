from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

import jobkit
from jobkit.attempt import Ended, run_sync
from jobkit.client.outbox import JobOutbox
from jobkit.client.transaction import Held
from jobkit.context import JobContext
from jobkit.engine import Engine
from jobkit.engine.instants import LAST_INSTANT, LONGEST_DELAY
from jobkit.engine.running import Run, Runner
from jobkit.ids import seeded_ids
from jobkit.outcome import Succeeded
from jobkit.record import JobState
from jobkit.store import (
    Bury,
    EndCancelled,
    Lane,
    Release,
    RetryLater,
    Settlement,
    SnoozeFor,
    StoredJob,
    Succeed,
)

NOW = 1_000_000


@jobkit.job(name="tests.Greet", aliases=["tests.Hello"], max_concurrency=2, keep_dead=False)
@dataclass(frozen=True)
class Greet:
    name: str


STORED = StoredJob(
    id="J1",
    queue="mail",
    type="tests.Greet",
    state=JobState.RUNNING,
    payload=b'{"name":"Ann"}',
    options=b"",
    metadata=b'{"user":"7"}',
    priority=0,
    run_at=1000,
    arrival=1,
    enqueued_at=500,
    fence=9,
    failures=1,
    timeouts=2,
)


def a_runner(handler: Callable[..., object] | None = None, **defaults: Any) -> Runner:
    engine = Engine(
        handlers=(),
        defaults=defaults,
        queues=None,
        new_ids=lambda: seeded_ids(lambda: NOW, seed=1),
        max_payload=None,
        version="",
        durable=False,
    )
    if handler is not None:
        engine.own_handlers.register(handler, job=Greet)
    nowhere: Any = None  # no handle of what is enqueued here is used

    def open_outbox(ctx: JobContext) -> JobOutbox:
        return JobOutbox(Held(engine, on_context=True), nowhere, nowhere)

    return Runner(engine, open_outbox=open_outbox)


def a_run(runner: Runner, stored: StoredJob = STORED) -> Run:
    run = runner.begin(stored, now=lambda: NOW)
    assert isinstance(run, Run)
    return run


def after(handler: Callable[..., object], **defaults: Any) -> Settlement:
    """Run a handler and return what the store is told."""
    runner = a_runner(handler, **defaults)
    run = a_run(runner)
    return runner.end(run, run_sync(run.call, run.job, run.ctx), duration=5)


def raising(error: Exception) -> Callable[[Any], None]:
    def handler(job: Any) -> None:
        raise error

    return handler


def returning(value: object) -> Callable[[Any], object]:
    def handler(job: Any) -> object:
        return value

    return handler


def test_a_handler_gets_the_job_and_what_is_known_of_it() -> None:
    run = a_run(a_runner(returning(None)), replace(STORED, options=b'{"timeout":2000}'))

    assert run.job == Greet("Ann")
    assert (run.ctx.id, run.ctx.queue, run.ctx.type) == ("J1", "mail", "tests.Greet")
    assert (run.ctx.attempt, run.ctx.retries_left, run.ctx.fence) == (4, 19, 9)
    assert run.ctx.metadata == {"user": "7"}
    assert run.ctx.deadline == datetime.fromtimestamp((NOW + 2000) / 1000, UTC)


@pytest.mark.parametrize(
    "damage", [{"payload": b"x"}, {"options": b"\xff"}, {"metadata": b"[]"}, {"payload": b"{}"}]
)
def test_what_cannot_be_read_is_buried_and_kept(damage: dict[str, bytes]) -> None:
    """B3"""
    buried = a_runner(returning(None)).begin(replace(STORED, **damage), now=lambda: NOW)

    assert isinstance(buried, Bury)
    assert buried.keep
    assert buried.failure.outcome == "dead"
    assert buried.failure.error_type == "jobkit.InvalidJob"


def test_a_job_without_a_handler_goes_back() -> None:
    """B24"""
    assert isinstance(a_runner().begin(STORED, now=lambda: NOW), Release)


def test_an_alias_shares_the_lane_of_its_type() -> None:
    """B1, B26"""
    runner = a_runner(returning(None))

    assert runner.lane("tests.Hello") == runner.lane("tests.Greet")
    assert runner.lane("tests.Greet") == Lane(group="tests.Greet", limit=2, keep_dead=False)


def test_a_success_has_its_result_and_its_children() -> None:
    """B31, B41"""

    def handler(job: Greet, ctx: JobContext) -> dict[str, int]:
        ctx.enqueue(Greet("child"))
        return {"b": 1, "a": 2}

    settlement = after(handler)

    assert isinstance(settlement, Succeed)
    assert settlement.result == b'{"a":2,"b":1}'
    assert [child.payload for child in settlement.children] == [b'{"name":"child"}']
    assert settlement.duration == 5


def test_a_failure_drops_the_children() -> None:
    """B41"""

    def handler(job: Greet, ctx: JobContext) -> None:
        ctx.enqueue(Greet("child"))
        raise ValueError("no")

    settlement = after(handler)

    assert isinstance(settlement, RetryLater)
    assert (settlement.failure.outcome, settlement.failure.message) == ("failed", "no")
    assert 1000 < settlement.delay < 2000  # the second retry: 1.6 s and its jitter


def test_the_last_failure_buries_as_the_type_says() -> None:
    """B33, B36"""
    settlement = after(raising(ValueError()), max_retries=1)

    assert isinstance(settlement, Bury)
    assert not settlement.keep


@pytest.mark.parametrize(
    ("verdict", "at", "delay"),
    [
        (jobkit.Retry(delay=timedelta(seconds=3)), None, 3000),
        (jobkit.Retry(delay=timedelta(seconds=-3)), None, 0),
        (jobkit.Retry(delay=timedelta.max), None, LONGEST_DELAY),
        (jobkit.Retry(at=datetime(1960, 1, 1, tzinfo=UTC)), 0, 0),
        (jobkit.Retry(at=datetime.max.replace(tzinfo=UTC)), LAST_INSTANT, 0),
    ],
)
def test_a_handler_may_choose_any_time_for_its_retry(
    verdict: jobkit.Retry, at: int | None, delay: int
) -> None:
    """B35"""
    settlement = after(raising(verdict))

    assert isinstance(settlement, RetryLater)
    assert (settlement.at, settlement.delay) == (at, delay)


def test_a_snooze_a_discard_and_a_death() -> None:
    """B35"""
    snoozed = after(raising(jobkit.Snooze(timedelta(seconds=2))))
    discarded = after(raising(jobkit.Discard("not needed")))
    dead = after(raising(jobkit.Dead("hopeless")))

    assert isinstance(snoozed, SnoozeFor)
    assert snoozed.delay == 2000
    assert isinstance(discarded, EndCancelled)
    assert (discarded.failure.outcome, discarded.failure.message) == ("discarded", "not needed")
    assert isinstance(dead, Bury)
    assert (dead.failure.outcome, dead.failure.message) == ("dead", "hopeless")


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize("value", [object(), "\ud800", ENDLESS, "x" * 70_000])
def test_a_result_that_cannot_be_kept_is_dropped_with_one_warning(
    value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """B31"""
    runner = a_runner(returning(None))
    for _ in range(2):
        settlement = runner.end(a_run(runner), Ended(Succeeded(value)), duration=5)

        assert isinstance(settlement, Succeed)
        assert settlement.result is None
    assert len(caplog.records) == 1


def test_a_result_that_is_no_number_is_kept_as_json_has_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B31"""
    runner = a_runner(returning(None))

    settlement = runner.end(a_run(runner), Ended(Succeeded(float("nan"))), duration=5)

    assert isinstance(settlement, Succeed)
    assert settlement.result == b"null"
    assert caplog.records == []


def test_a_backoff_that_fails_does_not_cost_the_retry(caplog: pytest.LogCaptureFixture) -> None:
    """B34"""

    @jobkit.job(name="tests.Odd", backoff=lambda retry: timedelta(seconds=1) / 0)
    @dataclass(frozen=True)
    class Odd:
        pass

    runner = a_runner(returning(None))
    runner._engine.own_handlers.register(raising(ValueError()), job=Odd)  # pyright: ignore[reportPrivateUsage]
    run = a_run(runner, replace(STORED, type="tests.Odd", payload=b"{}"))
    settlement = runner.end(run, run_sync(run.call, run.job, run.ctx), duration=5)

    assert isinstance(settlement, RetryLater)
    assert settlement.delay == 1600
    assert "backoff of tests.Odd failed" in caplog.text


def test_whatever_goes_wrong_in_jobkit_the_job_is_settled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """B42"""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    runner = a_runner(raising(ValueError()))
    run = a_run(runner)
    ended = run_sync(run.call, run.job, run.ctx)
    monkeypatch.setattr("jobkit.engine.running.RetryLater", broken)

    settlement = runner.end(run, ended, duration=5)

    assert isinstance(settlement, Bury)
    assert settlement.failure.error_type == "ZeroDivisionError"
    assert "could not be settled" in caplog.text
