"""All themes in one class, and the fixture that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import pytest

from jobkit.store import Store
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.cancelling import Cancelling
from jobkit_testing.conformance.checking_in import CheckingIn
from jobkit_testing.conformance.children import Children
from jobkit_testing.conformance.claiming import Claiming
from jobkit_testing.conformance.clocks import Clocks
from jobkit_testing.conformance.conflicts import Conflicts
from jobkit_testing.conformance.crossing import Crossings
from jobkit_testing.conformance.deleting import Deleting
from jobkit_testing.conformance.heartbeats import Heartbeats
from jobkit_testing.conformance.key_times import KeyTimes
from jobkit_testing.conformance.leaking import Leaking
from jobkit_testing.conformance.leases import Leases
from jobkit_testing.conformance.limits import Limits
from jobkit_testing.conformance.listing import Listing
from jobkit_testing.conformance.machine import Machine
from jobkit_testing.conformance.only import Only
from jobkit_testing.conformance.ordering import Ordering
from jobkit_testing.conformance.pause_waking import PauseWaking
from jobkit_testing.conformance.pausing import Pausing
from jobkit_testing.conformance.payloads import Payloads
from jobkit_testing.conformance.port import Port
from jobkit_testing.conformance.prefetching import Prefetching
from jobkit_testing.conformance.pushing import Pushing
from jobkit_testing.conformance.queue_order import QueueOrder
from jobkit_testing.conformance.reading import Reading
from jobkit_testing.conformance.replaying import Replaying
from jobkit_testing.conformance.rescheduling import Rescheduling
from jobkit_testing.conformance.retention import Retention
from jobkit_testing.conformance.scheduling import Scheduling
from jobkit_testing.conformance.settling import Settling
from jobkit_testing.conformance.statistics import StatisticsKept
from jobkit_testing.conformance.suspects import Suspects
from jobkit_testing.conformance.sweeping import Sweeping
from jobkit_testing.conformance.taking_over import TakingOver
from jobkit_testing.conformance.ticks import TickFiring
from jobkit_testing.conformance.timing import Timing
from jobkit_testing.conformance.uniqueness import Uniqueness
from jobkit_testing.conformance.verdicts import Verdicts
from jobkit_testing.conformance.waking import Waking
from jobkit_testing.conformance.workers import Workforce


class StoreConformance(
    Pushing,
    Payloads,
    Timing,
    Ordering,
    QueueOrder,
    Claiming,
    Limits,
    Only,
    Pausing,
    PauseWaking,
    Prefetching,
    Settling,
    Verdicts,
    Children,
    Leases,
    Suspects,
    TakingOver,
    Clocks,
    Heartbeats,
    Cancelling,
    CheckingIn,
    Deleting,
    Rescheduling,
    Crossings,
    Sweeping,
    Uniqueness,
    Conflicts,
    KeyTimes,
    Leaking,
    Retention,
    Reading,
    Listing,
    Scheduling,
    TickFiring,
    Replaying,
    Waking,
    Workforce,
    StatisticsKept,
    Port,
    Machine,
):
    """Every promise of the store port; subclass it and give `make_store`."""

    exceptions: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if unknown := [name for name in cls.exceptions if not hasattr(cls, name)]:
            raise TypeError(f"{cls.__name__}.exceptions names no test of the suite: {unknown}")

    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        """Return a function that makes a fresh and empty store; every suite gives its own."""
        raise NotImplementedError("Give your suite a fixture make_store: see the package's page")

    @pytest.fixture(autouse=True)
    def _expect_exceptions(self, request: pytest.FixtureRequest) -> None:
        reason = self.exceptions.get(request.function.__name__)
        if reason is not None:
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))

    @pytest.fixture
    def bench(self, make_store: Callable[[], Store]) -> Iterator[Bench]:
        """Give a bench with a new store, and audit and close that at the end."""
        store = make_store()
        try:
            bench = Bench(store)
            yield bench
            assert bench.breaches() == []
        finally:
            store.close()
