"""The supervisor over small programs that speak for worker processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jobkit.cli import restarts, supervisor
from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.supervisor import Supervisor, same_command

BEGIN = """
import os, signal, socket, sys
link = socket.socket(fileno=int(os.environ["JOBKIT_SUPERVISOR"]))
lines = link.makefile("r")
notes = sys.argv[1]
def note(text):
    with open(notes, "a") as file:
        file.write(text + "\\n")
def serve(name):
    link.sendall(f"worker {name}\\n".encode())
    for line in lines:
        if line == "go\\n":
            return
        note(f"{name}: {line.strip()}")
        link.sendall(line.replace("dead", "taken").encode())
times = len(open(notes).readlines()) if os.path.exists(notes) else 0
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restarts, "FIRST", 0.01)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


def ran(program: str, notes: Path, *, processes: int = 1, burst: bool = False) -> ExitCode:
    """Run a program under a supervisor to the end."""
    return Supervisor(
        [sys.executable, "-S", "-E", "-c", BEGIN + program, str(notes)],
        processes=processes,
        burst=burst,
        shutdown_timeout=0.0,
    ).run()


def test_a_program_that_cannot_start_is_not_started_again(
    notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert ran('note("tried"); sys.exit(2)', notes, processes=3) is ExitCode.USAGE

    assert notes.read_text() == "tried\n" * 3
    assert "exited with code 2" in caplog.text


def test_one_that_dies_is_replaced_and_the_next_takes_over(
    notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """B37: the second is told of the first, the third only of the second."""
    program = """
serve(f"w{times}")
note(f"w{times} served")
if times < 2:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert ran(program, notes, burst=True) is ExitCode.OK

    assert notes.read_text().split("\n")[:3] == ["w0 served", "w1: dead w0", "w1 served"]
    assert "worker w0) was killed by signal 9 (SIGKILL); another one starts in" in caplog.text


def test_sigterm_stops_all_and_waits_for_them(notes: Path) -> None:
    """B52: the exit code is the worst of theirs."""
    program = f"""
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
serve("w")
note("served")
if len(open(notes).readlines()) == 2:
    os.kill({os.getpid()}, signal.SIGTERM)
signal.sigwait([signal.SIGTERM])
sys.exit(4)
"""
    assert ran(program, notes, processes=2) is ExitCode.HANDED_BACK


def test_who_ignores_sigterm_is_killed_after_a_grace(
    notes: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B52: the supervisor ends, whatever its processes do."""
    monkeypatch.setattr(supervisor, "GRACE", 0.2)
    program = f"""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
serve("w")
os.kill({os.getpid()}, signal.SIGTERM)
signal.pause()
"""
    assert ran(program, notes) is ExitCode.REFUSED
    assert "did not end in time: it is killed" in caplog.text


def test_a_second_sigint_is_passed_on(notes: Path) -> None:
    """B52: the first is a SIGTERM for them, the second a SIGINT: do not wait."""
    program = f"""
signals = [signal.SIGTERM, signal.SIGINT]
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
serve("w")
os.kill({os.getpid()}, signal.SIGINT)
first = signal.sigwait(signals)
os.kill({os.getpid()}, signal.SIGINT)
second = signal.sigwait(signals)
sys.exit(5 if [first, second] == signals else 1)
"""
    assert ran(program, notes) is ExitCode.ABANDONED


def test_the_command_is_started_as_this_process_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreter options included."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "-O", "/bin/jobkit", "worker", "app"])

    assert same_command(None) == [sys.executable, "-O", "/bin/jobkit", "worker", "app"]
    assert same_command(["worker", "app"]) == [
        sys.executable,
        *("-m", "jobkit.cli", "worker", "app"),
    ]
