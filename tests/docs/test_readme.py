"""The README does what it says: its snippets run, its commands, flags, extras and links exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, run
from tests.servers import RedisServer, find_servers

PAGE = Page(ROOT / "README.md")
README = PAGE.text


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a folder with the files of the README's Python blocks."""
    PAGE.write_files(tmp_path)
    return tmp_path


def test_every_block_is_in_a_language_that_is_checked_here() -> None:
    assert PAGE.languages == {"python", "pycon", "shell"}


def test_the_tests_of_the_readme_pass(project: Path) -> None:
    done = run(project, "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{PAGE.tests} passed" in done.stdout


def test_mistakes_get_the_messages_of_the_readme(project: Path) -> None:
    """Shows B3 and B57."""
    setup = (
        ">>> from datetime import UTC, datetime\n"
        ">>> from app.jobs import SendWelcomeEmail\n"
        ">>> from app.signup import SignUp\n"
        ">>> from jobkit_testing import TestingJobs\n"
        ">>> jobs = TestingJobs(start=datetime(2026, 1, 1, tzinfo=UTC))\n"
    )
    (project / "mistakes.txt").write_text(setup + "\n".join(PAGE.blocks("pycon")), encoding="utf-8")

    done = run(project, "doctest", "mistakes.txt")

    assert done.returncode == 0, done.stdout + done.stderr


def test_its_commands_run_the_job_on_redis(project: Path) -> None:
    (produce,) = [words for words in PAGE.commands() if words[:3] == ["python", "-m", "app.main"]]
    (work,) = [words for words in PAGE.commands() if words[:2] == ["jobkit", "worker"]]

    with RedisServer(find_servers()[-1]) as server:  # of its own: the snippets name no namespace
        environment = {"JOBKIT_REDIS_URL": server.url}
        produced = run(project, *produce[2:], environment=environment)
        worked = run(project, "jobkit.cli", *work[1:], "--burst", environment=environment)

    assert produced.returncode == 0, produced.stderr
    assert worked.returncode == 0, worked.stderr
    assert worked.stdout == "Dear ann@example.com, welcome!\n"


def test_the_verbs_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    defined = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    inline = re.findall(r"`make ([a-z-]+)", README)

    named = {words[1] for words in PAGE.commands() if words[0] == "make"} | set(inline)

    assert {"demo", "test"} <= named <= defined


def test_the_flags_of_the_worker_exist(project: Path) -> None:
    flags = set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(PAGE.blocks("shell")))) - {
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
