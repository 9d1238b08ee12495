"""The toy passes the suite, and runs the tests of a user."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from examples.toystore.store import ToyStore
from jobkit.store import Store
from jobkit_testing.conformance import StoreConformance


class TestToyStore(StoreConformance):
    capabilities = ToyStore.capabilities
    requires = "1"

    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        return ToyStore
