"""`jobkit worker` inside of this process, on MemoryJobs: what is refused, and how it ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import ModuleType

import pytest

from jobkit import Handlers, JobContext, JobState, MemoryJobs
from jobkit.cli import main
from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.parser import LATER
from jobkit.cli.worker import serve, summary


@dataclass(frozen=True)
class Stop:
    """Sends a signal to the process that runs it, and holds on for so long."""

    number: int
    hold: float = 0.0


@dataclass(frozen=True)
class Step:
    """Does nothing."""

    number: int


handlers = Handlers()


@handlers.register
def stop(job: Stop) -> None:
    os.kill(os.getpid(), job.number)
    threading.Event().wait(job.hold)


@pytest.fixture
def jobs() -> Iterator[MemoryJobs]:
    with MemoryJobs(handlers=handlers, enqueue_timeout=timedelta(seconds=20)) as made:
        yield made


@pytest.fixture
def app(jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give a module that has this backend, and Handlers."""
    module = ModuleType("app_of_this_test")
    vars(module).update(jobs=jobs, handlers=handlers)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in [name for name in os.environ if name.startswith("JOBKIT_")]:
        monkeypatch.delenv(name)
    return module


@pytest.mark.parametrize("number", [int(signal.SIGTERM), int(signal.SIGINT)])
def test_a_signal_stops_a_worker_that_then_finishes_what_runs(
    jobs: MemoryJobs, number: int
) -> None:
    """B52."""
    before = signal.getsignal(number)
    handle = jobs.enqueue(Stop(number, hold=0.1))

    assert serve(jobs, {}) is ExitCode.OK
    assert handle.record().state is JobState.SUCCEEDED
    assert signal.getsignal(number) is before


def test_a_deadline_that_passes_hands_back(jobs: MemoryJobs) -> None:
    """B52."""
    handle = jobs.enqueue(Stop(int(signal.SIGTERM), hold=20))

    assert serve(jobs, {"shutdown_timeout": timedelta(0)}) is ExitCode.HANDED_BACK
    assert handle.record().state is JobState.QUEUED


def test_a_burst_ends_by_itself_also_with_nothing_to_do(
    jobs: MemoryJobs, app: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    """B53."""
    caplog.set_level(logging.INFO)

    assert main(["worker", app.__name__, "--burst", "--concurrency", "1"]) == ExitCode.OK
    assert "serves default with 1 slot and 1 job type, on MemoryJobs()" in caplog.text
    assert "stopped: nothing ran" in caplog.text


@pytest.mark.parametrize(
    "flags", [("--queues", "mail=10,default=1"), ("--strict", "--queues", "mail,default")]
)
def test_queues_are_served_by_weight_or_in_order(
    jobs: MemoryJobs, app: ModuleType, flags: tuple[str, ...]
) -> None:
    """B11: the worker that the command starts has these settings, and honours them."""
    ran: list[str] = []

    @jobs.register
    def note(job: Step, ctx: JobContext) -> None:
        ran.append(ctx.queue)

    for queue in ("default", "mail"):
        jobs.enqueue_many([Step(i) for i in range(22)], queue=queue)

    assert main(["worker", app.__name__, "--burst", "--concurrency", "1", *flags]) == ExitCode.OK

    assert ran[:22].count("mail") == (22 if "--strict" in flags else 20)


def test_a_worker_without_handlers_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert serve(MemoryJobs(), {}, burst=True) is ExitCode.OK
    assert "no job type has a handler, so nothing runs" in caplog.text


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--strict", "--queues", "a=1,b=1"), "strict=True takes queue names in order"),
        (("--strict",), "strict=True takes queue names in order; give queues=[...]"),
        (("--redis", "redis://r"), "is MemoryJobs(), which has its own; leave --redis out"),
        (("--namespace", "n"), "--namespace: app_of_this_test is MemoryJobs()"),
        (("--import", "no_such_module"), "No module named 'no_such_module'"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    app: ModuleType, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], words: str
) -> None:
    """B57."""
    assert main(["worker", app.__name__, *flags]) == ExitCode.USAGE

    said = capsys.readouterr().err
    assert said.startswith("jobkit worker: ")
    assert words in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "app_of_this_test:handlers is a Handlers: say where its jobs are, with --redis or"),
        (("--redis", "http://:pw@r"), "'http://***@r' is no Redis URL"),
        (("--redis", "redis://r", "--namespace", "a b"), "namespace='a b': a name is"),
    ],
)
def test_handlers_need_a_redis(
    app: ModuleType, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], words: str
) -> None:
    assert main(["worker", f"{app.__name__}:handlers", *flags]) == ExitCode.USAGE
    assert words in capsys.readouterr().err


def test_a_redis_in_the_environment_is_not_for_a_backend_that_has_its_own(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBKIT_REDIS_URL", "redis://r")

    assert main(["worker", app.__name__, "--burst"]) == ExitCode.OK


def test_a_backend_that_runs_already_is_refused(
    jobs: MemoryJobs, app: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """B51: its start would do nothing, and drop the options."""
    jobs.start()

    assert main(["worker", app.__name__]) == ExitCode.USAGE
    assert "was started when it was imported" in capsys.readouterr().err


@pytest.mark.parametrize("name", LATER)
def test_other_commands_are_refused_by_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """B57."""
    assert main([name, "--json"]) == ExitCode.USAGE
    assert capsys.readouterr().err == f"jobkit {name} is not supported yet\n"


def test_a_wrong_command_line_ends_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker"]) == ExitCode.USAGE
    assert main(["--version"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("jobkit ")


def test_the_summary_leaves_out_what_did_not_happen() -> None:
    assert summary({"succeeded": 3, "dead": 0}, 0) == "3 succeeded"
    assert summary({}, 0) == "nothing ran"
