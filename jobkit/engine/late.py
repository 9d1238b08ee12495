"""Records that are made when somebody looks at them: most are only counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from jobkit.record import JobRecord
from jobkit.report import Matches
from jobkit.store import StoredJob

J = TypeVar("J")


class LateMatches(Matches[J], Generic[J]):
    """The records of stored jobs."""

    __slots__ = ("_jobs", "_made", "_record")

    def __init__(
        self, jobs: Sequence[StoredJob], record: Callable[[StoredJob], JobRecord[J]]
    ) -> None:
        self._jobs = tuple(jobs)
        self._record = record
        self._made: tuple[JobRecord[J], ...] | None = None

    @property
    def records(self) -> tuple[JobRecord[J], ...]:
        """The records, as the jobs were when they were read."""
        if self._made is None:
            self._made = tuple(map(self._record, self._jobs))
        return self._made

    @records.setter
    def records(self, records: tuple[JobRecord[J], ...]) -> None:
        self._made = records

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the jobs, for which no record has to be made."""
        return tuple(job.id for job in self._jobs)
