"""The suite that every store passes: what the port promises, as tests; see docs/stores.md.

Whoever writes a store subclasses `StoreConformance` in a test module, says how to make one and
what it can do beyond the core, and gets every test:

```python
from collections.abc import Callable

import pytest

from jobkit.store import Capability, Store
from jobkit_testing.conformance import StoreConformance


class TestMyStore(StoreConformance):
    capabilities = frozenset({Capability.PRIORITIES, Capability.CANCELS})
    requires = "1"

    @pytest.fixture
    def make_store(self) -> Callable[[], Store]:
        return MyStore
```

- `make_store` gives a function; each call of it returns a store that is fresh and empty. The
  suite closes what it made.
- `capabilities`: left out, all of them. What is declared has to work, and what is not declared has
  to be refused by name, with `NotSupported`, before anything is stored. A test that needs what is
  not declared is not there; a case of one that does is skipped.
- `requires`: the version of the suite that the store was written for. See `VERSION`.
- Every operation is given its instant, starting at 2030-01-01; a store must use that instead of
  its own clock, and no test sleeps. Hints are the exception: to see that a worker is *not* woken
  the suite waits for 50 real milliseconds.
- After each test the store's own `audit` of every queue must find nothing.
- Each test says in its docstring which promises (`B12`) it stands for.
- What a store cannot do yet it lists in `exceptions`, test name to reason. Such a test is expected
  to fail: one that passes fails the suite, so the list cannot grow stale.
"""

import pytest

_THEMES = (
    "bench",
    "builders",
    "cancelling",
    "capable",
    "checking_in",
    "children",
    "claiming",
    "clocks",
    "conflicts",
    "crossing",
    "deleting",
    "heartbeats",
    "key_times",
    "leaking",
    "leases",
    "limits",
    "listing",
    "machine",
    "ordering",
    "only",
    "pause_waking",
    "pausing",
    "payloads",
    "port",
    "prefetching",
    "pushing",
    "queue_order",
    "reading",
    "refusing",
    "replaying",
    "rescheduling",
    "retention",
    "scheduling",
    "settling",
    "slot_waking",
    "spans",
    "states",
    "statistics",
    "suite",
    "suspects",
    "sweeping",
    "taking_over",
    "ticks",
    "timing",
    "uniqueness",
    "verdicts",
    "versions",
    "waking",
    "workers",
)
# Before the first import: so that a failing assert in them shows its values.
pytest.register_assert_rewrite(*(f"{__name__}.{theme}" for theme in _THEMES))

from jobkit_testing.conformance.suite import StoreConformance  # noqa: E402  # see above
from jobkit_testing.conformance.versions import VERSION, report_lines  # noqa: E402

__all__ = ["VERSION", "StoreConformance", "report_lines"]
