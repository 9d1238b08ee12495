"""What a run has done, and what it says when it does not end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from jobkit.engine import Engine
from jobkit.engine.late import LateMatches
from jobkit.report import Report
from jobkit.store import StoredJob
from jobkit_testing.running import Ran


class Tally:
    """What a run has done so far."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.jobs: list[StoredJob] = []

    def add(self, ran: Ran) -> None:
        """Count one attempt."""
        self.kinds[ran.kind] += 1
        self.jobs.append(ran.job)

    def types(self) -> str:
        """Say how often which type ran: `9 x app.Ping, 1 x app.Start`."""
        counts = Counter(job.type for job in self.jobs).most_common()
        return ", ".join(f"{count:,} x {name}" for name, count in counts)

    def report(self, engine: Engine, left: Mapping[str, int]) -> Report:
        """Return the report of the run."""
        return Report(
            succeeded=self.kinds["succeeded"],
            retried=self.kinds["retried"],
            dead=self.kinds["dead"],
            cancelled=self.kinds["cancelled"],
            snoozed=self.kinds["snoozed"],
            ran=LateMatches(self.jobs, engine.record),
            left=left,
        )


def goes_round(what: str, limit: str, tally: Tally, due: Mapping[str, int]) -> str:
    """Say that a run does not end by itself, at one instant."""
    return (
        f"{what} stopped at {limit}: {len(tally.jobs):,} attempts ran and more are due. Does a job "
        f"enqueue itself, or retry without delay?\n  ran: {tally.types()}\n  due: {words(due)}"
    )


def words(counts: Mapping[str, int]) -> str:
    """Return `no handler: 1, future: 2`."""
    return ", ".join(f"{name}: {count:,}" for name, count in counts.items() if count) or "nothing"
