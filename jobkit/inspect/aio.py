"""`jobs.aio.inspect`: the twin of `jobs.inspect` in coroutines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from jobkit.engine import Engine, drive_async
from jobkit.engine.crews import worker_infos
from jobkit.engine.statistics import statistics
from jobkit.handle import HandleTo
from jobkit.inspect import bulk, listing, pausing, queues, schedules, single
from jobkit.queueinfo import QueueInfo
from jobkit.record import JobRecord, JobState, Page
from jobkit.roster import WorkerInfo
from jobkit.scheduleinfo import ScheduleInfo
from jobkit.stats import Stats
from jobkit.store import Operation


class AsyncInspector:
    """What `jobs.aio.inspect` is."""

    def __init__(
        self, engine: Engine, run: Callable[[Operation[Any]], Awaitable[Any]], handle_to: HandleTo
    ) -> None:
        self._engine = engine
        self._run = run
        self._handle_to = handle_to

    async def get(self, id: str) -> JobRecord[Any]:
        """Read one job; raises `JobNotFound`."""
        return await drive_async(single.read(self._engine, id), self._run)

    async def cancel(self, id: str) -> bool:
        """Cancel a job, or tell its handler to stop; False if it had ended or was gone."""
        return await drive_async(single.cancel(self._engine, id), self._run)

    async def delete(self, id: str) -> bool:
        """Remove a job and its record; False if it was gone."""
        return await drive_async(single.delete(id), self._run)

    async def jobs(
        self,
        *,
        state: JobState | str | None = None,
        queue: str | None = None,
        type: str | type | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page[JobRecord[Any]]:
        """List jobs of a state, a queue, a type, or any; `cursor` is that of the page before.

        `type` is a stored name, or a class with all its names. What runs comes first, then what
        waits, in the order of its turn, then what has ended, newest first. Jobs that come and go
        meanwhile change nothing for the others. `limit` is at most 1000. Raises `InvalidOption`.
        """
        return await drive_async(
            listing.jobs(
                self._engine, state=state, queue=queue, type=type, limit=limit, cursor=cursor
            ),
            self._run,
        )

    async def queues(self) -> tuple[QueueInfo, ...]:
        """List the queues by name: what is where, who works on it, and how it goes."""
        return await drive_async(queues.queues(), self._run)

    async def workers(self) -> tuple[WorkerInfo, ...]:
        """List the workers of all queues by name, each with the jobs that it runs."""
        return await drive_async(worker_infos(), self._run)

    async def schedules(self) -> Sequence[ScheduleInfo[Any]]:
        """List all schedules, by name."""
        return await drive_async(schedules.schedules(self._engine), self._run)

    async def stats(self) -> Stats:
        """Return what was done, in all and by the minute, over all queues and for each."""
        return await drive_async(statistics(), self._run)

    async def pause(self, queue: str | None = None, type: str | type | None = None) -> None:
        """Start no job of a queue, of a type, or of a type in a queue, until it is resumed.

        Waiting jobs stay, running ones finish. The three are independent of each other.
        Workers heed it from their next claim on. Raises `InvalidOption` if neither is given.
        """
        await drive_async(pausing.pause(self._engine, queue, type), self._run)

    async def resume(self, queue: str | None = None, type: str | type | None = None) -> None:
        """Take back a `pause` with the same arguments; idle workers look at once."""
        await drive_async(pausing.resume(self._engine, queue, type), self._run)

    async def is_paused(self, queue: str | None = None, type: str | type | None = None) -> bool:
        """Tell whether `pause` with the same arguments holds, whatever else is paused."""
        return await drive_async(pausing.is_paused(self._engine, queue, type), self._run)

    async def reschedule(self, id: str, at: datetime) -> None:
        """Make a job due at another time; raises as `JobHandle.reschedule`."""
        await drive_async(single.reschedule(id, at, self._handle_to), self._run)

    async def run_now(self, id: str) -> None:
        """Make a waiting job due now; raises `JobNotFound`, `JobRunning` or `WrongState`."""
        await drive_async(single.run_now(id), self._run)

    async def retry(self, id: str) -> None:
        """Run an ended job again, with fresh attempts; raises as `JobHandle.retry`."""
        await drive_async(single.retry(id, self._handle_to), self._run)

    async def retry_all_dead(
        self, *, queue: str | None = None, type: str | type | None = None
    ) -> int:
        """Run dead jobs again, with fresh attempts, and return how many.

        Left alone: jobs whose unique key another one holds, those whose payload was pruned, and
        what dies while this goes on. Goes in batches of 500, each an atomic step.
        """
        return await drive_async(
            bulk.retry_all_dead(self._engine, queue=queue, type=type), self._run
        )

    async def delete_all_dead(
        self, *, queue: str | None = None, type: str | type | None = None
    ) -> int:
        """Delete the jobs that are dead by now, in batches of 500, and return how many."""
        return await drive_async(
            bulk.delete_all_dead(self._engine, queue=queue, type=type), self._run
        )

    async def prune(
        self,
        *,
        state: JobState | str,
        older_than: timedelta | None = None,
        keep: int | None = None,
        payload_only: bool = False,
    ) -> int:
        """Delete jobs that ended in a state, in batches of 500, and return how many.

        `older_than`: only those that ended longer ago; `keep`: not the newest so many of each
        queue. Give one or both; with both, a job has to be past both. Jobs with a `retention` of
        their own go by `older_than` alone. `payload_only` drops the payloads and keeps the
        records: `payload` is None then, `raw` is empty, and the job cannot be retried.
        """
        return await drive_async(
            bulk.prune(
                self._engine,
                state=state,
                older_than=older_than,
                keep=keep,
                payload_only=payload_only,
            ),
            self._run,
        )
