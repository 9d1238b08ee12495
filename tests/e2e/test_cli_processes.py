"""`jobkit worker --processes`: processes that die, are replaced, and stop together."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jobkit import JobState, RedisJobs
from jobkit.cli import ExitCode
from tests.e2e.apps.mailing import Gated, Note, Patient
from tests.e2e.command import PATIENCE, Command
from tests.e2e.waiting import eventually, seconds_until
from tests.servers import RedisServer

MAILING = "tests.e2e.apps.mailing"
WAIT = timedelta(seconds=PATIENCE)


@pytest.fixture
def client(redis_server: RedisServer, namespace: str) -> Iterator[RedisJobs]:
    """Give what the workers' application would enqueue with."""
    with RedisJobs(redis_server.url, namespace=namespace) as jobs:
        yield jobs


def workers(server: RedisServer, namespace: str, *options: str) -> Command:
    """Run two worker processes."""
    where = ("--redis", server.url, "--namespace", namespace)
    return Command("worker", MAILING, *where, "--processes", "2", *options)


def pid_of(worker: str | None) -> int:
    """Return the process of a worker, by its name."""
    assert worker is not None
    return int(worker.split(".")[-2])


def test_a_process_that_is_killed_is_replaced_and_its_job_runs_again_at_once(
    redis_server: RedisServer, client: RedisJobs, namespace: str, tmp_path: Path
) -> None:
    """B37: long before its lease of 30 s is over, counted as one loss; nothing else is lost."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with workers(redis_server, namespace, "--lease", "30", "--concurrency", "2") as command:
        gated = client.enqueue(Gated(str(pipe)))
        command.says("gated began")
        notes = client.enqueue_many([Note(str(n)) for n in range(200)])
        dead = gated.record().worker

        os.kill(pid_of(dead), signal.SIGKILL)

        took = seconds_until(lambda: gated.record().starts == 2)
        pipe.write_bytes(b"go on")
        record = gated.wait(WAIT)
        assert {note.wait(WAIT).state for note in notes} == {JobState.SUCCEEDED}
        command.says("started (pid", times=3)
        command.terminate()
        assert command.code() == ExitCode.OK
    assert took < 10
    assert (record.state, record.losses) == (JobState.SUCCEEDED, 1)
    assert record.attempts[0].outcome == "lost"
    assert f"worker {dead}) was killed by signal 9 (SIGKILL)" in command.output
    assert re.search(rf"took over \d+ jobs of worker {dead}", command.output)


def test_what_does_not_end_in_time_is_handed_back_by_all(
    redis_server: RedisServer, client: RedisJobs, namespace: str
) -> None:
    """B52: the exit code is the worst of theirs."""
    options = ("--concurrency", "1", "--shutdown-timeout", "0")
    with workers(redis_server, namespace, *options) as command:
        handles = [client.enqueue(Patient()) for _ in range(2)]
        command.says("patient began", times=2)
        command.terminate()

        assert command.code() == ExitCode.HANDED_BACK
    assert {handle.record().state for handle in handles} == {JobState.QUEUED}


def test_a_burst_ends_when_all_are_dry(
    redis_server: RedisServer, client: RedisJobs, namespace: str
) -> None:
    """B53"""
    handles = client.enqueue_many([Note(str(n)) for n in range(50)])

    with workers(redis_server, namespace, "--burst") as command:
        assert command.code() == ExitCode.OK

    assert {handle.record().state for handle in handles} == {JobState.SUCCEEDED}


def test_if_the_supervisor_is_killed_its_processes_stop_in_order(
    redis_server: RedisServer, client: RedisJobs, namespace: str
) -> None:
    """B52: they finish what they run; its output ends when the last of them has."""
    with workers(redis_server, namespace, "--concurrency", "1") as command:
        command.says("serves default", times=2)

        command.kill()

        command.says("the supervisor is gone: shutting down", times=2)
        eventually(lambda: len(re.findall("stopped: nothing ran", command.output)) == 2)
