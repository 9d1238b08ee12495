"""Middleware, hooks, contexts and children: as in production, because it is production."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import jobkit
from jobkit.record import Attempt, JobRecord
from tests.unit.testing.samples import (
    HOUR,
    SECOND,
    START,
    Audit,
    Flaky,
    SendMail,
    done,
    fail_at_first,
    jobs_of,
)


def test_middleware_is_an_onion_in_registration_order() -> None:
    """B25"""
    jobs = jobs_of()
    order: list[str] = []

    def named(name: str) -> Callable[[jobkit.JobContext, Callable[[], Any]], object]:
        def middleware(ctx: jobkit.JobContext, call_next: Callable[[], Any]) -> object:
            order.append(f"{name} before")
            value = call_next()
            order.append(f"{name} after")
            return value

        return middleware

    jobs.middleware(named("outer"))
    jobs.middleware(named("inner"))

    @jobs.register
    def send(job: SendMail) -> str:
        order.append("handler")
        return "value"

    assert jobs.perform(SendMail(1)).result == "value"
    assert order == ["outer before", "inner before", "handler", "inner after", "outer after"]


def test_hooks_are_called_once_per_event_after_the_move_is_stored() -> None:
    """B30"""
    jobs = jobs_of(fail_at_first)
    heard: list[tuple[str, str, str | None]] = []

    def hook(name: str) -> Callable[[JobRecord[Any], Attempt | None], None]:
        def note(record: JobRecord[Any], attempt: Attempt | None) -> None:
            assert jobs.inspect.get(record.id).state == record.state
            heard.append((name, record.state, None if attempt is None else attempt.outcome))

        return note

    names = ["on_start", "on_success", "on_retry", "on_dead", "on_cancel"]
    jobs.hooks(jobkit.Hooks(**{name: hook(name) for name in names}))

    jobs.enqueue(Flaky(failures=1))
    jobs.run_for(HOUR)
    jobs.enqueue(Flaky(failures=9), max_retries=0)
    jobs.drain(raises=False)

    assert heard == [
        ("on_start", "running", None),
        ("on_retry", "retrying", "failed"),
        ("on_start", "running", None),
        ("on_success", "succeeded", "succeeded"),
        ("on_start", "running", None),
        ("on_dead", "dead", "failed"),
    ]


def test_an_error_in_a_hook_is_logged_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B30"""
    jobs = jobs_of(done)

    def fail(record: JobRecord[Any], attempt: Attempt | None) -> None:
        raise RuntimeError("a bad hook")

    jobs.hooks(jobkit.Hooks(on_start=fail, on_success=fail))

    assert jobs.perform(SendMail(1)).state == "succeeded"
    assert "on_success of job" in caplog.text


def test_a_death_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """B36"""
    jobs = jobs_of(fail_at_first)

    jobs.perform(Flaky(failures=9), raises=False, max_retries=0)

    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "is dead after attempt 1" in caplog.text


def test_the_context_tells_what_a_worker_would() -> None:
    jobs = jobs_of()
    seen: list[object] = []

    @jobs.register
    def look(job: Flaky, ctx: jobkit.JobContext) -> None:
        assert jobkit.current_job() is ctx
        seen.append((ctx.attempt, ctx.retries_left, ctx.run_at, ctx.enqueued_at, ctx.queue))
        if ctx.attempt == 1:
            raise OSError

    jobs.enqueue(Flaky(), queue="q", delay=SECOND)
    jobs.run_for(HOUR)

    assert seen == [
        (1, 2, START + SECOND, START, "q"),
        (2, 1, START + 11 * SECOND, START, "q"),
    ]
    assert jobkit.current_job() is None


def test_children_come_with_the_success_of_their_parent() -> None:
    """B41"""
    jobs = jobs_of(_sign_up)

    jobs.perform(Flaky(failures=0))
    jobs.assert_queued_exactly(SendMail(1), Audit)
    with pytest.raises(OSError, match="no"):
        jobs.perform(Flaky(failures=1))

    jobs.assert_queued(SendMail, 1)


def test_children_inherit_the_metadata_of_their_parent() -> None:
    jobs = jobs_of(_sign_up)

    with jobkit.metadata(trace="x"):
        jobs.enqueue(Flaky(failures=0), metadata={"user": "7"})
    with jobkit.metadata(trace="of the test, not of the job"):
        jobs.drain()

    jobs.assert_queued(SendMail, 1, metadata={"user": "7", "trace": "x"})


def test_a_result_is_kept() -> None:
    """B31"""
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> object:
        return {"sent": [1, 2]} if job.user_id else object()

    assert jobs.perform(SendMail(1)).result == {"sent": [1, 2]}
    assert jobs.perform(SendMail(0)).result is None


def test_an_enqueue_hook_changes_options() -> None:
    jobs = jobs_of()

    @jobs.on_enqueue
    def urgent(job: Any, options: jobkit.EnqueueOptions) -> jobkit.EnqueueOptions:
        return {**options, "priority": -5}

    jobs.enqueue(SendMail(1))

    jobs.assert_queued(SendMail, 1, priority=-5)


def test_what_ended_is_dropped_after_its_retention() -> None:
    """B36"""
    jobs = jobs_of(done)
    record = jobs.perform(SendMail(1))
    kept = jobs.perform(SendMail(2), retention=timedelta(days=7))

    jobs.run_for(timedelta(days=1))
    jobs.perform(SendMail(3))

    with pytest.raises(jobkit.JobNotFound):
        jobs.inspect.get(record.id)
    assert jobs.inspect.get(kept.id).state == "succeeded"


def test_handlers_registered_later_take_effect() -> None:
    """B51"""
    jobs = jobs_of()
    jobs.enqueue(SendMail(1))
    assert jobs.drain().left["no handler"] == 1

    jobs.register(done)

    assert jobs.drain().succeeded == 1


def _sign_up(job: Flaky, ctx: jobkit.JobContext) -> None:
    ctx.enqueue_many([SendMail(1), Audit()])
    if job.failures:
        raise OSError("no")


def test_what_a_handler_writes_into_its_metadata_is_seen_by_no_other_job() -> None:
    """B7"""
    jobs = jobs_of()
    seen: list[dict[str, str]] = []

    @jobs.register
    def handle(job: SendMail, ctx: jobkit.JobContext) -> None:
        metadata: Any = ctx.metadata  # read-only by its type
        seen.append(dict(metadata))
        metadata["leak"] = "1"

    jobs.enqueue_many([SendMail(1), SendMail(2)])
    jobs.drain()

    assert seen == [{}, {}]
