"""The command line: flags, variables, refusals, help."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta

import pytest

from jobkit.cli.exit_codes import MEANINGS, ExitCode
from jobkit.cli.parser import LATER, LaterCommand, WorkerCommand, parse
from jobkit.cli.worker_options import PROCESS_OPTIONS, WORKER_OPTIONS

OPTIONS = (*PROCESS_OPTIONS, *WORKER_OPTIONS)


def a_worker(*flags: str, environ: Mapping[str, str] | None = None) -> WorkerCommand:
    command = parse(["worker", "app.jobs", *flags], environ or {})
    assert isinstance(command, WorkerCommand)
    return command


def words_of_refusal(
    capsys: pytest.CaptureFixture[str], *argv: str, environ: Mapping[str, str] | None = None
) -> str:
    with pytest.raises(SystemExit) as refused:
        parse(argv, environ or {})
    assert refused.value.code == ExitCode.USAGE
    return capsys.readouterr().err


def help_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parse(argv, {})
    assert ended.value.code == ExitCode.OK
    return capsys.readouterr().out


def test_what_is_not_given_is_left_to_the_worker() -> None:
    assert a_worker() == WorkerCommand(target="app.jobs", options={}, flags=a_worker().flags)


def test_every_option_is_read_from_its_flag() -> None:
    command = a_worker(
        *("--import", "app.mail", "--import", "app.a,app.b", "--queues", "mail=2,default=2"),
        *("--strict", "--concurrency", "32", "--processes", "2", "--burst", "--prefetch", "4"),
        *("--lease", "20", "--shutdown-timeout", "0.5", "--poll", "2", "--abandon-after", "9"),
        *("--redis", "redis://r", "--namespace", "shop", "--log-level", "debug"),
    )

    assert command.imports == ("app.mail", "app.a", "app.b")
    assert command.options == {
        "queues": {"mail": 2, "default": 2},
        "strict": True,
        "concurrency": 32,
        "prefetch": 4,
        "lease": timedelta(seconds=20),
        "shutdown_timeout": timedelta(seconds=0.5),
        "poll": timedelta(seconds=2),
        "abandon_after": timedelta(seconds=9),
    }
    assert (command.processes, command.burst) == (2, True)
    assert (command.redis, command.namespace) == ("redis://r", "shop")
    assert command.log_level == "DEBUG"


def test_every_option_is_read_from_its_variable() -> None:
    command = a_worker(
        environ={
            "JOBKIT_IMPORT": "app.mail,app.export",
            "JOBKIT_QUEUES": "mail,default",
            "JOBKIT_STRICT": "0",
            "JOBKIT_CONCURRENCY": "32",
            "JOBKIT_PROCESSES": "2",
            "JOBKIT_BURST": "1",
            "JOBKIT_PREFETCH": "4",
            "JOBKIT_LEASE": "20",
            "JOBKIT_SHUTDOWN_TIMEOUT": "0.5",
            "JOBKIT_POLL": "2",
            "JOBKIT_ABANDON_AFTER": "9",
            "JOBKIT_REDIS_URL": "redis://r",
            "JOBKIT_NAMESPACE": "shop",
            "JOBKIT_LOG_LEVEL": "debug",
        }
    )

    assert command.imports == ("app.mail", "app.export")
    assert command.options == {
        "queues": ["mail", "default"],
        "strict": False,
        "concurrency": 32,
        "prefetch": 4,
        "lease": timedelta(seconds=20),
        "shutdown_timeout": timedelta(seconds=0.5),
        "poll": timedelta(seconds=2),
        "abandon_after": timedelta(seconds=9),
    }
    assert (command.processes, command.burst) == (2, True)
    assert (command.redis, command.namespace) == ("redis://r", "shop")
    assert command.log_level == "DEBUG"
    assert "redis" not in command.flags


def test_a_flag_wins_over_the_environment() -> None:
    environ = {"JOBKIT_CONCURRENCY": "no number, and not read", "JOBKIT_BURST": "1"}

    command = a_worker("--concurrency", "2", "--no-burst", environ=environ)

    assert command.options == {"concurrency": 2}
    assert not command.burst


def test_a_bad_value_in_the_environment_names_the_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    environ = {"JOBKIT_CONCURRENCY": "many"}

    words = words_of_refusal(capsys, "worker", "app.jobs", environ=environ)

    assert "JOBKIT_CONCURRENCY='many': 'many' is no whole number" in words


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("worker",), "the following arguments are required: MODULE"),
        (("wroker",), "invalid choice: 'wroker'"),
        (("worker", "app", "--concurrency", "0"), "--concurrency: give an int of at least 1"),
        (("worker", "app", "--conc", "2"), "unrecognized arguments: --conc"),
        (("worker", "app", "other"), "unrecognized arguments: other"),
    ],
)
def test_a_wrong_command_line_is_refused(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], words: str
) -> None:
    assert words in words_of_refusal(capsys, *argv)


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("rest", [(), ("list", "--json"), ("--help",), ("app:Send", "{}")])
def test_a_command_that_comes_later_is_known_whatever_follows(
    name: str, rest: tuple[str, ...]
) -> None:
    assert parse([name, *rest], {}) == LaterCommand(name=name)


@pytest.mark.parametrize("argv", [("--help",), ("worker", "--help")])
def test_the_help_ends_with_examples_and_the_exit_codes(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]
) -> None:
    text = help_of(capsys, *argv)

    tail = text[text.index("\nexamples:\n") :]
    assert tail.count("\n  # ") >= 5
    assert tail.splitlines()[-len(MEANINGS) :] == [
        f"  {code:d}  {meaning}" for code, meaning in MEANINGS.items()
    ]


def test_the_examples_of_the_help_can_be_parsed(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys, "--help")

    lines = [line.partition("jobkit ")[2] for line in text.splitlines() if "jobkit worker" in line]
    assert len(lines) >= 6
    assert all(isinstance(parse(line.split(), {}), WorkerCommand) for line in lines)


def test_the_help_shows_every_flag_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    words = " ".join(help_of(capsys, "worker", "--help").split())

    for option in OPTIONS:
        assert option.flag in words
        assert f"[{option.variable}" in words


def test_every_exit_code_has_its_number_and_a_meaning() -> None:
    assert [code.value for code in ExitCode] == [0, 1, 2, 3, 4, 5]
    assert list(MEANINGS) == list(ExitCode)


def test_the_help_loads_neither_redis_nor_the_engine() -> None:
    script = """
import sys
from jobkit.cli import main
assert main(["worker", "--help"]) == 0
print(*{name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names))
"""
    command = [sys.executable, "-I", "-c", script]

    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    loaded = set(said.splitlines()[-1].split())
    assert loaded.isdisjoint({"redis", "msgspec", "croniter", "hiredis", "rich"})


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert help_of(capsys, "--version") == f"jobkit {version('jobkit-sdk')}\n"
