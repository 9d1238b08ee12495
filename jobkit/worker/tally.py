"""What a worker did, counted for `drain`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from jobkit.engine.late import LateMatches
from jobkit.record import JobRecord, JobState
from jobkit.report import Report
from jobkit.store import Release, Settled, Settlement, SnoozeFor, StoredJob
from jobkit.worker.aftermath import after_settling
from jobkit.worker.work import Work

RECORDS_KEPT = 10_000
ENDS: Mapping[JobState | None, str] = {  # None: dead, and dropped
    JobState.SUCCEEDED: "succeeded",
    JobState.CANCELLED: "cancelled",
    JobState.DEAD: "dead",
    None: "dead",
}


class Tally:
    """Counts ends of attempts; keeps the last of them while somebody wants their records."""

    def __init__(self, record: Callable[[StoredJob], JobRecord[Any]]) -> None:
        self._record = record
        self.counts: Counter[str] = Counter()
        self.ends: deque[tuple[StoredJob, Settlement, Settled]] = deque(maxlen=RECORDS_KEPT)
        self.wants_records = False

    def add(self, work: Work, settlement: Settlement, settled: Settled) -> None:
        """Count one settlement that holds."""
        if isinstance(settlement, Release):
            return
        word = ENDS.get(settled.state)
        if word is None:
            word = "snoozed" if isinstance(settlement, SnoozeFor) else "retried"
        self.counts[word] += 1
        if self.wants_records:
            self.ends.append((work.stored_at_end(settled.at), settlement, settled))

    def report(self, since: Counter[str], left: dict[str, int]) -> Report:
        """Return what was done since some counts."""
        done = self.counts - since
        return Report(
            succeeded=done["succeeded"],
            retried=done["retried"],
            dead=done["dead"],
            cancelled=done["cancelled"],
            snoozed=done["snoozed"],
            ran=LateMatches([after_settling(*end) for end in list(self.ends)], self._record),
            left=left,
        )
