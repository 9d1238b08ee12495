"""Jobs that are published together, and how many that may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jobkit.errors import InvalidJob, InvalidOption
from jobkit.store import NewJob

MAX_JOBS = 10_000
MAX_BYTES = 8 * 1024 * 1024


class Load:
    """How much one push brings to each queue; refuses more than one call takes."""

    def __init__(self) -> None:
        self._totals: dict[str, tuple[int, int]] = {}

    def add(self, queue: str, size: int) -> None:
        """Add a job of so many bytes; raises `InvalidJob` if that is too much."""
        count, total = self._totals.get(queue, (0, 0))
        count, total = count + 1, total + size
        if count > MAX_JOBS or total > MAX_BYTES:
            raise InvalidJob(
                f"{count:,} jobs with {total:,} bytes for queue {queue!r} in one call: at most "
                f"{MAX_JOBS:,} jobs and {MAX_BYTES:,} bytes; give enqueue_many chunk=1000, or "
                f"split the transaction"
            )
        self._totals[queue] = (count, total)

    def drop(self, queue: str, size: int) -> None:
        """Take one of its jobs off again."""
        count, total = self._totals[queue]
        self._totals[queue] = (count - 1, total - size)


class Batch:
    """Jobs for one atomic push."""

    def __init__(self) -> None:
        self.jobs: list[NewJob] = []
        self._load = Load()

    def __len__(self) -> int:
        return len(self.jobs)

    def add(self, job: NewJob) -> None:
        """Add a job; raises `InvalidJob` if that is too much."""
        self._load.add(job.queue, _size(job))
        self.jobs.append(job)

    def cut(self, length: int) -> None:
        """Drop what was added after the batch had this length."""
        for job in self.jobs[length:]:
            self._load.drop(job.queue, _size(job))
        del self.jobs[length:]


_NO_COLLECTIONS: tuple[type, ...] = (str, bytes, bytearray, Mapping, type)


def _size(job: NewJob) -> int:
    return len(job.payload) + len(job.metadata)


def iterate_jobs(jobs: Any) -> Iterator[Any]:
    """Return an iterator over the jobs of an `enqueue_many`, refusing what is no collection."""
    given: object = jobs
    if isinstance(given, _NO_COLLECTIONS) or not isinstance(given, Iterable):
        raise InvalidJob(
            f"enqueue_many takes an iterable of jobs, not {type(jobs).__name__}; "
            f"for one job use enqueue"
        )
    return iter(jobs)


def checked_chunk(chunk: int | None) -> int | None:
    """Raise `InvalidOption` for a chunk that is no number of jobs."""
    if chunk is not None and (type(chunk) is not int or not 1 <= chunk <= MAX_JOBS):
        raise InvalidOption(f"enqueue_many: chunk={chunk!r}: give an int from 1 to {MAX_JOBS:,}")
    return chunk
