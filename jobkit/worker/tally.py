"""What a worker did, counted for `drain`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from jobkit.record import JobRecord, JobState
from jobkit.report import Matches, Report
from jobkit.store import Release, Settled, Settlement, SnoozeFor, StoredJob
from jobkit.worker.aftermath import after_settling

RECORDS_KEPT = 10_000


class Tally:
    """Counts ends of attempts; keeps the last of them while somebody wants their records."""

    def __init__(self, record: Callable[[StoredJob], JobRecord[Any]]) -> None:
        self._record = record
        self.counts: Counter[str] = Counter()
        self.ends: deque[tuple[StoredJob, Settlement, Settled]] = deque(maxlen=RECORDS_KEPT)
        self.wants_records = False

    def add(self, stored: StoredJob, settlement: Settlement, settled: Settled) -> None:
        """Count one settlement that holds."""
        if isinstance(settlement, Release):
            return
        self.counts[_name(settlement, settled)] += 1
        if self.wants_records:
            self.ends.append((stored, settlement, settled))

    def report(self, since: Counter[str], left: dict[str, int]) -> Report:
        """Return what was done since some counts."""
        done = self.counts - since
        return Report(
            succeeded=done["succeeded"],
            retried=done["retried"],
            dead=done["dead"],
            cancelled=done["cancelled"],
            snoozed=done["snoozed"],
            ran=Matches(self._record(after_settling(*end)) for end in list(self.ends)),
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
