"""The README does what it says: its snippets run, its commands, flags, extras and links exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import RedisServer, find_servers

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TIMEOUT = 50  # seconds; each takes one or two

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ((?:app|tests)/\w+\.py)\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


BLOCKS = [Block(*match.groups()) for match in _BLOCK.finditer(README)]


def texts(language: str) -> list[str]:
    return [block.text for block in BLOCKS if block.language == language]


def shell_lines() -> list[list[str]]:
    """Return the words of each command, without comments."""
    lines = (line for text in texts("shell") for line in text.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a folder with the files of the README's Python blocks."""
    for text in texts("python"):
        named = _FILE.match(text)
        assert named is not None, f"this block does not begin with the name of a file:\n{text}"
        path = tmp_path / named[1]
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    (tmp_path / "app" / "__init__.py").touch()
    return tmp_path


def run(
    project: Path, *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=project,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )


def test_every_block_is_in_a_language_that_is_checked_here() -> None:
    assert {block.language for block in BLOCKS} == {"python", "pycon", "shell"}


def test_the_tests_of_the_readme_pass(project: Path) -> None:
    written = sum(len(re.findall(r"^def test_", text, re.MULTILINE)) for text in texts("python"))

    done = run(project, "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{written} passed" in done.stdout


def test_mistakes_get_the_messages_of_the_readme(project: Path) -> None:
    """Shows B3 and B57."""
    setup = (
        ">>> from datetime import UTC, datetime\n"
        ">>> from app.jobs import SendWelcomeEmail\n"
        ">>> from app.signup import SignUp\n"
        ">>> from jobkit_testing import TestingJobs\n"
        ">>> jobs = TestingJobs(start=datetime(2026, 1, 1, tzinfo=UTC))\n"
    )
    (project / "mistakes.txt").write_text(setup + "\n".join(texts("pycon")), encoding="utf-8")

    done = run(project, "doctest", "mistakes.txt")

    assert done.returncode == 0, done.stdout + done.stderr


def test_its_commands_run_the_job_on_redis(project: Path) -> None:
    (produce,) = [words for words in shell_lines() if words[:3] == ["python", "-m", "app.main"]]
    (work,) = [words for words in shell_lines() if words[:2] == ["jobkit", "worker"]]

    with RedisServer(find_servers()[-1]) as server:  # of its own: the snippets name no namespace
        environment = {"JOBKIT_REDIS_URL": server.url}
        produced = run(project, *produce[2:], environment=environment)
        worked = run(project, "jobkit.cli", *work[1:], "--burst", environment=environment)

    assert produced.returncode == 0, produced.stderr
    assert worked.returncode == 0, worked.stderr
    assert worked.stdout == "Dear ann@example.com, welcome!\n"


def test_the_verbs_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    defined = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    inline = re.findall(r"`make ([a-z]+)", README)

    named = {words[1] for words in shell_lines() if words[0] == "make"} | set(inline)

    assert {"demo", "test"} <= named <= defined


def test_the_flags_of_the_worker_exist(project: Path) -> None:
    flags = set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(texts("shell")))) - {
        "--doctest-modules"  # of pytest
    }

    told = run(project, "jobkit.cli", "worker", "--help").stdout

    assert flags
    assert all(f"{flag} " in told for flag in flags)


def test_the_extras_to_install_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(re.findall(r"\.\[(\w+)\]", README))

    assert extras
    assert extras <= project["optional-dependencies"].keys()
    assert project["name"] in README


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
