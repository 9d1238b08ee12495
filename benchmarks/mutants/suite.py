"""The conformance suite, or some themes of it, on the store that has the bug.

pytest runs this file inside a copy of the sources.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
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


class TestMutated(StoreConformance):
    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        url = os.environ[STORE]
        if url == "memory":
            return memory_store
        return lambda: redis_store(url, f"mutated-{next(NUMBERS)}")


def keep_only(themes: Collection[str]) -> None:
    """Leave out the tests of other themes: to collect all takes longer than to run most."""
    for suite in StoreConformance.__bases__:
        if suite.__module__.rpartition(".")[2] not in themes:
            for name in vars(suite):
                if name.startswith("test_"):
                    setattr(TestMutated, name, None)


if chosen := os.environ.get(THEMES):
    keep_only(chosen.split())
