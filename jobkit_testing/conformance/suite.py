"""All themes in one class, and the fixture that they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import pytest

from jobkit.store import ALL_CAPABILITIES, Capability, Store
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.cancelling import Cancelling
from jobkit_testing.conformance.capable import all_tests, needed_by, own_tests
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
from jobkit_testing.conformance.refusing import Refusing, asks_of
from jobkit_testing.conformance.replaying import Replaying
from jobkit_testing.conformance.rescheduling import Rescheduling
from jobkit_testing.conformance.retention import Retention
from jobkit_testing.conformance.scheduling import Scheduling
from jobkit_testing.conformance.settling import Settling
from jobkit_testing.conformance.slot_waking import SlotWaking
from jobkit_testing.conformance.statistics import StatisticsKept
from jobkit_testing.conformance.suspects import Suspects
from jobkit_testing.conformance.sweeping import Sweeping
from jobkit_testing.conformance.taking_over import TakingOver
from jobkit_testing.conformance.ticks import TickFiring
from jobkit_testing.conformance.timing import Timing
from jobkit_testing.conformance.uniqueness import Uniqueness
from jobkit_testing.conformance.verdicts import Verdicts
from jobkit_testing.conformance.versions import check_version, described
from jobkit_testing.conformance.waking import Waking
from jobkit_testing.conformance.workers import Workforce


class StoreConformance(
    Refusing,
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
    SlotWaking,
    Workforce,
    StatisticsKept,
    Port,
    Machine,
):
    """Every promise of the store port; subclass it and give `make_store`.

    `capabilities`: what the store has beyond the core; what it has not, it must refuse by name.
    `exceptions`: tests that it cannot pass yet, with the reason. `requires`: the version of the
    suite that it was written for.
    """

    capabilities: ClassVar[frozenset[Capability]] = ALL_CAPABILITIES
    exceptions: ClassVar[Mapping[str, str]] = {}
    requires: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        check_version(cls.__name__, cls.requires)
        suite = all_tests(StoreConformance)
        if changed := sorted(set(own_tests(cls)) & set(suite)):
            raise TypeError(
                f"{cls.__name__} has tests of its own in the place of {changed}: list those that "
                f"the store cannot pass in `exceptions`, and give yours other names"
            )
        for name, test in suite.items():
            # A test that is not for this store is not there at all.
            kept = test if cls._is_for_it(name, test) else None
            if getattr(cls, name) is not kept:
                setattr(cls, name, kept)
        run = {name: test for name, test in suite.items() if getattr(cls, name) is not None}
        own = set(all_tests(cls)) - set(suite)
        if unknown := sorted(set(cls.exceptions) - set(run) - own):
            raise TypeError(f"{cls.__name__}.exceptions names no test of the suite: {unknown}")
        passed = [needed_by(test) for name, test in run.items() if name not in cls.exceptions]
        if idle := sorted(cls.capabilities - frozenset().union(*passed)):
            raise TypeError(
                f"{cls.__name__} declares {', '.join(idle)}, but excepts every test of it: leave "
                f"it out of `capabilities`, and refuse it by name"
            )

    @classmethod
    def _is_for_it(cls, name: str, test: object) -> bool:
        if name == "test_what_is_not_declared_is_refused":
            return bool(asks_of(cls.capabilities))
        if name == "test_a_store_that_wakes_nobody_has_no_waiter":
            return Capability.WAKING not in cls.capabilities
        return needed_by(test) <= cls.capabilities

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give one case for each way to ask for what is not declared."""
        if "ask" in metafunc.fixturenames:
            metafunc.parametrize("ask", asks_of(self.capabilities), ids=str)

    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        """Return a function that makes a fresh and empty store; every suite gives its own."""
        pytest.fail(
            f"{type(self).__name__} has no store to judge. Give it the fixture\n"
            "    @pytest.fixture\n"
            "    def make_store(self) -> Callable[[], Store]:\n"
            "        return MyStore  # or what makes a fresh and empty one; see docs/stores.md",
            pytrace=False,
        )

    @pytest.fixture(autouse=True)
    def _expect_exceptions(self, request: pytest.FixtureRequest) -> None:
        # Shown with a failure.
        request.node.add_report_section("setup", "by the suite", described(type(self)))
        reason = self.exceptions.get(request.function.__name__)
        if reason is not None:
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))

    @pytest.fixture
    def bench(
        self, request: pytest.FixtureRequest, make_store: Callable[[], Store]
    ) -> Iterator[Bench]:
        """Give a bench with a new store, and audit and close that at the end."""
        store = make_store()
        try:
            bench = Bench(store, may_skip=hasattr(request.node, "callspec"))
            yield bench
            assert bench.is_closed or bench.breaches() == []
        finally:
            store.close()
