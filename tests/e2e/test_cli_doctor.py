"""`jobkit doctor` and `jobkit queues list`, in this process, on a real Redis."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from jobkit import RedisJobs
from jobkit.cli import ExitCode, main
from tests.e2e.apps.mailing import Note


def test_the_doctor_finds_what_is_wrong(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B24, B39: nobody works here, and the server of the tests keeps nothing on disk."""
    cli_jobs.enqueue(Note("hello"))

    assert main(["doctor", "--audit"]) == ExitCode.REFUSED
    told = capsys.readouterr().out
    assert main(["doctor", "--json"]) == ExitCode.REFUSED
    findings: list[str] = json.loads(capsys.readouterr().out)["findings"]

    assert "appendonly is no" in told
    assert "no live worker handles tests.e2e.apps.mailing.Note, and 1 wait" in told
    assert told.rstrip().endswith("2 findings; 1 queue, 0 live workers")
    assert len(findings) == 2


def test_queues_are_listed(cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]) -> None:
    """B47"""
    cli_jobs.enqueue_many([Note("a"), Note("b")])
    cli_jobs.enqueue(Note("c"), delay=timedelta(hours=1), queue="mail")
    cli_jobs.inspect.pause(queue="mail")

    assert main(["queues", "list"]) == ExitCode.OK
    titles, default, mail = capsys.readouterr().out.splitlines()
    assert main(["queues", "list", "--json"]) == ExitCode.OK
    told: list[dict[str, Any]] = json.loads(capsys.readouterr().out)

    assert titles.split()[:3] == ["QUEUE", "SCHEDULED", "QUEUED"]
    assert default.split()[:3] == ["default", "0", "2"]
    assert mail.split()[:3] == ["mail", "1", "0"]
    assert (titles.split()[-1], mail.split()[-1]) == ("PAUSED", "all")
    assert [queue["name"] for queue in told] == ["default", "mail"]
    assert told[0]["counts"]["queued"] == 2
