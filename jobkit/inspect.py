"""`jobs.inspect`: look at jobs, and act on them by id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

from jobkit.engine import Engine, Steps, drive, drive_async
from jobkit.errors import JobNotFound, NotSupported
from jobkit.record import JobRecord, JobState, Page
from jobkit.store import Operation


def _read(engine: Engine, job_id: str) -> Steps[JobRecord[Any]]:
    queue = yield from engine.queue_of(job_id)
    return (yield from engine.read(queue, job_id))


def _cancel(engine: Engine, job_id: str) -> Steps[bool]:
    try:
        queue = yield from engine.queue_of(job_id)
    except JobNotFound:
        return False
    return (yield from engine.cancel(queue, job_id))


def _delete(engine: Engine, job_id: str) -> Steps[bool]:
    try:
        queue = yield from engine.queue_of(job_id)
    except JobNotFound:
        return False
    return (yield from engine.delete(queue, job_id))


def _reschedule(engine: Engine, job_id: str, at: datetime) -> Steps[None]:
    queue = yield from engine.queue_of(job_id)
    yield from engine.reschedule(queue, job_id, at)


def _run_now(engine: Engine, job_id: str) -> Steps[None]:
    queue = yield from engine.queue_of(job_id)
    yield from engine.run_now(queue, job_id)


def _retry(engine: Engine, job_id: str) -> Steps[None]:
    queue = yield from engine.queue_of(job_id)
    yield from engine.retry(queue, job_id)


def _later(name: str) -> NoReturn:
    raise NotSupported(f"inspect.{name} is not supported yet")


class Inspector:
    """What `jobs.inspect` is."""

    def __init__(self, engine: Engine, run: Callable[[Operation[Any]], Any]) -> None:
        self._engine = engine
        self._run = run

    def get(self, job_id: str, /) -> JobRecord[Any]:
        """Read one job; raises `JobNotFound`."""
        return drive(_read(self._engine, job_id), self._run)

    def cancel(self, job_id: str, /) -> bool:
        """Cancel a job, or tell its handler to stop; False if it had ended or was gone."""
        return drive(_cancel(self._engine, job_id), self._run)

    def delete(self, job_id: str, /) -> bool:
        """Remove a job and its record; False if it was gone."""
        return drive(_delete(self._engine, job_id), self._run)

    def jobs(
        self,
        *,
        state: JobState | str | None = None,
        queue: str | None = None,
        type: str | type | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page[JobRecord[Any]]:
        """List jobs. Not supported yet."""
        return _later("jobs")

    def queues(self) -> Sequence[Any]:
        """List queues. Not supported yet."""
        return _later("queues")

    def workers(self) -> Sequence[Any]:
        """List workers. Not supported yet."""
        return _later("workers")

    def schedules(self) -> Sequence[Any]:
        """List schedules. Not supported yet."""
        return _later("schedules")

    def stats(self) -> Any:
        """Return totals and series. Not supported yet."""
        return _later("stats")

    def pause(self, queue: str | None = None, type: str | type | None = None) -> None:
        """Pause a queue or a type. Not supported yet."""
        _later("pause")

    def resume(self, queue: str | None = None, type: str | type | None = None) -> None:
        """Resume a queue or a type. Not supported yet."""
        _later("resume")

    def is_paused(self, queue: str | None = None, type: str | type | None = None) -> bool:
        """Tell whether a queue or a type is paused. Not supported yet."""
        return _later("is_paused")

    def reschedule(self, job_id: str, at: datetime, /) -> None:
        """Make a job due at another time; raises `JobNotFound` or `JobRunning`."""
        drive(_reschedule(self._engine, job_id, at), self._run)

    def run_now(self, job_id: str, /) -> None:
        """Make a waiting job due now; raises as `reschedule`, and `WrongState`."""
        drive(_run_now(self._engine, job_id), self._run)

    def retry(self, job_id: str, /) -> None:
        """Run an ended job again, with fresh attempts; raises as `run_now`."""
        drive(_retry(self._engine, job_id), self._run)

    def retry_all_dead(self, *, queue: str | None = None, type: str | type | None = None) -> int:
        """Run all dead jobs again. Not supported yet."""
        return _later("retry_all_dead")

    def delete_all_dead(self, *, queue: str | None = None, type: str | type | None = None) -> int:
        """Delete all dead jobs. Not supported yet."""
        return _later("delete_all_dead")

    def prune(
        self,
        *,
        state: JobState | str,
        older_than: timedelta | None = None,
        keep: int | None = None,
        payload_only: bool = False,
    ) -> int:
        """Delete ended jobs. Not supported yet."""
        return _later("prune")


class AsyncInspector:
    """What `jobs.aio.inspect` is."""

    def __init__(self, engine: Engine, run: Callable[[Operation[Any]], Awaitable[Any]]) -> None:
        self._engine = engine
        self._run = run

    async def get(self, job_id: str, /) -> JobRecord[Any]:
        """Read one job; raises `JobNotFound`."""
        return await drive_async(_read(self._engine, job_id), self._run)

    async def cancel(self, job_id: str, /) -> bool:
        """Cancel a job, or tell its handler to stop; False if it had ended or was gone."""
        return await drive_async(_cancel(self._engine, job_id), self._run)

    async def delete(self, job_id: str, /) -> bool:
        """Remove a job and its record; False if it was gone."""
        return await drive_async(_delete(self._engine, job_id), self._run)

    async def jobs(
        self,
        *,
        state: JobState | str | None = None,
        queue: str | None = None,
        type: str | type | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page[JobRecord[Any]]:
        """List jobs. Not supported yet."""
        return _later("jobs")

    async def queues(self) -> Sequence[Any]:
        """List queues. Not supported yet."""
        return _later("queues")

    async def workers(self) -> Sequence[Any]:
        """List workers. Not supported yet."""
        return _later("workers")

    async def schedules(self) -> Sequence[Any]:
        """List schedules. Not supported yet."""
        return _later("schedules")

    async def stats(self) -> Any:
        """Return totals and series. Not supported yet."""
        return _later("stats")

    async def pause(self, queue: str | None = None, type: str | type | None = None) -> None:
        """Pause a queue or a type. Not supported yet."""
        _later("pause")

    async def resume(self, queue: str | None = None, type: str | type | None = None) -> None:
        """Resume a queue or a type. Not supported yet."""
        _later("resume")

    async def is_paused(self, queue: str | None = None, type: str | type | None = None) -> bool:
        """Tell whether a queue or a type is paused. Not supported yet."""
        return _later("is_paused")

    async def reschedule(self, job_id: str, at: datetime, /) -> None:
        """Make a job due at another time; raises `JobNotFound` or `JobRunning`."""
        await drive_async(_reschedule(self._engine, job_id, at), self._run)

    async def run_now(self, job_id: str, /) -> None:
        """Make a waiting job due now; raises as `reschedule`, and `WrongState`."""
        await drive_async(_run_now(self._engine, job_id), self._run)

    async def retry(self, job_id: str, /) -> None:
        """Run an ended job again, with fresh attempts; raises as `run_now`."""
        await drive_async(_retry(self._engine, job_id), self._run)

    async def retry_all_dead(
        self, *, queue: str | None = None, type: str | type | None = None
    ) -> int:
        """Run all dead jobs again. Not supported yet."""
        return _later("retry_all_dead")

    async def delete_all_dead(
        self, *, queue: str | None = None, type: str | type | None = None
    ) -> int:
        """Delete all dead jobs. Not supported yet."""
        return _later("delete_all_dead")

    async def prune(
        self,
        *,
        state: JobState | str,
        older_than: timedelta | None = None,
        keep: int | None = None,
        payload_only: bool = False,
    ) -> int:
        """Delete ended jobs. Not supported yet."""
        return _later("prune")
