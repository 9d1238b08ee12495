"""Where jobs stand in a queue: ready lanes, those that wait for a time, those that ended.

Heaps forget lazily: an entry counts only while its job says that it stands by this very one.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from jobkit.checks import PRIORITIES
from jobkit.memory.kept import Entry, KeptJob
from jobkit.record import JobState
from jobkit.store import Bounds, Order, Place


def lane_name(job: KeptJob) -> str:
    """Return the lane where a job gets ready; suspects, who were lost before, have their own."""
    return f"!{job.new.type}" if job.suspect else job.new.type


class Line:
    """Jobs in their order, best first: the ready ones of a lane, or those that wait for a time."""

    def __init__(self, jobs: Mapping[str, KeptJob]) -> None:
        self._jobs = jobs
        self._heap: list[Entry] = []
        self.count = 0

    def add(self, job: KeptJob, entry: Entry) -> None:
        """Put a job into its place."""
        job.entry = entry
        heapq.heappush(self._heap, entry)
        self.count += 1

    def remove(self, job: KeptJob) -> None:
        """Take a job out, wherever it stands; its entry is stale from now on."""
        job.entry = None
        self.count -= 1

    def head(self) -> Entry | None:
        """Return the best place that is taken, or None."""
        heap = self._heap
        while heap and not self._stands(heap[0]):
            heapq.heappop(heap)
        return heap[0] if heap else None

    def has(self, job: KeptJob) -> bool:
        """Tell whether a job stands here, in its place."""
        return any(entry is job.entry for entry in self._heap)

    def in_order(self) -> list[KeptJob]:
        """List the jobs, best first."""
        jobs = self._jobs
        return [
            job
            for entry in sorted(self._heap)
            if (job := jobs.get(entry[3])) is not None and job.entry is entry
        ]

    def pop(self) -> KeptJob:
        """Take the best job out; the line must have one."""
        while not self._stands(entry := heapq.heappop(self._heap)):
            pass
        job = self._jobs[entry[3]]
        self.remove(job)
        return job

    def _stands(self, entry: Entry) -> bool:
        job = self._jobs.get(entry[3])
        return job is not None and job.entry is entry


class EndedLine:
    """The jobs of one final state: those kept by the queue's bounds, and those kept by age."""

    def __init__(self) -> None:
        self.bounded: list[tuple[int, str]] = []  # by the instant of their end
        self.kept: list[tuple[int, str]] = []  # by the instant until which they are kept

    def __len__(self) -> int:
        return len(self.bounded) + len(self.kept)

    def add(self, job: KeptJob) -> None:
        """Put a job that has ended into its place."""
        insort(*self._place(job))

    def remove(self, job: KeptJob) -> None:
        """Take a job out."""
        line, entry = self._place(job)
        del line[bisect_left(line, entry)]

    def ids(self) -> Iterator[str]:
        """Yield the ids, oldest first."""
        yield from (entry[1] for entry in self.bounded)
        yield from (entry[1] for entry in self.kept)

    def trim(self, *, now: int, age: int, count: int, budget: int) -> list[str]:
        """Take out up to `budget` jobs of each kind that are past their bounds."""
        by_age = bisect_left(self.bounded, (now - age + 1, ""))
        excess = min(budget, max(by_age, len(self.bounded) - count))
        expired = min(budget, bisect_left(self.kept, (now + 1, "")))
        gone = [*self.bounded[:excess], *self.kept[:expired]]
        del self.bounded[:excess]
        del self.kept[:expired]
        return [job_id for _, job_id in gone]

    def _place(self, job: KeptJob) -> tuple[list[tuple[int, str]], tuple[int, str]]:
        ended = job.finished_at or 0
        if job.new.retention is None:
            return self.bounded, (ended, job.id)
        return self.kept, (ended + job.new.retention, job.id)


def kept_line(state: JobState) -> str:
    """Return the name of the line of those that ended with a retention of their own."""
    return f"{state}:kept"


def place_of(job: KeptJob, order: Order) -> Place:
    """Return where a job stands among those of its state, as pages show them."""
    match job.state:
        case JobState.QUEUED:
            score, second, arrival, job_id = job.rank(order)
            above = second - PRIORITIES[0] if order == "run_at" else second  # never negative
            member = f"{above:012x}{arrival:010x}{job_id}"
            return Place(line=lane_name(job), score=score, member=member)
        case JobState.SCHEDULED | JobState.RETRYING:
            member = f"{job.arrival:010x}{job.id}"
            return Place(line=job.state, score=job.run_at, member=member)
        case JobState.RUNNING:
            return Place(line=job.state, score=0, member=job.id)
        case _:
            ended = job.finished_at or 0
            if job.new.retention is None:
                return Place(line=job.state, score=ended, member=job.id)
            return Place(line=kept_line(job.state), score=ended + job.new.retention, member=job.id)


def bounds_of(state: JobState, bounds: Bounds) -> tuple[int, int]:
    """Return the greatest age and the greatest number of jobs of a final state."""
    if state is JobState.DEAD:
        return bounds.dead_for, bounds.dead_max
    return bounds.finished_for, bounds.finished_max
