"""A short form of `make trace`: what real workers did is replayed on the memory store."""

from __future__ import annotations

from benchmarks.tracing.run import trace_check

# What workers send; the load brings these about in any run, however short.
SENT = {"Announce", "Claim", "Settle", "Heartbeat", "Leave", "Fire", "Ticks", "TakeOver"}


def test_workers_that_are_killed_leave_the_records_that_the_double_has() -> None:
    """B55: the same answers to each operation, and the same records at the end.

    Requests and replies get lost, workers are killed and shut down; none does what it must not.
    """
    outcome = trace_check(seconds=2.0, kills=3, seed=11, workers=3, lease=1.5, trouble=15)

    assert outcome.differences == []
    assert outcome.ends == []
    assert {name: found for name, found in outcome.breaches.items() if found} == {}
    assert outcome.kills == 3
    assert outcome.runs > 50
    assert outcome.kinds.keys() >= SENT
