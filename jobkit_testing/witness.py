"""Sees what is enqueued, cancelled and deleted, from whatever thread, and tells of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from msgspec.structs import replace

from jobkit.cancellation import Reason
from jobkit.record import JobRecord, JobState
from jobkit.report import Matches
from jobkit.store import Fire, Get, NewJob, Operation, StoredJob
from jobkit_testing.enqueues import FailingEnqueue
from jobkit_testing.timeline import Timeline

J = TypeVar("J")
JOBS_NAMED = 3  # of an enqueue that fails


class Enqueued(Matches[J], Generic[J]):
    """What a block has enqueued: so far, while it runs, and all of it afterwards."""

    __slots__ = ("_fixed", "_look")

    def __init__(self, look: Callable[[], Iterable[JobRecord[J]]]) -> None:
        self._look: Callable[[], Iterable[JobRecord[J]]] | None = look
        super().__init__()

    @property
    def records(self) -> tuple[JobRecord[J], ...]:
        """The records, as the jobs are now; once the block has ended, as they were then."""
        return self._fixed if self._look is None else tuple(self._look())

    @records.setter
    def records(self, records: tuple[JobRecord[J], ...]) -> None:
        self._fixed = records

    def fix(self) -> None:
        """Look for the last time."""
        self._fixed, self._look = self.records, None


class Witness:
    """Keeps the timeline, fills the scopes of `enqueued_by`, and feeds `inline`."""

    def __init__(
        self,
        timeline: Timeline,
        run: Callable[[Operation[Any]], Any],
        *,
        now: Callable[[], int],
        tell: Callable[[str, Reason], None],
    ) -> None:
        self.arrivals: deque[NewJob] | None = None  # what `inline` has to run
        self._timeline = timeline
        self._run = run
        self._now = now
        self._tell = tell
        self._scopes: list[list[tuple[NewJob, int]]] = []

    def pushed(self, jobs: Sequence[NewJob]) -> None:
        """Take note of jobs that have been stored."""
        at = self._now()
        self._timeline.enqueued(jobs, at)
        for scope in self._scopes:
            scope += [(job, at) for job in jobs]
        if self.arrivals is not None:
            self.arrivals += jobs

    def failed(self, failing: FailingEnqueue, jobs: Sequence[NewJob]) -> None:
        """Take note that an enqueue of these jobs fails because the test wants it."""
        if not isinstance(failing.error, Exception):
            return  # its worker died there, which is noted as such
        names = ", ".join(map(self._timeline.describe, jobs[:JOBS_NAMED]))
        more = f" and {len(jobs) - JOBS_NAMED} more" if len(jobs) > JOBS_NAMED else ""
        stored = "stored" if failing.stored else "not stored"
        error = type(failing.error).__name__
        words = f"the enqueue of {names}{more} raises {error}, {stored}"
        self._timeline.fault(words, self._now())

    def skipped(self, tick: Fire) -> None:
        """Take note that a tick has passed without a job."""
        self._timeline.skipped(tick, self._now())

    def find(self, queue: str, job_id: str) -> StoredJob | None:
        """Read a job."""
        stored: StoredJob | None = self._run(Get(queue=queue, id=job_id))
        return stored

    def cancelled(self, job: StoredJob) -> None:
        """Take note that this job, as it was, has been cancelled, or is to be."""
        if job.state is JobState.RUNNING:
            self._tell(job.id, "cancel")
            return
        at = self._now()
        after = self.find(job.queue, job.id)
        if after is None:  # not kept
            after = replace(job, state=JobState.CANCELLED, due=False, finished_at=at)
        self._timeline.note_end("cancelled", after, at)

    def deleted(self, job: StoredJob) -> None:
        """Take note that this job, as it was, is gone."""
        self._tell(job.id, "deleted")
        self._timeline.note("deleted", job, self._now())

    @contextmanager
    def scope(self) -> Generator[list[tuple[NewJob, int]]]:
        """Collect what is enqueued in the block."""
        seen: list[tuple[NewJob, int]] = []
        self._scopes.append(seen)
        try:
            yield seen
        finally:
            # By identity: two scopes that have seen the same are equal.
            self._scopes = [scope for scope in self._scopes if scope is not seen]

    def as_it_is(self, new: NewJob, at: int) -> StoredJob:
        """Return a job that was enqueued: as it is now, or was last."""
        return self.find(new.queue, new.id) or self._timeline.ended.get(new.id) or _stored(new, at)


def _stored(new: NewJob, at: int) -> StoredJob:
    """Return a job as it was stored."""
    run_at = at + new.delay if new.run_at is None else new.run_at
    return StoredJob(
        id=new.id,
        queue=new.queue,
        type=new.type,
        state=JobState.QUEUED if run_at <= at else JobState.SCHEDULED,
        due=run_at <= at,
        payload=new.payload,
        options=new.options,
        metadata=new.metadata,
        priority=new.priority,
        schedule=new.schedule,
        run_at=run_at,
        arrival=0,
        enqueued_at=at,
        retention=new.retention,
        unique_key=None if new.unique is None else new.unique.key,
    )
