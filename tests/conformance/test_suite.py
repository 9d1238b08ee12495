"""The suite itself: what a store's author may rely on when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobkit_testing.conformance import StoreConformance

ROOT = Path(__file__).parents[2]

SUITE = """
import pytest

from jobkit.memory.store import MemoryStore
from jobkit.store import MarkTimedOut
from jobkit_testing.conformance import StoreConformance


class Forgetful(MemoryStore):
    def run(self, operation, /, *, now=None):
        return True if isinstance(operation, MarkTimedOut) else super().run(operation, now=now)


class Untidy(MemoryStore):
    def audit(self, queue):
        return ["something lies about"]


class TestForgetful(StoreConformance):
    exceptions = {
        "test_the_first_mark_of_an_attempt_stays": "it marks nothing",
        "test_a_worker_that_beats_keeps_its_job_for_ever": "it thinks so",
    }

    @pytest.fixture
    def make_store(self):
        return Forgetful


class TestUntidy(StoreConformance):
    @pytest.fixture
    def make_store(self):
        return Untidy
"""


def run_suite(tmp_path: Path, *names: str) -> str:
    """Run some tests of the stores above, and return what pytest says."""
    module = tmp_path / "test_stores.py"
    module.write_text(SUITE)
    return subprocess.run(
        [
            *[sys.executable, "-m", "pytest", "-p", "no:jobkit", "-p", "no:cacheprovider"],
            *["-rA", "-c", str(tmp_path / "pytest.ini"), "--rootdir", str(tmp_path)],
            *[f"{module}::{name}" for name in names],
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout


def test_what_a_store_lists_as_impossible_is_expected_to_fail(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    listed = "TestForgetful::test_the_first_mark_of_an_attempt_stays"
    stale = "TestForgetful::test_a_worker_that_beats_keeps_its_job_for_ever"
    broken = "TestForgetful::test_only_the_holder_marks_an_attempt"

    said = run_suite(tmp_path, listed, stale, broken)

    assert f"XFAIL test_stores.py::{listed} - it marks nothing" in said
    assert f"FAILED test_stores.py::{stale}" in said
    assert "[XPASS(strict)] it thinks so" in said
    assert f"FAILED test_stores.py::{broken}" in said
    assert "assert [True, True, True] == [False, False, False]" in said
    assert "2 failed, 1 xfailed" in said


def test_each_test_ends_with_an_audit(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    said = run_suite(tmp_path, "TestUntidy::test_a_claim_takes_exactly_its_slots")

    assert "q: something lies about" in said
    assert "1 passed, 1 error" in said


def test_an_exception_that_names_no_test_is_refused() -> None:
    with pytest.raises(TypeError, match="test_of_nothing"):
        type("TestMine", (StoreConformance,), {"exceptions": {"test_of_nothing": "a typo"}})


def test_every_test_names_its_behaviours() -> None:
    tests = {
        name: getattr(StoreConformance, name).__doc__ or ""
        for name in dir(StoreConformance)
        if name.startswith("test_")
    }

    assert len(tests) > 200
    assert [name for name, doc in tests.items() if not doc.startswith("B")] == []
