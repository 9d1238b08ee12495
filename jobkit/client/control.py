"""What handles do, on an engine and a store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NoReturn

from jobkit.clock import pause
from jobkit.engine import Engine, drive, drive_async
from jobkit.errors import NotSupported
from jobkit.record import ENDED, JobRecord
from jobkit.store import Operation

FIRST_LOOK = 0.005  # seconds
LONGEST_LOOK = 0.25


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


def _later(name: str) -> NoReturn:
    raise NotSupported(f"{name} is not supported yet")


class Control:
    """The actions of `JobHandle`."""

    def __init__(self, engine: Engine, run: Callable[[Operation[Any]], Any]) -> None:
        self._engine = engine
        self._run = run

    def record_of(self, queue: str, job_id: str) -> JobRecord[Any]:
        """Read the job."""
        return drive(self._engine.read(queue, job_id), self._run)

    def cancel_job(self, queue: str, job_id: str) -> bool:
        """Cancel the job."""
        return drive(self._engine.cancel(queue, job_id), self._run)

    def delete_job(self, queue: str, job_id: str) -> bool:
        """Delete the job."""
        return drive(self._engine.delete(queue, job_id), self._run)

    def reschedule_job(self, queue: str, job_id: str, run_at: datetime) -> None:
        """Refuse: not supported yet."""
        _later("reschedule")

    def set_job_priority(self, queue: str, job_id: str, priority: int) -> None:
        """Refuse: not supported yet."""
        _later("set_priority")

    def run_job_now(self, queue: str, job_id: str) -> None:
        """Refuse: not supported yet."""
        _later("run_now")

    def retry_job(self, queue: str, job_id: str) -> None:
        """Refuse: not supported yet."""
        _later("retry")

    def wait_for_job(self, queue: str, job_id: str, timeout: timedelta | None) -> JobRecord[Any]:
        """Look at the job, less and less often, until it has ended."""
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

    async def record_of(self, queue: str, job_id: str) -> JobRecord[Any]:
        """Read the job."""
        return await drive_async(self._engine.read(queue, job_id), self._run)

    async def cancel_job(self, queue: str, job_id: str) -> bool:
        """Cancel the job."""
        return await drive_async(self._engine.cancel(queue, job_id), self._run)

    async def delete_job(self, queue: str, job_id: str) -> bool:
        """Delete the job."""
        return await drive_async(self._engine.delete(queue, job_id), self._run)

    async def reschedule_job(self, queue: str, job_id: str, run_at: datetime) -> None:
        """Refuse: not supported yet."""
        _later("reschedule")

    async def set_job_priority(self, queue: str, job_id: str, priority: int) -> None:
        """Refuse: not supported yet."""
        _later("set_priority")

    async def run_job_now(self, queue: str, job_id: str) -> None:
        """Refuse: not supported yet."""
        _later("run_now")

    async def retry_job(self, queue: str, job_id: str) -> None:
        """Refuse: not supported yet."""
        _later("retry")

    async def wait_for_job(
        self, queue: str, job_id: str, timeout: timedelta | None
    ) -> JobRecord[Any]:
        """Look at the job, less and less often, until it has ended."""
        record = await self.record_of(queue, job_id)
        for rest in _looks(timeout):
            if record.state in ENDED:
                return record
            await asyncio.sleep(rest)
            record = await self.record_of(queue, job_id)
        return record if record.state in ENDED else _still_running(record, timeout)
