"""The pages of docs/ do what they say: their tests pass, their sessions and links hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobkit.cli import ExitCode, main
from tests.docs.pages import ROOT, Page, run
from tests.servers import RedisServer

PAGES = sorted((ROOT / "docs").glob("*.md"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
RUN = {"python", "pycon"}


SHOWING = [path for path in PAGES if Page(path).languages & RUN]
TYPING = [path for path in PAGES if any(words[0] == "jobkit" for words in Page(path).commands())]
LINKING = [path for path in [*PAGES, *DECISIONS] if Page(path).links]


def test_what_is_checked_here_is_found() -> None:
    """A page whose blocks, commands or links were not seen would pass all that follows."""
    assert len(SHOWING) >= 10
    assert len(TYPING) >= 4
    assert len(LINKING) >= 4


@pytest.mark.parametrize("path", SHOWING, ids=lambda path: path.stem)
def test_what_a_page_shows_works(path: Path, tmp_path: Path, redis_server: RedisServer) -> None:
    """Its files make a project; that one's tests pass, and what a session shows is what it says.

    `JOBKIT_REDIS_URL` leads to a server of the tests.
    """
    page = Page(path)
    page.write_files(tmp_path)
    sessions = "\n".join(page.blocks("pycon"))
    (tmp_path / "sessions.txt").write_text(sessions, encoding="utf-8")
    tests = ["tests"] if (tmp_path / "tests").exists() else []
    asked = [*tests, *(["sessions.txt"] if sessions else [])]

    done = run(
        tmp_path,
        *("pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--doctest-glob=sessions.txt"),
        *("--import-mode=importlib", "-o", "pythonpath=.", *asked),
        environment={"JOBKIT_REDIS_URL": redis_server.url},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^(\d+) passed in", done.stdout, re.MULTILINE)
    assert passed is not None, done.stdout
    assert int(passed[1]) >= page.tests + bool(sessions)  # one that has parameters is several


@pytest.mark.parametrize("path", TYPING, ids=lambda path: path.stem)
def test_the_options_that_a_page_types_exist(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command of jobkit takes the flags that stand behind it."""
    for words in Page(path).commands():
        if words[0] != "jobkit":
            continue
        flags = [word.partition("=")[0] for word in words if word.startswith("--")]
        is_group = words[1] in ("jobs", "queues", "schedules")
        assert main([*words[1 : 2 + is_group], "--help"]) == ExitCode.OK
        told = capsys.readouterr().out
        assert all(f"{flag} " in told or f"{flag}," in told for flag in flags), words


@pytest.mark.parametrize("path", LINKING, ids=lambda path: path.stem)
def test_the_links_of_a_page_lead_somewhere(path: Path) -> None:
    assert [link for link in Page(path).links if not (path.parent / link).exists()] == []
