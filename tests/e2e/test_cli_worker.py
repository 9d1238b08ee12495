"""`jobkit worker` in processes of its own, on real Redis servers: what it says and how it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jobkit import JobState, RedisJobs
from jobkit.cli import ExitCode
from jobkit.worker import WorkingJobs
from tests.conftest import BINARIES, NEWEST
from tests.e2e.apps.mailing import Gated, Note, Overdue, Patient, Stubborn
from tests.e2e.command import PATIENCE, Command
from tests.servers import HOST, RedisServer, free_port

MAILING = "tests.e2e.apps.mailing"
WRAPPED = "tests.e2e.apps.wrapped"
WAIT = timedelta(seconds=PATIENCE)


@pytest.fixture
def client(redis_server: RedisServer, namespace: str) -> Iterator[RedisJobs]:
    """Give what the worker's application would enqueue with."""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        yield jobs


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Give a named pipe: its reader waits for a writer."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def worker(server: RedisServer, namespace: str, *options: str) -> Command:
    """Run a worker on Handlers."""
    return Command("worker", MAILING, "--redis", server.url, "--namespace", namespace, *options)


def wrapped(server: RedisServer, namespace: str, *options: str) -> Command:
    """Run a worker on a backend whose handlers run in threads that Python waits for."""
    return Command("worker", WRAPPED, *options, APP_REDIS_URL=server.url, APP_NAMESPACE=namespace)


def test_a_worker_runs_jobs_until_sigterm_and_lets_the_running_one_finish(
    redis_server: RedisServer, client: WorkingJobs, namespace: str, pipe: Path
) -> None:
    """B52."""
    with worker(redis_server, namespace, "--concurrency", "2") as command:
        start = command.says("serves default")
        done = client.enqueue(Note("hello")).wait(WAIT)
        said = command.says("noted hello")
        running = client.enqueue(Gated(str(pipe)))
        command.says("gated began")
        command.terminate()
        command.says("told to stop")
        pipe.write_bytes(b"go on")

        assert command.code() == ExitCode.OK
        assert done.state is JobState.SUCCEEDED
        assert running.record().state is JobState.SUCCEEDED
        assert said.endswith(f"[{MAILING}.Note {done.id} attempt 1]")
        assert "2 slots and 5 job types" in start
        assert f"{redis_server.url!r}, namespace={namespace!r}" in start
        assert "stopped: 2 succeeded" in command.output


def test_a_job_that_does_not_end_in_time_is_handed_back_and_the_exit_code_tells(
    redis_server: RedisServer, client: WorkingJobs, namespace: str
) -> None:
    """B52: it has spent no attempt, and the process ends although its thread does not."""
    with wrapped(redis_server, namespace, "--shutdown-timeout", "0.2") as command:
        handle = client.enqueue(Stubborn())
        command.says("for ever began")
        command.terminate()

        assert command.code() == ExitCode.HANDED_BACK
        record = handle.record()
        assert (record.state, record.attempt, record.starts) == (JobState.QUEUED, 1, 1)
        assert "stopped: 1 handed back" in command.output


def test_an_async_job_that_the_deadline_cancels_is_handed_back_as_well(
    redis_server: RedisServer, client: WorkingJobs, namespace: str
) -> None:
    """B52."""
    with worker(redis_server, namespace, "--shutdown-timeout", "0") as command:
        handle = client.enqueue(Patient())
        command.says("patient began")
        command.terminate()

        assert command.code() == ExitCode.HANDED_BACK
        record = handle.record()
        assert (record.state, record.attempt, record.starts) == (JobState.QUEUED, 1, 1)


def test_the_first_sigint_waits_and_the_second_does_not(
    redis_server: RedisServer, client: WorkingJobs, namespace: str
) -> None:
    """B52."""
    with worker(redis_server, namespace, "--shutdown-timeout", "600") as command:
        handle = client.enqueue(Stubborn())
        command.says("for ever began")
        command.interrupt()
        command.says("told to stop: running jobs have 600 s")
        command.interrupt()

        assert command.code() == ExitCode.HANDED_BACK
        assert handle.record().state is JobState.QUEUED


def test_a_worker_whose_slots_are_all_abandoned_gives_up(
    redis_server: RedisServer, client: WorkingJobs, namespace: str
) -> None:
    """B28."""
    options = ("--concurrency", "1", "--abandon-after", "0.05")
    with wrapped(redis_server, namespace, *options) as command:
        overdue = client.enqueue(Overdue())
        command.says("for ever began")
        waiting = client.enqueue(Note("nobody is left"))

        assert command.code() == ExitCode.ABANDONED
        assert overdue.record().state is JobState.DEAD
        assert waiting.record().state is JobState.QUEUED
        assert "every slot is taken" in command.output


def test_a_burst_runs_what_is_due_and_ends(
    redis_server: RedisServer, client: WorkingJobs, namespace: str
) -> None:
    """B53; its options come from the environment."""
    notes = client.enqueue_many([Note(f"{number}") for number in range(50)])
    later = client.enqueue(Note("later"), delay=timedelta(hours=1))

    with Command(
        "worker",
        MAILING,
        JOBKIT_BURST="1",
        JOBKIT_REDIS_URL=redis_server.url,
        JOBKIT_NAMESPACE=namespace,
    ) as command:
        assert command.code() == ExitCode.OK
        assert {note.record().state for note in notes} == {JobState.SUCCEEDED}
        assert later.record().state is JobState.SCHEDULED
        assert "stopped: 50 succeeded" in command.output


def test_a_burst_on_memory_says_that_nothing_outlives_it(tmp_path: Path) -> None:
    """B53; started by a script elsewhere, as pip makes them: it imports from where it is run."""
    script = tmp_path / "jobkit"
    script.write_text("import sys\nfrom jobkit.cli import main\nsys.exit(main())\n")

    with Command("worker", "tests.e2e.apps.demo", "--burst", start=(str(script),)) as command:
        assert command.code() == ExitCode.OK
        assert "noted from memory" in command.output
        assert "too early" not in command.output
        assert "MemoryJobs: no other process can enqueue here" in command.output


def test_a_worker_goes_on_after_redis_was_away(pipe: Path) -> None:
    """B39: what ended meanwhile is settled after."""
    with (
        RedisServer(BINARIES[NEWEST], "--appendonly", "yes") as server,
        RedisJobs(server.url) as client,
        worker(server, "jobkit", "--poll", "0.1") as command,
    ):
        running = client.enqueue(Gated(str(pipe)))
        command.says("gated began")
        server.stop()
        command.says("the worker pauses and tries again")
        pipe.write_bytes(b"go on")
        server.restart()
        command.says("the store is back")

        assert running.wait(WAIT).state is JobState.SUCCEEDED
        assert client.enqueue(Note("after")).wait(WAIT).state is JobState.SUCCEEDED
        command.terminate()
        assert command.code() == ExitCode.OK
        assert running.record().starts == 1


def test_without_redis_a_worker_ends_at_its_start() -> None:
    """B39 begins once the worker has reached its store."""
    url = f"redis://:secret@{HOST}:{free_port()}"

    with Command("worker", WRAPPED, APP_REDIS_URL=url) as command:
        assert command.code() == ExitCode.NO_REDIS
        assert "jobkit worker: cannot reach Redis at redis://***@" in command.output
        assert "secret" not in command.output


def test_a_refused_login_ends_a_worker_at_its_start() -> None:
    with RedisServer(BINARIES[NEWEST], "--requirepass", "right") as server:
        url = server.url.replace("://", "://:wrong@")

        with (
            Command("worker", MAILING, "--redis", url) as wrong,
            Command("worker", MAILING, "--redis", server.url) as missing,
        ):
            assert (wrong.code(), missing.code()) == (ExitCode.NO_REDIS, ExitCode.NO_REDIS)
            assert "refused the login" in wrong.output
            assert "refused the login" in missing.output
            assert ":wrong@" not in wrong.output


def test_an_application_that_fails_shows_its_own_traceback_and_no_more() -> None:
    with Command("worker", "tests.e2e.apps.broken") as command:
        assert command.code() == ExitCode.USAGE
        assert "importing tests.e2e.apps.broken failed" in command.output
        assert "RuntimeError: no such database" in command.output
        assert "importlib" not in command.output
        assert "jobkit/cli" not in command.output
