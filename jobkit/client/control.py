"""What handles do, on an engine and a store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NoReturn

from jobkit.clock import pause
from jobkit.engine import Engine, drive, drive_async, single
from jobkit.errors import InvalidOption
from jobkit.handle import AsyncJobHandle, JobHandle
from jobkit.record import ENDED, JobRecord
from jobkit.store import Operation

FIRST_LOOK = 0.005  # seconds
LONGEST_LOOK = 0.25


def check_wait(timeout: timedelta | None) -> None:
    """Raise `InvalidOption` for a timeout that is no duration; one that is over is fine."""
    # Types are a promise that user code may break at run time.
    if timeout is not None and not isinstance(timeout, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidOption(f"wait: timeout={timeout!r}: give a datetime.timedelta")


def _looks(timeout: timedelta | None) -> Iterator[float]:
    """Yield how long to rest between looks, until the timeout is used up."""
    left = float("inf") if timeout is None else timeout.total_seconds()
    rest = FIRST_LOOK
    while left > 0:
        yield min(rest, left)
        left -= rest
        rest = min(rest * 1.5, LONGEST_LOOK)


def _still_running(record: JobRecord[Any], timeout: timedelta | None) -> NoReturn:
    raise TimeoutError(f"job {record.id} ({record.type}) is {record.state} after {timeout}")


class Control:
    """The actions of `JobHandle`."""

    def __init__(self, engine: Engine, run: Callable[[Operation[Any]], Any]) -> None:
        self._engine = engine
        self._run = run

    def handle_to(self, job_id: str, type_name: str, queue: str) -> JobHandle[Any]:
        """Return a handle to a job that was there before."""
        return JobHandle(id=job_id, type=type_name, queue=queue, created=False, control=self)

    def record_of(self, queue: str, job_id: str) -> JobRecord[Any]:
        """Read the job; raises `JobNotFound`."""
        return drive(single.read(self._engine, queue, job_id), self._run)

    def cancel_job(self, queue: str, job_id: str) -> bool:
        """Cancel the job, or tell its handler to stop; False if it had ended or was gone."""
        return drive(single.cancel(self._engine, queue, job_id), self._run)

    def delete_job(self, queue: str, job_id: str) -> bool:
        """Remove the job and its record; False if it was gone."""
        return drive(single.delete(queue, job_id), self._run)

    def reschedule_job(self, queue: str, job_id: str, run_at: datetime) -> None:
        """Make the job due at another time; one that has ended runs again then."""
        drive(single.reschedule(queue, job_id, run_at, self.handle_to), self._run)

    def set_job_priority(self, queue: str, job_id: str, priority: int) -> None:
        """Give the job, which has to wait, another priority."""
        drive(single.set_priority(queue, job_id, priority), self._run)

    def run_job_now(self, queue: str, job_id: str) -> None:
        """Make the job, which has to wait, due now."""
        drive(single.run_now(queue, job_id), self._run)

    def retry_job(self, queue: str, job_id: str) -> None:
        """Run the job, which has to have ended, again."""
        drive(single.retry(queue, job_id, self.handle_to), self._run)

    def wait_for_job(self, queue: str, job_id: str, timeout: timedelta | None) -> JobRecord[Any]:
        """Look at the job, less and less often, until it has ended."""
        check_wait(timeout)
        record = self.record_of(queue, job_id)
        for rest in _looks(timeout):
            if record.state in ENDED:
                return record
            pause(rest)
            record = self.record_of(queue, job_id)
        return record if record.state in ENDED else _still_running(record, timeout)


class AsyncControl:
    """The actions of `AsyncJobHandle`."""

    def __init__(self, engine: Engine, run: Callable[[Operation[Any]], Awaitable[Any]]) -> None:
        self._engine = engine
        self._run = run

    def handle_to(self, job_id: str, type_name: str, queue: str) -> AsyncJobHandle[Any]:
        """Return a handle to a job that was there before."""
        return AsyncJobHandle(id=job_id, type=type_name, queue=queue, created=False, control=self)

    async def record_of(self, queue: str, job_id: str) -> JobRecord[Any]:
        """Read the job; raises `JobNotFound`."""
        return await drive_async(single.read(self._engine, queue, job_id), self._run)

    async def cancel_job(self, queue: str, job_id: str) -> bool:
        """Cancel the job, or tell its handler to stop; False if it had ended or was gone."""
        return await drive_async(single.cancel(self._engine, queue, job_id), self._run)

    async def delete_job(self, queue: str, job_id: str) -> bool:
        """Remove the job and its record; False if it was gone."""
        return await drive_async(single.delete(queue, job_id), self._run)

    async def reschedule_job(self, queue: str, job_id: str, run_at: datetime) -> None:
        """Make the job due at another time; one that has ended runs again then."""
        await drive_async(single.reschedule(queue, job_id, run_at, self.handle_to), self._run)

    async def set_job_priority(self, queue: str, job_id: str, priority: int) -> None:
        """Give the job, which has to wait, another priority."""
        await drive_async(single.set_priority(queue, job_id, priority), self._run)

    async def run_job_now(self, queue: str, job_id: str) -> None:
        """Make the job, which has to wait, due now."""
        await drive_async(single.run_now(queue, job_id), self._run)

    async def retry_job(self, queue: str, job_id: str) -> None:
        """Run the job, which has to have ended, again."""
        await drive_async(single.retry(queue, job_id, self.handle_to), self._run)

    async def wait_for_job(
        self, queue: str, job_id: str, timeout: timedelta | None
    ) -> JobRecord[Any]:
        """Look at the job, less and less often, until it has ended."""
        check_wait(timeout)
        record = await self.record_of(queue, job_id)
        for rest in _looks(timeout):
            if record.state in ENDED:
                return record
            await asyncio.sleep(rest)
            record = await self.record_of(queue, job_id)
        return record if record.state in ENDED else _still_running(record, timeout)
