"""What a test can look at without running anything."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn, TypeVar, overload

from jobkit.clock import to_milliseconds
from jobkit.engine import Engine
from jobkit.engine.late import LateMatches
from jobkit.inspect import Inspector
from jobkit.jobtype import DataclassLike
from jobkit.record import JobRecord, JobState
from jobkit.report import Matches
from jobkit.store import StoredJob
from jobkit_testing.clock import VirtualClock
from jobkit_testing.matching import Pattern, pattern
from jobkit_testing.messages import Scene, not_as_expected
from jobkit_testing.reading import Reader
from jobkit_testing.timeline import Timeline
from jobkit_testing.witness import Enqueued, Witness

J = TypeVar("J", bound=DataclassLike)
ENDED_IN_ORDER = (JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED)  # as messages list them


class Looking:
    """What shows jobs, and changes nothing."""

    clock: VirtualClock
    inspect: Inspector
    seed: int
    timeline: Timeline
    _engine: Engine
    _reader: Reader
    _witness: Witness

    @overload
    def queued(self, /) -> Matches[Any]: ...
    @overload
    def queued(self, spec: type[J], /) -> Matches[J]: ...
    @overload
    def queued(self, spec: J, /) -> Matches[J]: ...
    def queued(self, spec: Any = None, /) -> Matches[Any]:
        """Return the jobs that wait, in the order in which they were enqueued."""
        waiting = self._reader.waiting()
        return self._matches(waiting if spec is None else select("queued", spec, waiting))

    def get_first(self) -> Any:
        """Return the payload of the first job that waits; it stays queued."""
        __tracebackhide__ = True
        waiting = self._reader.waiting()
        if not waiting:
            self._fail("\n".join(["get_first: no job waits", *self._scene("waiting").foot()]))
        return self._payload(waiting[0])

    def get_first_of(self, type: type[J], /) -> J:
        """Return the payload of the first job of a type that waits; it stays queued."""
        __tracebackhide__ = True
        found = select("get_first_of", type, self._reader.waiting())
        if not found:
            wanted: Pattern[J] = pattern("get_first_of", type, match={})
            self._fail(not_as_expected(self._scene("waiting"), wanted, (), None))
        payload: J = self._payload(found[0])
        return payload

    @overload
    def enqueued_by(self) -> AbstractContextManager[Matches[Any]]: ...
    @overload
    def enqueued_by(self, spec: type[J]) -> AbstractContextManager[Matches[J]]: ...
    @overload
    def enqueued_by(self, spec: J) -> AbstractContextManager[Matches[J]]: ...
    def enqueued_by(self, spec: Any = None) -> AbstractContextManager[Matches[Any]]:
        """Collect what the block enqueues, and nothing that was there before.

        What its jobs enqueue when they run inside the block counts, a retry does not. The records
        are those at the end of the block, or, inside of it, at the moment of looking.
        """
        return self._enqueued_by(spec)

    @contextmanager
    def _enqueued_by(self, spec: Any) -> Generator[Matches[Any]]:
        with self._witness.scope() as seen:

            def look() -> Iterable[JobRecord[Any]]:
                jobs = [self._witness.as_it_is(new, at) for new, at in seen]
                chosen = jobs if spec is None else select("enqueued_by", spec, jobs)
                return map(self._engine.record, chosen)

            found = Enqueued(look)
            try:
                yield found
            finally:
                found.fix()

    def _matches(self, jobs: Sequence[StoredJob]) -> Matches[Any]:
        return LateMatches(jobs, self._engine.record)

    def _payload(self, job: StoredJob) -> Any:
        __tracebackhide__ = True
        payload = self._engine.record(job).payload
        if payload is None:
            self._fail(f"{self.timeline.name(job)}: raw bytes {job.payload!r}")
        return payload

    def _scene(self, kind: str, candidates: Sequence[StoredJob] | None = None) -> Scene:
        """Read everything that a message may show."""
        waiting = self._reader.waiting()
        ended = [job for state in ENDED_IN_ORDER for job in self._reader.ended(state)]
        return Scene(
            kind=kind,
            candidates=waiting if candidates is None else candidates,
            waiting=waiting,
            ran=ended,
            timeline=self.timeline,
            now=to_milliseconds(self.clock.now()),
            seed=self.seed,
        )

    def _fail(self, message: str, words: str | None = None) -> NoReturn:
        __tracebackhide__ = True
        raise AssertionError(message if words is None else f"{words}\n{message}")


def select(of: str, spec: Any, jobs: Iterable[StoredJob]) -> list[StoredJob]:
    """Keep the jobs that fit a class or an instance."""
    wanted: Pattern[Any] = pattern(of, spec, match={})
    return wanted.among(jobs)
