"""What a worker did, counted for `drain`."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from jobkit.record import JobRecord, JobState
from jobkit.report import Matches, Report
from jobkit.store import Release, Settled, Settlement, SnoozeFor

RECORDS_KEPT = 10_000


class Tally:
    """Counts ends of attempts; keeps the last records while somebody wants them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.records: deque[JobRecord[Any]] = deque(maxlen=RECORDS_KEPT)
        self.wants_records = False

    def add(self, settlement: Settlement, settled: Settled) -> None:
        """Count one settlement that holds."""
        if settled.verdict == "ok" and not isinstance(settlement, Release):
            self.counts[_name(settlement, settled)] += 1

    def report(self, since: Counter[str], left: dict[str, int]) -> Report:
        """Return what was done since some counts."""
        done = self.counts - since
        return Report(
            succeeded=done["succeeded"],
            retried=done["retried"],
            dead=done["dead"],
            cancelled=done["cancelled"],
            snoozed=done["snoozed"],
            ran=Matches(self.records),
            left=left,
        )


def _name(settlement: Settlement, settled: Settled) -> str:
    match settled.state:
        case JobState.SUCCEEDED:
            return "succeeded"
        case JobState.CANCELLED:
            return "cancelled"
        case JobState.DEAD | None:
            return "dead"
        case _:
            return "snoozed" if isinstance(settlement, SnoozeFor) else "retried"
