"""`module:attribute`: which object is meant, and what is said if there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from jobkit import Handlers, MemoryJobs
from jobkit.cli.loading import CannotLoad, load

_numbers = count(1)

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Give what writes a module into the current directory and returns its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names: list[str] = []

    def write_module(source: str) -> str:
        names.append(f"app_{next(_numbers)}")
        (tmp_path / f"{names[-1]}.py").write_text(f"from jobkit import *\n{source}\n")
        return names[-1]

    yield write_module
    for name in names:
        sys.modules.pop(name, None)


def complaint(target: str, *imports: str) -> str:
    with pytest.raises(CannotLoad) as refused:
        load(target, imports)
    return str(refused.value)


def test_an_attribute_is_taken_as_it_is(write: Write) -> None:
    name = write("first = Handlers()\nsecond = MemoryJobs()")

    assert load(f"{name}:first") is sys.modules[name].first
    assert load(f"{name}:second") is sys.modules[name].second


def test_an_attribute_may_lie_deeper(write: Write) -> None:
    name = write("class Config:\n    handlers = Handlers()")

    assert isinstance(load(f"{name}:Config.handlers"), Handlers)


def test_without_an_attribute_it_is_the_one_called_jobs(write: Write) -> None:
    name = write("handlers = Handlers()\njobs = MemoryJobs(handlers=handlers)")

    assert isinstance(load(name), MemoryJobs)


def test_without_jobs_it_is_the_only_one_under_however_many_names(write: Write) -> None:
    name = write("other = 1\nhandlers = Handlers()\nagain = handlers\njobs = ['not this']")

    assert isinstance(load(name), Handlers)


def test_several_candidates_are_listed(write: Write) -> None:
    name = write("handlers = Handlers('shop')\nqueue = MemoryJobs()")

    words = complaint(name)

    assert words.splitlines() == [
        f"{name} has several: choose one of",
        f"  {name}:handlers  <Handlers('shop') of nothing>",
        f"  {name}:queue  MemoryJobs()",
    ]


def test_a_missing_attribute_lists_what_is_there(write: Write) -> None:
    name = write("handlers = Handlers()")

    words = complaint(f"{name}:handler")

    assert f"{name} has no attribute 'handler'; there is\n  {name}:handlers" in words


def test_a_module_without_any_says_what_to_give(write: Write) -> None:
    name = write("")

    assert f"{name} has no attribute 'jobs' and nothing else that would do" in complaint(name)
    assert "give a backend (RedisJobs, MemoryJobs), a Handlers" in complaint(f"{name}:x")


def test_a_function_is_called_once_all_modules_are_imported(write: Write) -> None:
    name = write("handlers = Handlers()\ndef make(queue=None, *rest, **more): return handlers")
    other = write(
        f"import {name}\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Send: no: int\n"
        f"@{name}.handlers.register\ndef send(job: Send): ..."
    )

    loaded = load(f"{name}:make", [other])

    assert isinstance(loaded, Handlers)
    assert list(loaded.registrations) == [f"{other}.Send"]


def test_the_function_called_jobs_is_found_without_being_named(write: Write) -> None:
    name = write("def jobs(): return MemoryJobs()")

    assert isinstance(load(name), MemoryJobs)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 3", "{name}:x is an int; give a backend"),
        ("def x(): return 3", "{name}:x returned an int; give a backend"),
        ("async def x(): return MemoryJobs()", "{name}:x returned a coroutine; give a backend"),
        ("def x(url, *, more): ...", "{name}:x needs url, more; give a backend"),
        ("def x(): raise ValueError('no url')", "calling {name}:x failed:\nTraceback"),
    ],
)
def test_an_object_that_will_not_do_is_refused(write: Write, source: str, words: str) -> None:
    name = write(source)

    assert words.format(name=name) in complaint(f"{name}:x")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no_such_app", "No module named 'no_such_app': run it where no_such_app can be imported"),
        ("no_such_app.jobs:jobs", "No module named 'no_such_app'"),
        ("json.py", "write it without .py: json"),
        ("app/jobs", "'app/jobs' is no module: write it as in an import"),
        ("", "'' is no module"),
        (".jobs", "'.jobs' is no module"),
    ],
)
def test_a_module_that_is_not_there_is_told_without_a_traceback(
    write: Write, target: str, words: str
) -> None:
    assert complaint(target).startswith(words) or words in complaint(target)
    assert "Traceback" not in complaint(target)


@pytest.mark.parametrize(
    ("source", "last_line"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_dependency", "ModuleNotFoundError: No module named 'no_such_dependency'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("jobs = RedisJobs('http://x')", "jobkit.errors.InvalidOption: 'http://x' is no Redis URL"),
    ],
)
def test_a_module_that_fails_shows_its_own_traceback(
    write: Write, source: str, last_line: str
) -> None:
    name = write(source)

    for words in (complaint(name), complaint("json", name)):
        lines = words.splitlines()
        assert lines[0] == f"importing {name} failed:"
        assert f"{name}.py" in lines[2] or lines[1].startswith("  File")
        assert lines[-1].startswith(last_line)
        assert "importlib" not in words
        assert "jobkit/cli" not in words


def test_a_long_traceback_is_shown_by_its_end(write: Write) -> None:
    name = write("def f(n): return f(n - 1) if n else 1 / 0\nf(50)")

    lines = complaint(name).splitlines()

    assert len(lines) < 40
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_the_current_directory_is_looked_in_first(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = write("jobs = MemoryJobs()")
    before = list(sys.path)

    load(name)

    assert sys.path == [str(tmp_path), *before]
