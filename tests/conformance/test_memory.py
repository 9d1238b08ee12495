"""The memory store passes the suite without exceptions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobkit.memory.store import MemoryStore
from jobkit.store import Store
from jobkit_testing.conformance import StoreConformance


class TestMemoryStore(StoreConformance):
    operations = 10_000

    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        return MemoryStore
