"""`jobkit enqueue` and `jobkit jobs`, in this process, on a real Redis."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest

from jobkit import JobState, RedisJobs
from jobkit.cli import ExitCode, main
from tests.e2e.apps.mailing import Note, Secret
from tests.servers import HOST, free_port

MAILING = "tests.e2e.apps.mailing"
NOTE = f"{MAILING}:Note"


def out(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Run a command that ends well, and return what it printed."""
    code = main(argv)
    said = capsys.readouterr()
    assert code == ExitCode.OK, said.err
    return said.out.strip()


def test_a_job_is_enqueued_with_its_options(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = out(
        capsys,
        *("enqueue", NOTE, '{"text": "hello"}', "--queue", "mail", "--priority", "-5"),
        *("--delay", "60", "--max-retries", "none", "--metadata", "user=7", "--metadata", "a=b"),
    )

    record = cli_jobs.inspect.get(job_id)
    assert record.payload == Note("hello")
    assert (record.queue, record.priority, record.retries_left) == ("mail", -5, None)
    assert record.run_at - record.enqueued_at == timedelta(minutes=1)
    assert record.metadata == {"user": "7", "a": "b"}


def test_a_payload_may_come_from_stdin(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"text": "piped"}'))

    told: dict[str, Any] = json.loads(out(capsys, "enqueue", NOTE, "-", "--json"))

    assert told["created"] is True
    assert cli_jobs.inspect.get(told["id"]).payload == Note("piped")


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ('{"text": 7}', "text"),
        ("{", "Note"),
        ('{"text": "x", ', "Note"),
        ('{"text": "x", "texts": "y"}', "Note has no field 'texts'; it has text"),
        ('{"txt": "x"}', "Note has no field 'txt'"),
        ("[1]", "Note"),
        ("\udcff", "Note"),  # as Python reads a byte that is no UTF-8
        ('{"text": "\udcff"}', "Note"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str], payload: str, why: str
) -> None:
    """B3."""
    assert main(["enqueue", NOTE, payload]) == ExitCode.USAGE

    assert why in capsys.readouterr().err
    assert cli_jobs.inspect.jobs().total == 0


def test_a_message_does_not_name_its_command_twice(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enqueue", NOTE, '{"text": "x"}', "--queue", "a b"]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("jobkit enqueue: queue='a b': ")


def test_a_class_that_is_not_there_is_refused(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enqueue", f"{MAILING}:Nope", "{}"]) == ExitCode.USAGE
    assert "'Nope'" in capsys.readouterr().err
    assert main(["enqueue", MAILING, "{}"]) == ExitCode.USAGE
    assert "module:Class" in capsys.readouterr().err


def test_a_job_is_shown_without_its_secrets(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """API 1: sensitive fields are masked wherever a payload is printed."""
    handle = cli_jobs.enqueue(Secret(user="ann", password="hunter2"), metadata={"user": "7"})

    text = out(capsys, "jobs", "show", handle.id)
    told: dict[str, Any] = json.loads(out(capsys, "jobs", "show", handle.id, "--json"))

    assert "Secret(user='ann', password=***)" in text
    assert "hunter2" not in text
    assert told["payload"] == {"user": "ann", "password": "***"}
    assert told["state"] == "queued"
    assert told["metadata"] == {"user": "7"}


def no_type(name: str) -> None:
    """Be a process where no job type was imported."""


def test_a_payload_of_an_unknown_type_is_not_printed(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """API 1: nobody here knows which of its fields are secret."""
    monkeypatch.delenv("JOBKIT_APP")
    monkeypatch.setattr("jobkit.engine.core.named_type", no_type)
    handle = cli_jobs.enqueue(Secret(user="ann", password="hunter2"))

    text = out(capsys, "jobs", "show", handle.id)
    assert main(["jobs", "list"]) == ExitCode.OK
    said = capsys.readouterr()

    assert "hunter2" not in text + said.out
    assert "--import" in text
    assert "20, unless its type says otherwise" in text
    assert said.err.count("--import") == 1


def test_jobs_are_cancelled_retried_and_deleted(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B44, B45, B46."""
    first, second = cli_jobs.enqueue_many([Note("a"), Note("b")])

    assert out(capsys, "jobs", "cancel", first.id) == f"{first.id} cancelled"
    assert first.record().state is JobState.CANCELLED
    assert out(capsys, "jobs", "retry", first.id) == f"{first.id} retried"
    assert first.record().state is JobState.QUEUED
    assert out(capsys, "jobs", "delete", first.id, second.id).count("deleted") == 2
    assert main(["jobs", "show", first.id]) == ExitCode.REFUSED
    assert first.id in capsys.readouterr().err


def test_what_cannot_be_done_is_refused_job_by_job(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting, gone = cli_jobs.enqueue_many([Note("a"), Note("b")])
    gone.delete()

    assert main(["jobs", "retry", waiting.id, gone.id]) == ExitCode.REFUSED
    first, second = capsys.readouterr().err.splitlines()
    assert "is queued" in first
    assert first.count(waiting.id) == second.count(gone.id) == 1
    assert main(["jobs", "delete", gone.id]) == ExitCode.REFUSED
    assert "was gone" in capsys.readouterr().err


def test_without_a_place_a_command_asks_for_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "list"]) == ExitCode.USAGE
    assert "--redis" in capsys.readouterr().err


def test_without_a_redis_a_command_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobkit.client.jobs.DEFAULT_ENQUEUE_TIMEOUT", timedelta(milliseconds=50))
    url = f"redis://{HOST}:{free_port()}"

    assert main(["jobs", "show", "x" * 26, "--redis", url]) == ExitCode.NO_REDIS
    assert "cannot reach Redis" in capsys.readouterr().err


def test_jobs_are_listed_with_totals(
    cli_jobs: RedisJobs, capsys: pytest.CaptureFixture[str]
) -> None:
    """B47."""
    cli_jobs.enqueue_many([Note("a"), Note("b"), Note("c")])

    assert main(["jobs", "list", "--state", "queued", "--limit", "2"]) == ExitCode.OK
    said = capsys.readouterr()
    told: dict[str, Any] = json.loads(out(capsys, "jobs", "list", "--json"))

    assert "Note(text='a')" in said.out
    assert "Note(text='c')" not in said.out
    assert said.err.startswith("2 of 3; go on with --cursor ")
    assert [item["payload"]["text"] for item in told["items"]] == ["a", "b", "c"]
    assert (told["total"], told["cursor"]) == (3, None)


def test_a_record_without_a_version_has_none(cli_jobs: RedisJobs) -> None:
    """API 8: a worker that was told no version has none, in the record as in its attempts."""
    handle = cli_jobs.enqueue(Note("a"))
    cli_jobs.drain()

    record = handle.record()
    assert (record.version, record.attempts[-1].version) == (None, None)
