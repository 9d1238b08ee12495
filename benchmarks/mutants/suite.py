"""The conformance suite, or some themes of it, on the store that has the bug.

pytest runs this file inside a copy of the sources.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

import pytest

import jobkit
from benchmarks.mutants.stores import STORE, THEMES, memory_store, redis_store
from jobkit.store import Store
from jobkit_testing.conformance import StoreConformance

NUMBERS = count(1)

# Whatever passes here says nothing unless it is the mutant that was loaded.
assert Path(jobkit.__file__).is_relative_to(Path.cwd())


class Mutated:
    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        url = os.environ[STORE]
        if url == "memory":
            return memory_store
        return lambda: redis_store(url, f"mutated-{next(NUMBERS)}")


def themed(themes: Iterable[str]) -> type:
    """Return a suite of these themes only: to collect all takes longer than to run most."""
    suites = {suite.__module__.rpartition(".")[2]: suite for suite in StoreConformance.__bases__}
    fixtures = {name: vars(StoreConformance)[name] for name in ("bench", "_expect_exceptions")}
    shared = {**fixtures, "exceptions": StoreConformance.exceptions}
    return type("TestMutated", (Mutated, *(suites[theme] for theme in themes)), shared)


if chosen := os.environ.get(THEMES):
    TestMutated = themed(dict.fromkeys(chosen.split()))
else:
    TestMutated = type("TestMutated", (Mutated, StoreConformance), {})
