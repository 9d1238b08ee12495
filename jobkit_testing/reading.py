"""What a test can read: the jobs that wait, and those that have run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from jobkit.engine import Engine
from jobkit.record import WAITING, JobState
from jobkit.store import (
    Announce,
    Count,
    Operation,
    Page,
    PausedTypes,
    Pauses,
    Place,
    QueueCounts,
    Queues,
    ReadPauses,
    StoredJob,
)
from jobkit_testing.timeline import Timeline

PAGE = 100_000  # a memory store sorts the whole queue for each page
FAILED = frozenset({"failed", "timed_out"})


class Reader:
    """Reads the store, and the timeline for what the store no longer has."""

    def __init__(
        self, engine: Engine, run: Callable[[Operation[Any]], Any], timeline: Timeline
    ) -> None:
        self._engine = engine
        self._run = run
        self.timeline = timeline

    def queues(self) -> tuple[str, ...]:
        """List the queues that have been used."""
        names: tuple[str, ...] = self._run(Queues())
        return names

    def in_state(self, queue: str, state: JobState) -> Iterator[StoredJob]:
        """Read all jobs of one state of a queue."""
        cursor: Place | None = None
        while True:
            page = self._run(Page(queue=queue, state=state, limit=PAGE, cursor=cursor))
            yield from page.jobs
            cursor = page.cursor
            if cursor is None:
                return

    def all_in(self, *states: JobState) -> Iterator[StoredJob]:
        """Read all jobs of some states."""
        for queue in self.queues():
            for state in states:
                yield from self.in_state(queue, state)

    def waiting(self) -> list[StoredJob]:
        """Read the jobs that wait, in the order in which they were enqueued."""
        return self.in_order(self.all_in(*sorted(WAITING)))

    def count_waiting(self) -> int:
        """Count the jobs that wait."""
        return sum(
            sum(counts.queued.values()) + counts.scheduled + counts.retrying
            for counts in map(self.counts, self.queues())
        )

    def counts(self, queue: str) -> QueueCounts:
        """Count the jobs of a queue."""
        counts: QueueCounts = self._run(Count(queue=queue))
        return counts

    def pauses(self, queue: str) -> Pauses:
        """Read what is paused in a queue, and over all queues."""
        pauses: Pauses = self._run(ReadPauses(queue=queue))
        # The queue itself has perhaps not heard of it: it may have had no worker yet.
        return replace(pauses, everywhere=self.paused_everywhere())

    def paused_everywhere(self) -> frozenset[str]:
        """Read which types are paused over all queues."""
        paused: PausedTypes = self._run(Announce())
        return paused.types

    def ended(self, state: JobState) -> list[StoredJob]:
        """Read the jobs that are in a final state, or were when the store dropped them."""
        own = [job for job in self.timeline.ended.values() if job.state is state]
        return own + self._others(state)

    def failed(self) -> list[StoredJob]:
        """Read the jobs whose last attempt failed or timed out."""
        own = list(self.timeline.ended.values())
        others = self._others(JobState.RETRYING, JobState.QUEUED, JobState.DEAD)
        return [job for job in own + others if _has_failed(job)]

    def in_order(self, jobs: Iterable[StoredJob]) -> list[StoredJob]:
        """Sort jobs by the order in which they were enqueued; those of others come last."""
        numbers = self.timeline.numbers
        own: list[StoredJob] = []
        others: list[StoredJob] = []
        for job in jobs:
            (own if job.id in numbers else others).append(job)
        own.sort(key=lambda job: numbers[job.id])
        others.sort(key=lambda job: (job.enqueued_at, job.queue, job.arrival))
        return own + others

    def _others(self, *states: JobState) -> list[StoredJob]:
        """Read what others, at the same store, have run."""
        known = self.timeline.ended
        return [job for job in self.all_in(*states) if job.id not in known]


def _has_failed(job: StoredJob) -> bool:
    return (
        job.state is not JobState.SUCCEEDED
        and bool(job.attempts)
        and job.attempts[-1].outcome in FAILED
    )
