"""Handlers in processes of their own: what they see, how they end, and that they do end."""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

import jobkit
from jobkit import JobRecord, JobState, MemoryJobs, RedisJobs
from jobkit.jobtype import job_type
from jobkit.store import Page
from jobkit.worker import WorkingJobs
from jobkit.worker.isolation import isolation
from tests.e2e.apps.isolated import Act, ActAsync, Child, handlers
from tests.e2e.backends import MakeJobs, store_of
from tests.e2e.command import PATIENCE, Command
from tests.e2e.waiting import eventually, seconds_of
from tests.servers import RedisServer

WAIT = timedelta(seconds=PATIENCE)
ISOLATED = "tests.e2e.apps.isolated"
Ran = Callable[..., JobRecord[Any]]


@pytest.fixture(scope="module")
def working() -> Iterator[MemoryJobs]:
    """Give a backend with a worker that several tests share: each imports the application once."""
    with MemoryJobs(handlers=handlers, version="7") as jobs:
        jobs.start(concurrency=2, queues=["default"])
        yield jobs


@pytest.fixture
def ran(working: MemoryJobs) -> Ran:
    """Give what runs one job to its end, or to the wait for its next attempt."""

    def run(what: str, path: object = "", **options: Any) -> JobRecord[Any]:
        handle = working.enqueue(Act(what, str(path)), **options)
        waits = (JobState.QUEUED, JobState.RUNNING)
        eventually(lambda: handle.record().state not in waits)
        return handle.record()

    return run


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Give a named pipe: whoever reads it hears when its last writer is gone."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def children_of(jobs: WorkingJobs, record: JobRecord[Any]) -> list[Child]:
    """Return what a job enqueued on its context, by the metadata that it inherits."""
    store, mark = store_of(jobs), record.metadata["mark"].encode()
    pages = [store.run(Page(queue="default", state=state, limit=1000)) for state in JobState]
    stored = [job for page in pages for job in page.jobs if job.type == f"{ISOLATED}.Child"]
    numbers = [job.payload for job in stored if b'"mark":"' + mark in job.metadata]
    return sorted((job_type(Child).decode(each) for each in numbers), key=lambda job: job.n)


def test_a_handler_runs_in_a_process_of_its_own_and_sees_what_others_see(ran: Ran) -> None:
    """B25, B28: the context, metadata, and what middleware has set."""
    record = ran("look", timeout=timedelta(minutes=1), metadata={"tenant": "7"})

    seen = cast(dict[str, Any], record.result)
    assert record.state is JobState.SUCCEEDED
    assert seen.pop("pid") != os.getpid()
    assert seen.pop("deadline").startswith("20")
    assert seen.pop("fence") > 0
    assert seen.pop("run_at") == seen.pop("enqueued_at")
    assert seen == {
        "id": record.id,
        "type": record.type,
        "queue": "default",
        "attempt": 1,
        "retries_left": 0,
        "current": True,
        "metadata": {"tenant": "7"},
        "tenant": "tenant 7",
        "values": {"seen": "by middleware"},
        "is_set": False,
    }


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("exit_with_3", "exited with code 3 before its handler had returned"),
        ("exit_with_0", "exited with code 0 before its handler had returned"),
        ("kill_itself", "was killed by signal 9 (SIGKILL): out of memory?"),
        ("abort", "was killed by signal 6 (SIGABRT)"),
    ],
)
def test_a_process_that_dies_is_a_failed_attempt(ran: Ran, what: str, how: str) -> None:
    """B28: with its reason; the worker lives on, and nothing is lost or published."""
    record = ran(what)

    assert record.state is JobState.DEAD
    assert record.losses == 0
    assert record.error is not None
    assert record.error.outcome == "failed"
    assert record.error.error_type == "ProcessDied"
    assert record.error.message == f"the isolated process {how}"
    assert ran("look").state is JobState.SUCCEEDED


def test_a_process_that_the_handler_forked_does_not_tell_how_it_ended(ran: Ran) -> None:
    """B23, B28"""
    record = ran("fork")

    assert (record.state, record.result) == ("succeeded", 1)


def test_an_exception_is_told_with_its_traceback(ran: Ran) -> None:
    """B28, B32: as without isolation."""
    error = ran("stumble").error

    assert error is not None
    assert (error.error_type, error.message) == ("LookupError", "nothing there")
    assert error.traceback is not None
    assert re.search(r"isolated.py.* in stumble", error.traceback)


def test_sys_exit_is_a_failure_and_publishes_nothing(working: MemoryJobs, ran: Ran) -> None:
    """B32, B41"""
    record = ran("leave", metadata={"mark": "leave"})

    assert record.error is not None
    assert (record.error.error_type, record.error.message) == ("SystemExit", "had enough")
    assert children_of(working, record) == []


@pytest.mark.parametrize(
    ("what", "state", "outcome"),
    [
        ("snooze", JobState.SCHEDULED, "snoozed"),
        ("discard", JobState.CANCELLED, "discarded"),
        ("dead", JobState.DEAD, "dead"),
    ],
)
def test_a_verdict_decides(ran: Ran, what: str, state: JobState, outcome: str) -> None:
    """B35: raised or returned, from another process."""
    record = ran(what)

    assert record.state is state
    assert [attempt.outcome for attempt in record.attempts] == [outcome]


def test_a_retry_comes_at_the_chosen_time(ran: Ran) -> None:
    """B35"""
    record = ran("retry", max_retries=1)

    assert record.state is JobState.RETRYING
    assert record.run_at - record.enqueued_at >= timedelta(hours=1)
    assert record.attempts[-1].message == "not yet"


def test_what_is_enqueued_on_the_context_is_published_with_the_success(
    working: MemoryJobs, ran: Ran
) -> None:
    """B41: collected in the child, stored by the worker."""
    record = ran("enqueue", metadata={"mark": "enqueue"})

    assert record.result == [None, False]
    assert children_of(working, record) == [Child(1), Child(2), Child(3), Child(4)]


def test_unique_jobs_are_looked_at_when_they_are_published(working: MemoryJobs, ran: Ran) -> None:
    """B21, B40: by the worker, not in the child."""
    record = ran("unique", metadata={"mark": "unique"})

    assert record.result == [None, None]
    assert children_of(working, record) == [Child(5)]


def test_what_the_worker_cannot_read_is_a_failed_attempt(
    ran: Ran, caplog: pytest.LogCaptureFixture
) -> None:
    """B32: whatever it is; the job does not hang."""
    error = ran("odd_delay").error

    assert error is not None
    assert "sent what cannot be read: not in this process" in str(error.message)
    assert "not in this process" in caplog.text


def test_async_handlers_run_on_a_loop_of_the_childs_own(working: MemoryJobs) -> None:
    """B25, B41: with `ctx.aio`, and the context variables of middleware."""
    handle = working.enqueue(ActAsync("enqueue_async"), metadata={"mark": "async", "tenant": "8"})

    record = handle.wait(WAIT)

    assert record.result == "tenant 8"
    assert children_of(working, record) == [Child(1), Child(2)]


def test_a_result_that_does_not_encode_is_dropped_with_a_warning(
    ran: Ran, caplog: pytest.LogCaptureFixture
) -> None:
    """B31"""
    record = ran("untellable")

    assert (record.state, record.result) == (JobState.SUCCEEDED, None)
    assert "is dropped, because it does not encode" in caplog.text


def test_memory_jobs_refuse_what_would_be_stored_for_nobody(ran: Ran) -> None:
    """B57: the child has a copy of the memory."""
    error = ran("enqueue_outside").error

    assert error is not None
    assert error.error_type == "jobkit.NotSupported"
    assert "Enqueue on ctx" in str(error.message)


def test_check_ins_reach_the_record(working: MemoryJobs, pipe: Path) -> None:
    """B29: while it runs, and the last of them with the end."""
    handle = working.enqueue(Act("check_in", str(pipe)))

    def said() -> tuple[object, object]:
        progress = handle.record().progress
        return (None, None) if progress is None else (progress.text, progress.done)

    eventually(lambda: said() == ("rows", 999))
    pipe.write_bytes(b"go on")
    handle.wait(WAIT)

    assert said() == ("the end", 1000)


def test_log_records_are_handled_in_the_worker(ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    """B28: where logging is configured; a filter there knows the job."""
    caplog.handler.addFilter(jobkit.JobLogFilter())
    with caplog.at_level(logging.INFO, "isolated"):
        record = ran("log")

    told = {each.getMessage(): each for each in caplog.records}
    assert told["a line of the job"].levelno == logging.WARNING
    assert {vars(told[line])["job_id"] for line in ("a failure", "a line of the job")} == {
        record.id
    }
    assert "LookupError: nothing there" in (told["a failure"].exc_text or "")


def test_at_the_deadline_the_process_is_killed_with_all_that_it_started(
    working: MemoryJobs, pipe: Path
) -> None:
    """B28: the pipe ends when its last holder is gone."""
    handle = working.enqueue(Act("hold", str(pipe)), timeout=timedelta(seconds=0.5))

    said = pipe.read_bytes()

    record = handle.wait(WAIT)
    assert said == b"began"
    assert (record.state, record.error and record.error.outcome) == (JobState.DEAD, "timed_out")
    assert record.timed_out_at is not None
    assert record.duration is not None
    assert record.duration < timedelta(seconds=10)


def test_a_cancelled_handler_is_told(working: MemoryJobs, pipe: Path) -> None:
    """B44: `ctx.cancelled` is set in the child."""
    handle = working.enqueue(Act("heed", str(pipe)))
    assert pipe.read_bytes() == b"began"

    handle.cancel()

    assert pipe.read_text() == "told: cancel"
    assert handle.wait(WAIT).state is JobState.CANCELLED


def test_a_cancelled_coroutine_is_cancelled(working: MemoryJobs, pipe: Path) -> None:
    """B44: the task, in the child."""
    handle = working.enqueue(ActAsync("heed_async", str(pipe)))
    assert pipe.read_bytes() == b"began"

    handle.cancel()

    assert pipe.read_text() == "told: cancel"
    assert handle.wait(WAIT).state is JobState.CANCELLED


def test_one_that_does_not_heed_a_cancel_is_killed(
    working: MemoryJobs, pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B28, B44: after a short grace."""
    monkeypatch.setattr(isolation, "KILL_GRACE", 0.05)
    handle = working.enqueue(Act("hold", str(pipe)))
    with pipe.open("rb") as held:
        assert held.read(5) == b"began"

        handle.cancel()

        assert held.read() == b""
    assert handle.wait(WAIT).state is JobState.CANCELLED


def test_a_shutdown_kills_what_does_not_end_and_hands_it_back(pipe: Path) -> None:
    """B52: nobody is left behind when it returns."""
    jobs = MemoryJobs(handlers=handlers)
    jobs.start()
    handle = jobs.enqueue(Act("hold", str(pipe)))
    with pipe.open("rb") as held:
        assert held.read(5) == b"began"

        took = seconds_of(lambda: jobs.shutdown(timeout=timedelta(0)))

        assert held.read() == b""
    record = handle.record()
    assert (record.state, record.attempt, record.losses) == (JobState.QUEUED, 1, 0)
    assert jobs.handed_back == 1
    assert took < 5
    jobs.close()


def test_if_the_template_dies_its_attempts_fail_and_the_next_has_a_new_one(pipe: Path) -> None:
    """B28: one failed attempt each, and the worker lives on."""
    with MemoryJobs(handlers=handlers) as jobs:
        jobs.start()
        handle = jobs.enqueue(Act("hold", str(pipe)))
        with pipe.open("rb") as held:
            assert held.read(5) == b"began"
            os.kill(_template_of(jobs), signal.SIGKILL)
            assert held.read() == b""

        error = handle.wait(WAIT).error
        assert error is not None
        assert "is gone: the process that isolated ones are forked from" in str(error.message)
        assert jobs.enqueue(Act("look")).wait(WAIT).state is JobState.SUCCEEDED


def _template_of(jobs: WorkingJobs) -> int:
    worker: Any = jobs.worker
    pid = worker._crew.isolation._spawner._process.pid
    assert isinstance(pid, int)
    return pid


def test_a_worker_of_the_command_line_isolates_and_its_death_ends_the_processes(
    redis_server: RedisServer, namespace: str, pipe: Path, redis_make: MakeJobs
) -> None:
    """B28: also when it is killed with SIGKILL."""
    options = ("--redis", redis_server.url, "--namespace", namespace)
    with (
        RedisJobs(redis_server.url, namespace=namespace) as client,
        Command("worker", f"{ISOLATED}:handlers", *options) as command,
    ):
        done = client.enqueue(Act("enqueue"), metadata={"mark": "cli"}).wait(WAIT)
        client.enqueue(Act("hold", str(pipe)))
        with pipe.open("rb") as held:
            assert held.read(5) == b"began"

            command.kill()

            assert held.read() == b""
        assert len(children_of(client, done)) == 4
