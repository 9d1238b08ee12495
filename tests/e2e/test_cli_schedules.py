"""`jobkit schedules`, in this process, on a real Redis."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from jobkit import RedisJobs
from jobkit.cli import ExitCode, main
from tests.e2e.apps.mailing import Note

HOUR = timedelta(hours=1)
FAR = datetime(2999, 1, 1, tzinfo=UTC)


def test_schedules_are_listed(cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]) -> None:
    """B20"""
    cli_jobs.schedule("0 9 1 1 *", Note("a"), name="yearly", timezone="Europe/Berlin")
    cli_jobs.schedule(HOUR, Note("b"), name="hourly", queue="slow", start_at=FAR)

    assert main(["schedules", "list"]) == ExitCode.OK

    titles, hourly, yearly = capsys.readouterr().out.splitlines()
    assert " ".join(titles.split()) == "NAME QUEUE SPEC JOB NEXT RUN LAST RUN OUTCOME OWNER"
    assert hourly.split()[:3] == ["hourly", "slow", "@every"]
    assert "2999-01-01T00:00:00.000Z  -" in hourly
    assert "0 9 1 1 * Europe/Berlin" in yearly
    assert "Note(text='a')" in yearly


def test_schedules_are_listed_for_programs(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B20"""
    cli_jobs.schedule(HOUR, Note("a"), name="hourly", limit=2, start_at=FAR)

    assert main(["schedules", "list", "--json"]) == ExitCode.OK

    [info] = json.loads(capsys.readouterr().out)
    assert (info["name"], info["spec"], info["limit"]) == ("hourly", "@every 1h", 2)
    assert info["payload"] == {"text": "a"}
    assert info["next_runs"] == ["2999-01-01T00:00:00.000Z", "2999-01-01T01:00:00.000Z"]
    assert "raw" not in info


def test_the_next_ticks_come_in_their_order(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B20: over all schedules, or of one."""
    cli_jobs.schedule(HOUR, Note("a"), name="hourly", start_at=FAR)
    cli_jobs.schedule(2 * HOUR, Note("b"), name="slower", start_at=FAR, limit=2)

    assert main(["schedules", "next"]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[1] for line in lines[1:]]
    assert names == ["hourly", "slower", "hourly", "hourly", "slower", "hourly", "hourly"]
    assert main(["schedules", "next", "slower", "--json"]) == ExitCode.OK
    ticks = json.loads(capsys.readouterr().out)
    assert [tick["at"] for tick in ticks] == [
        "2999-01-01T00:00:00.000Z",
        "2999-01-01T02:00:00.000Z",
    ]


def test_a_schedule_that_is_not_there_is_said_so(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B20"""
    assert main(["schedules", "next", "none"]) == ExitCode.REFUSED
    assert "no schedule 'none'" in capsys.readouterr().err
    assert main(["schedules", "list"]) == ExitCode.OK
    assert capsys.readouterr().out == ""
