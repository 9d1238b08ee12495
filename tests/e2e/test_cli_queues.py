"""`jobkit queues`, in this process, on a real Redis."""

from __future__ import annotations

import pytest

from jobkit import RedisJobs
from jobkit.cli import ExitCode, main
from tests.e2e.apps.mailing import Note

NOTE = f"{Note.__module__}.Note"


def test_a_queue_is_paused_and_resumed(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B27"""
    assert main(["queues", "pause", "default"]) == ExitCode.OK
    assert cli_jobs.inspect.is_paused(queue="default")
    assert main(["queues", "resume", "default"]) == ExitCode.OK
    assert not cli_jobs.inspect.is_paused(queue="default")
    assert capsys.readouterr().out.splitlines() == [
        "queue default: paused; what runs finishes",
        "queue default: resumed",
    ]


def test_a_type_is_paused_everywhere_or_in_a_queue(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B27"""
    assert main(["queues", "pause", "--type", NOTE]) == ExitCode.OK
    assert cli_jobs.inspect.is_paused(type=Note)
    assert main(["queues", "pause", "default", "--type", NOTE]) == ExitCode.OK
    assert main(["queues", "resume", "--type", NOTE]) == ExitCode.OK
    assert cli_jobs.inspect.is_paused(queue="default", type=Note)
    assert not cli_jobs.inspect.is_paused(type=Note)


def test_nothing_named_is_refused(cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]) -> None:
    """B27"""
    assert main(["queues", "pause"]) == ExitCode.USAGE
    assert "queue" in capsys.readouterr().err
