"""The suite itself: what a store's author may rely on when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import fields

from jobkit import store
from jobkit.engine.core import DEFAULT_BOUNDS
from jobkit.memory.store import MemoryStore
from jobkit.record import JobState
from jobkit.store import (
    ALL_CAPABILITIES,
    CAPABILITY_OF,
    CORE,
    Bounds,
    Bury,
    Capability,
    Claim,
    Heartbeat,
    Lane,
    NewJob,
    Operation,
    Page,
    Push,
    Settle,
    Succeed,
    needs,
)
from jobkit_testing.conformance import VERSION, StoreConformance
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import a_job
from jobkit_testing.conformance.capable import all_tests, needed_by
from jobkit_testing.conformance.refusing import ASKS, Ask, Scene

ROOT = Path(__file__).parents[2]

SUITE = """
import pytest

from jobkit.memory.store import MemoryStore
from jobkit.store import ALL_CAPABILITIES, Capability, MarkTimedOut, refuse_beyond
from jobkit_testing.conformance import StoreConformance


class Forgetful(MemoryStore):
    def run(self, operation, /, *, now=None):
        return True if isinstance(operation, MarkTimedOut) else super().run(operation, now=now)


class Untidy(MemoryStore):
    def audit(self, queue):
        return ["something lies about"]


class Refusing(MemoryStore):
    def run(self, operation, /, *, now=None):
        refuse_beyond(operation, self.capabilities)
        return super().run(operation, now=now)


class Careless(MemoryStore):
    capabilities = ALL_CAPABILITIES - {Capability.PRIORITIES}


class Boastful(Refusing):
    def run(self, operation, /, *, now=None):
        refuse_beyond(operation, ALL_CAPABILITIES - {Capability.CANCELS})
        return super().run(operation, now=now)


class Modest(Refusing):
    capabilities = ALL_CAPABILITIES - {Capability.PRIORITIES}


class TestCareless(StoreConformance):
    capabilities = Careless.capabilities

    @pytest.fixture
    def make_store(self):
        return Careless


class TestBoastful(StoreConformance):
    @pytest.fixture
    def make_store(self):
        return Boastful


class TestModest(StoreConformance):
    capabilities = Modest.capabilities
    requires = "1"

    @pytest.fixture
    def make_store(self):
        return Modest


class TestUndeclared(StoreConformance):
    @pytest.fixture
    def make_store(self):
        return Modest


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


class TestNothing(StoreConformance):
    pass
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


def test_each_test_ends_with_an_audit_and_begins_with_a_store(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    test = "test_a_claim_takes_exactly_its_slots"

    said = run_suite(tmp_path, f"TestUntidy::{test}", f"TestNothing::{test}")

    assert "q: something lies about" in said
    assert "TestNothing has no store to judge. Give it the fixture" in said
    assert "def make_store(self) -> Callable[[], Store]:" in said
    assert "1 passed, 2 errors" in said


def test_what_a_store_does_not_declare_it_has_to_refuse(tmp_path: Path) -> None:
    """B57: one that ignores it fails, and so does one that refuses what it declares."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    push = "test_what_is_not_declared_is_refused[priorities: push]"
    says = "test_a_store_says_what_it_can_do"
    cancel = "test_a_running_job_is_marked"

    said = run_suite(
        tmp_path,
        *(f"TestCareless::{name}" for name in (push, says)),
        *(f"TestBoastful::{name}" for name in (cancel, says)),
        *(f"TestModest::{name}" for name in (push, says, cancel)),
        f"TestUndeclared::{says}",
    )

    assert f"FAILED test_stores.py::TestCareless::{push}" in said
    assert f"FAILED test_stores.py::TestBoastful::{cancel}" in said
    assert "Cancel needs 'cancels', which this store does not have" in said
    assert f"FAILED test_stores.py::TestUndeclared::{says}" in said
    assert "StoreConformance 1.0: TestCareless, without priorities" in said
    assert "3 failed, 5 passed" in said


def test_a_test_that_needs_what_is_not_declared_is_not_there() -> None:
    few = suite(capabilities=frozenset({Capability.CANCELS}))

    assert getattr(few, "test_lower_priorities_are_first", None) is None
    assert getattr(few, "test_a_running_job_is_marked", None) is not None
    again = type("TestAgain", (few,), {"capabilities": ALL_CAPABILITIES})
    assert getattr(again, "test_lower_priorities_are_first", None) is not None


def test_a_capability_of_which_every_test_is_excepted_is_not_had() -> None:
    tests = all_tests(StoreConformance).items()
    excepted = {name: "no" for name, test in tests if Capability.BULK in needed_by(test)}

    with pytest.raises(TypeError, match="declares bulk forms, but excepts every test of it"):
        suite(exceptions=excepted)


def test_an_exception_for_a_test_that_is_not_run_is_refused() -> None:
    with pytest.raises(TypeError, match="names no test of the suite"):
        suite(
            capabilities=frozenset[Capability](),
            exceptions={"test_lower_priorities_are_first": "it has none"},
        )


def test_a_test_of_the_suite_cannot_be_replaced() -> None:
    def passes(self: object) -> None:
        pass

    with pytest.raises(TypeError, match="list those that the store cannot pass in `exceptions`"):
        suite(test_a_claim_takes_exactly_its_slots=passes)


@pytest.mark.parametrize("requires", ["0", "2", "1.999", "2.0"])
def test_a_suite_for_another_version_is_told_so(requires: str) -> None:
    with pytest.raises(TypeError, match=f"TestMine requires version {requires}"):
        suite(requires=requires)


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match='write a version such as "1"'):
        suite(requires="one")


def test_a_suite_for_this_version_is_fine() -> None:
    for requires in ("", VERSION, VERSION.partition(".")[0]):
        suite(requires=requires)


def test_each_operation_is_of_the_core_or_of_one_capability() -> None:
    """B57: nothing that a store may lack is forgotten."""
    operations: set[type[Operation[Any]]] = {
        each
        for name in store.__all__
        if isinstance(each := getattr(store, name), type)
        and issubclass(each, Operation)
        and each is not Operation
    }

    assert operations == CORE | set(CAPABILITY_OF)
    assert not CORE & set(CAPABILITY_OF)
    assert set(CAPABILITY_OF.values()) | capabilities_of_fields() == ALL_CAPABILITIES


def capabilities_of_fields() -> set[Capability]:
    """Return the capabilities that fields of the core's operations ask for."""
    return {ask.of for ask in ASKS if type(built(ask)) in CORE}


@pytest.mark.parametrize("capability", Capability)
def test_each_capability_has_tests_and_ways_to_be_asked_for(capability: Capability) -> None:
    """B57: who declares it is judged, and so is who does not."""
    tests = [test for test in all_tests(StoreConformance).values() if capability in needed_by(test)]

    assert tests
    assert [ask for ask in ASKS if ask.of is capability]


@pytest.mark.parametrize("ask", ASKS, ids=str)
def test_an_ask_needs_one_thing_that_a_store_may_lack(ask: Ask) -> None:
    """B57: so it is refused for that, and for nothing else."""
    assert {capability for capability, _ in needs(built(ask))} - ask.given == {ask.of}


def test_every_operation_of_a_capability_is_asked_for() -> None:
    """B57: those that belong to one as a whole."""
    assert set(CAPABILITY_OF) <= {type(built(ask)) for ask in ASKS}


def test_every_option_is_of_the_core_or_needs_a_capability() -> None:
    """B57: whoever adds one decides, and this test says so."""
    assert optional(NewJob) == {
        *("run_at", "delay", "options", "metadata", "schedule"),
        *("priority", "retention", "unique"),
    }
    assert optional(Lane) == {"limit", "on_lost_dead", "keep_dead"}
    assert optional(Claim) == {*("suspects", "only"), *("prefetch", "idle", "bounds")}
    assert optional(Push) == {"orders"}
    assert optional(Settle) == {"bounds"}
    assert optional(Heartbeat) == {*("leases", "about"), "started"}
    assert optional(Page) == {*("limit", "cursor"), *("types", "newest_first")}
    assert optional(Succeed) == {*("duration", "result"), "children"}
    assert optional(Bury) == {"duration", "keep"}


def test_the_default_bounds_ask_for_nothing() -> None:
    """B36, B57: a worker sends them by itself."""
    assert Bounds() == DEFAULT_BOUNDS


def suite(**members: object) -> type[StoreConformance]:
    """Make a suite as an author would."""
    return type("TestMine", (StoreConformance,), members)


def optional(kind: type[Struct]) -> set[str]:
    """Return the fields of a value that may be left out."""
    return {field.name for field in fields(kind) if not field.required}


@cache
def built(ask: Ask) -> Operation[Any]:
    """Build the operation of an ask, on a store that has everything."""
    bench = Bench(MemoryStore())
    bench.push(a_job(), a_job())
    ann = bench.worker()
    return ask.build(Scene(bench, ann, ann.take_one(), bench.page(JobState.QUEUED)[0].id))


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
