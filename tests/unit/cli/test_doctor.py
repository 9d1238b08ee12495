"""What `jobkit doctor` finds in what it reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jobkit.cli.doctor import about_queues, about_schedules, about_workers
from jobkit.queueinfo import QueueInfo
from jobkit.record import JobState
from jobkit.roster import WorkerInfo
from jobkit.scheduleinfo import ScheduleInfo

NOW = datetime(2030, 1, 1, tzinfo=UTC)
QUEUE = QueueInfo(
    name="mail",
    counts=dict.fromkeys(JobState, 0) | {JobState.QUEUED: 3, JobState.SCHEDULED: 1},
    by_type={JobState.QUEUED: {"Send": 3}, JobState.SCHEDULED: {"Send": 1}},
    due=3,
    oldest_due=timedelta(seconds=9),
    paused=False,
    paused_types=(),
    workers=1,
    throughput=0.0,
    failure_rate=None,
    mean_duration=None,
    time_to_empty=None,
)
WORKER = WorkerInfo(
    name="ann",
    host="here",
    pid=7,
    version="",
    queues=("mail",),
    types=("Send",),
    concurrency=10,
    started_at=NOW,
    heartbeat_at=NOW,
    live=True,
    slots=(),
)
SCHEDULE: ScheduleInfo[Any] = ScheduleInfo(
    name="nightly",
    queue="mail",
    spec="0 3 * * *",
    timezone="UTC",
    type="Send",
    payload=None,
    raw=b"{}",
    next_runs=(NOW, NOW + timedelta(days=1)),
    last_run=None,
    last_job=None,
    last_outcome=None,
    successes=0,
    unfinished=0,
    limit=None,
    missed="one",
    overlap="allow",
    start_at=None,
    priority=0,
    metadata={},
    owner=None,
    ended_at=None,
)


def test_what_is_well_is_not_told() -> None:
    assert list(about_queues([QUEUE], [WORKER])) == []
    assert list(about_workers([WORKER])) == []
    assert list(about_schedules([SCHEDULE])) == []


def test_jobs_that_wait_for_nobody_are_told() -> None:
    """B24"""
    (told,) = about_queues([QUEUE], [replace(WORKER, types=("Other",))])
    (while_silent,) = about_queues([QUEUE], [replace(WORKER, live=False)])

    assert told == while_silent
    assert told.startswith("queue mail: no live worker handles Send, and 4 wait.")


def test_a_pause_that_holds_jobs_up_is_told() -> None:
    """B27"""
    (told,) = about_queues([replace(QUEUE, paused=True)], [WORKER])

    assert "is paused, and 3 jobs are due. jobkit queues resume mail" in told


def test_a_pause_of_a_type_that_holds_jobs_up_is_told() -> None:
    """B27"""
    (told,) = about_queues([replace(QUEUE, paused_types=("Other", "Send"))], [WORKER])

    assert told.startswith("queue mail: Send is paused, and 3 jobs are due.")
    assert "jobkit queues resume --type Send" in told


def test_one_dead_job_is_no_plural() -> None:
    (told,) = about_queues([replace(QUEUE, counts={**QUEUE.counts, JobState.DEAD: 1})], [WORKER])

    assert "1 job is dead" in told


def test_dead_jobs_are_told() -> None:
    """B36"""
    dead = {**QUEUE.counts, JobState.DEAD: 2}

    (told,) = about_queues([replace(QUEUE, counts=dead)], [WORKER])

    assert "2 jobs are dead" in told


def test_a_silent_worker_is_told() -> None:
    """B48"""
    (told,) = about_workers([replace(WORKER, live=False)])

    assert "worker ann: not heard of since 2030-01-01T00:00:00.000Z" in told


def test_a_rule_that_nobody_knows_is_told() -> None:
    """B16"""
    (told,) = about_schedules([replace(SCHEDULE, spec="rule:tides", next_runs=(NOW,))])

    assert "schedule nightly: rule:tides is not known here" in told


def test_a_tick_that_died_is_told() -> None:
    """B20"""
    (told,) = about_schedules([replace(SCHEDULE, last_outcome="dead", last_job="01X")])

    assert told.endswith("jobkit jobs show 01X")
