"""Settlements: after which of them another job can be claimed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from jobkit.store import Lease, NewJob, Release, Settlement, StoredJob, Succeed
from jobkit.worker.settling import let_nothing_in
from jobkit.worker.work import Work
from tests.unit.worker.claimed import a_claimed_job

STORED = a_claimed_job("ann")
LEASE = Lease(id="ann", fence=1)
PLAIN = Succeed(lease=LEASE, duration=1)
CHILD = NewJob(id="bob", queue="mail", type="Ping", payload=b"{}")


def test_a_plain_success_lets_nothing_in() -> None:
    """B13"""
    assert let_nothing_in([(Work(STORED, lease_until=9.0), PLAIN)] * 2, 8.0)


@pytest.mark.parametrize(
    ("stored", "settlement", "now"),
    [
        pytest.param(STORED, replace(PLAIN, children=(CHILD,)), 8.0, id="enqueued another"),
        pytest.param(STORED, Release(lease=LEASE), 8.0, id="goes back"),
        pytest.param(replace(STORED, suspect=True), PLAIN, 8.0, id="was alone"),
        pytest.param(STORED, PLAIN, 9.0, id="its lease is out: it would be taken for lost"),
    ],
)
def test_these_may_let_something_in(stored: StoredJob, settlement: Settlement, now: float) -> None:
    """B13, B37"""
    plain = (Work(STORED, lease_until=19.0), PLAIN)

    assert not let_nothing_in([plain, (Work(stored, lease_until=9.0), settlement)], now)
