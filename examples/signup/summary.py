"""What became of the jobs of each type, counted from their records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from jobkit import JobRecord, JobState

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The jobs of one type; `retried` counts those that ran more than once."""

    type: str
    enqueued: int
    done: int = 0
    retried: int = 0
    dead: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])
    per_second: float | None = None

    @property
    def ended(self) -> int:
        """How many will not run again."""
        return self.done + self.dead


def summaries(records: Iterable[JobRecord[Any]]) -> list[Summary]:
    """Count the records by type, in the order in which the types first appear."""
    by_type: dict[str, list[JobRecord[Any]]] = {}
    for record in records:
        by_type.setdefault(record.type.rpartition(".")[2], []).append(record)
    return [_summary(type, of_type) for type, of_type in by_type.items()]


def total(of: Iterable[JobRecord[Any]]) -> Summary:
    """Count records of all types together."""
    return _summary("all", list(of))


def _summary(type: str, records: list[JobRecord[Any]]) -> Summary:
    dead = [record for record in records if record.state is JobState.DEAD]
    return Summary(
        type=type,
        enqueued=len(records),
        done=sum(record.state is JobState.SUCCEEDED for record in records),
        retried=sum(record.attempt > 1 for record in records),
        dead=len(dead),
        reasons=Counter(map(_reason, dead)),
        per_second=_per_second(records),
    )


def _reason(record: JobRecord[Any]) -> str:
    if record.error is None:
        return "unknown"
    if record.error.outcome == "timed_out":
        return "timed out"
    return record.error.message or str(record.error.error_type)


def _per_second(records: list[JobRecord[Any]]) -> float | None:
    """Return jobs per second from the first enqueue to the last end; None: too short to say."""
    ends = [record.finished_at for record in records if record.finished_at is not None]
    if not ends:
        return None
    took = max(ends) - min(record.enqueued_at for record in records)
    return len(ends) / (took / SECOND) if took else None
