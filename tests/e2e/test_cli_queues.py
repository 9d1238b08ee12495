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
    assert capsys.readouterr().err == ("jobkit queues pause: give a QUEUE, --type TYPE, or both\n")
    assert main(["queues", "resume"]) == ExitCode.USAGE


def test_a_list_tells_what_is_paused(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B27, B47"""
    cli_jobs.enqueue(Note("a"))
    cli_jobs.enqueue(Note("b"), queue="mail")
    cli_jobs.inspect.pause(queue="mail")
    cli_jobs.inspect.pause(queue="default", type=Note)

    assert main(["queues", "list"]) == ExitCode.OK

    titles, *rows = capsys.readouterr().out.splitlines()
    assert titles.endswith("PAUSED")
    assert [row.split()[-1] for row in rows] == [NOTE, "all"]


def test_an_empty_list_says_so(cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queues", "list"]) == ExitCode.OK
    said = capsys.readouterr()
    assert (said.out, said.err.startswith("no queues")) == ("", True)
    assert main(["schedules", "list"]) == ExitCode.OK
    assert capsys.readouterr().err == "no schedules\n"


def test_a_name_that_may_be_mistyped_is_told(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B27"""
    cli_jobs.enqueue(Note("a"))

    assert main(["queues", "pause", "default"]) == ExitCode.OK
    assert capsys.readouterr().err == ""
    assert main(["queues", "pause", "defualt"]) == ExitCode.OK
    assert capsys.readouterr().err == "queue defualt has no jobs; is that its name?\n"
    assert main(["queues", "resume", "deafult"]) == ExitCode.OK
    assert capsys.readouterr().out == "queue deafult: was not paused\n"
