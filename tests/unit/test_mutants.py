"""The bugs of `make mutants` can all be planted, and each is a bug of its own."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.mutants.catalogue import CATALOGUE
from benchmarks.mutants.mutant import Mutant, StaleMutant
from jobkit_testing.conformance import StoreConformance

ROOT = Path(__file__).parents[2]
THEMES = {suite.__module__.rpartition(".")[2] for suite in StoreConformance.__bases__}


def test_each_bug_stands_where_the_catalogue_says() -> None:
    """Whoever changes a line that a bug is made of writes the bug anew."""
    texts = {path: (ROOT / path).read_text() for path in {mutant.path for mutant in CATALOGUE}}
    found = {mutant.name: texts[mutant.path].count(mutant.old) for mutant in CATALOGUE}

    assert {name: times for name, times in found.items() if times != 1} == {}


def test_each_bug_is_one_of_its_own() -> None:
    names = Counter(mutant.name for mutant in CATALOGUE)
    bugs = Counter((mutant.path, mutant.old, mutant.new) for mutant in CATALOGUE)

    assert len(CATALOGUE) >= 60
    assert set(names.values()) == set(bugs.values()) == {1}
    assert [mutant.name for mutant in CATALOGUE if mutant.old == mutant.new] == []


def test_each_bug_names_its_promise_and_who_should_catch_it() -> None:
    wrong = [
        mutant.name
        for mutant in CATALOGUE
        if not re.fullmatch(r"B\d+", mutant.promise)
        or not {*mutant.themes.split()} <= THEMES
        or not all((ROOT / path).exists() for path in mutant.tests)
        or bool(mutant.themes) != bool(mutant.store)
        or not mutant.name.startswith(("redis: ", "memory: ", "engine: ", "worker: "))
        or not (mutant.store or mutant.tests)
    ]

    assert wrong == []


def test_a_bug_is_planted_in_the_copy_alone(tmp_path: Path) -> None:
    mutant = next(mutant for mutant in CATALOGUE if mutant.store == "redis")
    before = (ROOT / mutant.path).read_text()
    (tmp_path / mutant.path).parent.mkdir(parents=True)
    shutil.copy(ROOT / mutant.path, tmp_path / mutant.path)

    mutant.plant(tmp_path)

    assert (tmp_path / mutant.path).read_text() == before.replace(mutant.old, mutant.new)
    assert (ROOT / mutant.path).read_text() == before


@pytest.mark.parametrize("text", ["nothing of the kind", "one two one two"])
def test_a_bug_that_stands_nowhere_or_twice_is_stale(text: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)

    with pytest.raises(StaleMutant, match=r"a limit: [02] times in file"):
        Mutant("a limit", "B26", "file", "two", "three").plant(tmp_path)
