"""A handle leads from the call that enqueued a job to the job itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from jobkit.record import JobRecord

J_co = TypeVar("J_co", covariant=True)
HandleTo: TypeAlias = Callable[[str, str, str], object]  # makes one from id, type and queue


class JobControl(Protocol):
    """What a handle can do, by id; `queue` is where to look."""

    def record_of(self, queue: str, job_id: str) -> JobRecord[Any]: ...
    def cancel_job(self, queue: str, job_id: str) -> bool: ...
    def delete_job(self, queue: str, job_id: str) -> bool: ...
    def reschedule_job(self, queue: str, job_id: str, run_at: datetime) -> None: ...
    def set_job_priority(self, queue: str, job_id: str, priority: int) -> None: ...
    def run_job_now(self, queue: str, job_id: str) -> None: ...
    def retry_job(self, queue: str, job_id: str) -> None: ...
    def wait_for_job(
        self, queue: str, job_id: str, timeout: timedelta | None
    ) -> JobRecord[Any]: ...


class AsyncJobControl(Protocol):
    """`JobControl` as coroutines."""

    async def record_of(self, queue: str, job_id: str) -> JobRecord[Any]: ...
    async def cancel_job(self, queue: str, job_id: str) -> bool: ...
    async def delete_job(self, queue: str, job_id: str) -> bool: ...
    async def reschedule_job(self, queue: str, job_id: str, run_at: datetime) -> None: ...
    async def set_job_priority(self, queue: str, job_id: str, priority: int) -> None: ...
    async def run_job_now(self, queue: str, job_id: str) -> None: ...
    async def retry_job(self, queue: str, job_id: str) -> None: ...
    async def wait_for_job(
        self, queue: str, job_id: str, timeout: timedelta | None
    ) -> JobRecord[Any]: ...


class _Reference(Generic[J_co]):
    """Which job: equal and hashed by id alone.

    `created` is False if a unique job was there already and this leads to it, and None inside
    a transaction, where nothing is stored yet: at its end `id` may become that of such a job.
    """

    __slots__ = ("created", "id", "queue", "type")

    id: str
    type: str
    queue: str
    created: bool | None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reference) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__} {self.type} {self.id} queue={self.queue!r}>"


def lead(handle: _Reference[Any], stored_as: str) -> None:
    """Let a handle lead to where its job is stored: another one may hold its unique key."""
    if handle.id == stored_as:
        handle.created = True
    else:
        handle.created = False
        handle.id = stored_as


class JobHandle(_Reference[J_co]):
    """An enqueued job of type `J`."""

    __slots__ = ("_control",)

    def __init__(
        self, *, id: str, type: str, queue: str, created: bool | None, control: JobControl
    ) -> None:
        self.id = id
        self.type = type
        self.queue = queue
        self.created = created
        self._control = control

    def record(self) -> JobRecord[J_co]:
        """Read the job as it is now; raises `JobNotFound`."""
        return self._control.record_of(self.queue, self.id)

    def cancel(self) -> bool:
        """Cancel it, or tell its handler to stop; False if it had ended or was gone."""
        return self._control.cancel_job(self.queue, self.id)

    def delete(self) -> bool:
        """Remove it and its record; False if it was gone."""
        return self._control.delete_job(self.queue, self.id)

    def reschedule(self, run_at: datetime) -> None:
        """Make it due at another time; one that has ended runs again then.

        Raises `JobNotFound`, `JobRunning`, `WrongState` if its payload was pruned, or `Duplicate`
        if it has ended and another job holds its unique key.
        """
        self._control.reschedule_job(self.queue, self.id, run_at)

    def set_priority(self, n: int) -> None:
        """Change its priority while it waits; raises `JobNotFound`, `JobRunning`, `WrongState`."""
        self._control.set_job_priority(self.queue, self.id, n)

    def run_now(self) -> None:
        """Make it due now if it waits; raises `JobNotFound`, `JobRunning` or `WrongState`."""
        self._control.run_job_now(self.queue, self.id)

    def retry(self) -> None:
        """Run it again if it has ended, with fresh attempts.

        Raises `JobNotFound`, `JobRunning`, `WrongState` if it waits or its payload was pruned, or
        `Duplicate` if another job holds its unique key.
        """
        self._control.retry_job(self.queue, self.id)

    def wait(self, timeout: timedelta | None = None) -> JobRecord[J_co]:
        """Wait until it has ended, however it did; raises `TimeoutError` or `JobNotFound`."""
        return self._control.wait_for_job(self.queue, self.id, timeout)


class AsyncJobHandle(_Reference[J_co]):
    """An enqueued job of type `J`, for coroutines."""

    __slots__ = ("_control",)

    def __init__(
        self, *, id: str, type: str, queue: str, created: bool | None, control: AsyncJobControl
    ) -> None:
        self.id = id
        self.type = type
        self.queue = queue
        self.created = created
        self._control = control

    async def record(self) -> JobRecord[J_co]:
        """Read the job as it is now; raises `JobNotFound`."""
        return await self._control.record_of(self.queue, self.id)

    async def cancel(self) -> bool:
        """Cancel it, or tell its handler to stop; False if it had ended or was gone."""
        return await self._control.cancel_job(self.queue, self.id)

    async def delete(self) -> bool:
        """Remove it and its record; False if it was gone."""
        return await self._control.delete_job(self.queue, self.id)

    async def reschedule(self, run_at: datetime) -> None:
        """Make it due at another time; see `JobHandle.reschedule`."""
        await self._control.reschedule_job(self.queue, self.id, run_at)

    async def set_priority(self, n: int) -> None:
        """Change its priority while it waits; raises `JobNotFound`, `JobRunning`, `WrongState`."""
        await self._control.set_job_priority(self.queue, self.id, n)

    async def run_now(self) -> None:
        """Make it due now if it waits; raises `JobNotFound`, `JobRunning` or `WrongState`."""
        await self._control.run_job_now(self.queue, self.id)

    async def retry(self) -> None:
        """Run it again if it has ended, with fresh attempts; see `JobHandle.retry`."""
        await self._control.retry_job(self.queue, self.id)

    async def wait(self, timeout: timedelta | None = None) -> JobRecord[J_co]:
        """Wait until it has ended, however it did; raises `TimeoutError` or `JobNotFound`."""
        return await self._control.wait_for_job(self.queue, self.id, timeout)
