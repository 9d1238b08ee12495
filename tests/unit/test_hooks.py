"""Hooks are called after a move, and never disturb it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from jobkit.hooks import Hooks, call_hooks
from jobkit.record import Attempt, JobRecord, JobState

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def a_record() -> JobRecord[Any]:
    return JobRecord(
        id="1", type="tests.Greet", queue="mail", state=JobState.DEAD, due=False, payload=None,
        raw=b"", priority=0, run_at=NOW, enqueued_at=NOW, started_at=None, finished_at=None,
        duration=None, attempt=1, starts=1, losses=0, retries_left=0, attempts=(), error=None,
        result=None, progress=None, worker=None, version=None, unique_key=None, schedule=None,
        metadata={}, cancel_requested_at=None, timed_out_at=None,
    )  # fmt: skip


def an_attempt() -> Attempt:
    return Attempt(number=1, outcome="failed", started_at=NOW, finished_at=NOW)


def test_each_group_is_called_for_its_event_only() -> None:
    """B30"""
    calls: list[tuple[str, JobRecord[Any], Attempt | None]] = []
    record, attempt = a_record(), an_attempt()
    groups = [
        Hooks(on_dead=lambda record, attempt: calls.append(("first", record, attempt))),
        Hooks(on_start=lambda record, attempt: calls.append(("start", record, attempt))),
        Hooks(on_dead=lambda record, attempt: calls.append(("last", record, attempt))),
    ]

    call_hooks(groups, "on_dead", record, attempt)

    assert calls == [("first", record, attempt), ("last", record, attempt)]


@pytest.mark.parametrize("error", [ValueError, SystemExit, asyncio.CancelledError, GeneratorExit])
def test_an_error_in_a_hook_is_logged_and_the_others_are_called(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """B30"""
    calls: list[str] = []

    def fail(record: JobRecord[Any], attempt: Attempt | None) -> None:
        raise error

    groups = [Hooks(on_dead=fail), Hooks(on_dead=lambda record, attempt: calls.append("called"))]
    with caplog.at_level(logging.ERROR, logger="jobkit.hooks"):
        call_hooks(groups, "on_dead", a_record(), None)

    assert calls == ["called"]
    assert [r.getMessage() for r in caplog.records] == ["on_dead of job 1 (tests.Greet) failed"]


def test_an_interrupt_at_the_terminal_passes_through_a_hook() -> None:
    def interrupted(record: JobRecord[Any], attempt: Attempt | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call_hooks([Hooks(on_start=interrupted)], "on_start", a_record(), None)
