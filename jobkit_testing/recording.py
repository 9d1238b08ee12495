"""Keeps what test doubles enqueue, for the payload guard; it costs nothing while nobody asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from jobkit.errors import InvalidJob
from jobkit.jobtype import JobType, named_type
from jobkit.store import (
    Fire,
    NewJob,
    Operation,
    Push,
    Settle,
    Store,
    Succeed,
)
from jobkit_testing.over import StoreOver

if TYPE_CHECKING:
    from msgspec.inspect import Type

R = TypeVar("R")
SHAPES_KEPT = 1_000  # of a type; few have more than ten
PAYLOADS_REMEMBERED = 100_000

_recorder: Recorder | None = None


def record_with(recorder: Recorder | None) -> None:
    """Let every `TestingJobs` that is made from now on be recorded; None: none any more."""
    global _recorder  # noqa: PLW0603  # one a process, as the run of pytest is
    _recorder = recorder


def recorded(store: Store) -> Store:
    """Return the store itself, or one that tells the recorder what goes into it."""
    return store if _recorder is None else RecordingStore(store, _recorder)


class Recorder:
    """The payloads of a run: of each type the smallest one of each shape, without secrets.

    The smallest: so it does not depend on the order of the tests. `names`: all types seen;
    `homes`: where their classes are; `refused`: why a type has no payload to keep.
    """

    def __init__(self, *, names_only: bool = False) -> None:
        self.names: set[str] = set()
        self.homes: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.payloads: dict[str, dict[frozenset[str], bytes]] = {}
        self._names_only = names_only
        self._seen: set[tuple[str, bytes]] = set()
        self._schemas: dict[JobType[Any], Type] = {}
        self._lock = threading.Lock()

    def take(self, name: str, payload: bytes) -> None:
        """Look at one payload; a class inside of a function is nobody else's."""
        if "<locals>" in name:
            return
        self.names.add(name)
        if self._names_only or (name, payload) in self._seen:
            return
        with self._lock:
            if len(self._seen) < PAYLOADS_REMEMBERED:
                self._seen.add((name, payload))
                self._keep(name, payload)

    def _keep(self, name: str, payload: bytes) -> None:
        from jobkit.codec.schema import schema_of
        from jobkit_testing.shapes import features, without_secrets

        job_type = named_type(name)
        if job_type is None or not job_type.durable:
            return
        self.homes[name] = f"{job_type.cls.__module__}:{job_type.cls.__qualname__}"
        schema = self._schemas.get(job_type) or schema_of(job_type.cls)
        self._schemas[job_type] = schema
        masked = without_secrets(schema, payload)
        try:
            job_type.decode(masked)
        except InvalidJob as error:
            self.refused[name] = str(error)
            return
        shapes = self.payloads.setdefault(name, {})
        shape = features(schema, masked)
        if shape in shapes or len(shapes) < SHAPES_KEPT:
            shapes[shape] = min(masked, shapes.get(shape, masked), key=by_size)


def by_size(payload: bytes) -> tuple[int, bytes]:
    """Return what to sort payloads by: the shortest first."""
    return len(payload), payload


class RecordingStore(StoreOver):
    """Hands operations on to a store, and the payloads in them to a recorder."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        super().__init__(store)
        self._recorder = recorder

    def run(self, operation: Operation[R], /, *, now: int | None = None) -> R:
        """Carry out one operation in one atomic step."""
        result = super().run(operation, now=now)
        self._take(operation)
        return result

    def run_many(
        self, operations: Sequence[Operation[Any]], /, *, now: int | None = None
    ) -> list[Any]:
        """Carry out operations in order, each atomic."""
        results = super().run_many(operations, now=now)
        for operation in operations:
            self._take(operation)
        return results

    def _take(self, operation: Operation[Any]) -> None:
        for name, payload in _payloads(operation):
            self._recorder.take(name, payload)


def _payloads(operation: object) -> Iterator[tuple[str, bytes]]:
    """Yield type and payload of each job that an operation stores."""
    match operation:
        case Push(jobs=jobs):
            yield from map(_of_job, jobs)
        case Settle(settlements=settlements):
            for each in settlements:
                if isinstance(each, Succeed):
                    yield from map(_of_job, each.children)
        case Fire(job=NewJob() as job):
            yield _of_job(job)
        case _:
            pass


def _of_job(job: NewJob) -> tuple[str, bytes]:
    return job.type, job.payload
