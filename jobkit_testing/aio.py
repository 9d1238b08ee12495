"""`AsyncTestingJobs`: the async twin of `TestingJobs`; handlers are tasks of the running loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from jobkit.client import AsyncJobs
from jobkit.engine import Steps
from jobkit.errors import NotSupported
from jobkit.inspect import AsyncInspector
from jobkit.jobtype import DataclassLike
from jobkit.options import EnqueueOptions, WorkerOptions
from jobkit.record import JobRecord
from jobkit.report import Report
from jobkit.store import Operation
from jobkit_testing.faults import Faults
from jobkit_testing.running import Attempts
from jobkit_testing.runs import LIMIT
from jobkit_testing.wanted import Types, wanted

if TYPE_CHECKING:
    from jobkit_testing.jobs import TestingJobs

J = TypeVar("J", bound=DataclassLike)
T = TypeVar("T")


class AsyncTestingJobs(AsyncJobs):
    """Runs handlers as tasks of the running loop, whose timers are real.

    A handler that waits for more than a second of real time fails the test. Assertions and
    getters are those of the `TestingJobs`.
    """

    __test__ = False

    def __init__(self, jobs: TestingJobs) -> None:
        super().__init__(jobs)
        self._testing = jobs
        # One object in two faces: the twin reaches into what it is the twin of.
        self._runs = jobs._runs  # pyright: ignore[reportPrivateUsage]
        self._driver = jobs._driver  # pyright: ignore[reportPrivateUsage]
        self._witness = jobs._witness  # pyright: ignore[reportPrivateUsage]
        self.inspect = AsyncInspector(self._engine, self._send_declaring, self._control.handle_to)

    @property
    def faults(self) -> Faults:
        """What is to go wrong; see `TestingJobs.faults`."""
        return self._testing.faults

    async def perform(
        self, job: J, /, *, raises: bool = True, **options: Unpack[EnqueueOptions]
    ) -> JobRecord[J]:
        """Enqueue this job and run it, past all others; see `TestingJobs.perform`."""
        __tracebackhide__ = True
        return await self._carry_out(self._runs.perform(job, options, raises=raises))

    async def run_next(self, *, raises: bool = True) -> JobRecord[Any] | None:
        """Run the next job that is due; None if there is none."""
        __tracebackhide__ = True
        return await self._carry_out(self._runs.run_next(raises=raises))

    async def drain(
        self,
        *,
        only: Types | None = None,
        queue: str | Sequence[str] | None = None,
        limit: int = LIMIT,
        raises: bool = True,
        timeout: timedelta | None = None,
    ) -> Report:
        """Run what is due, until nothing is left; see `TestingJobs.drain`."""
        __tracebackhide__ = True
        steps = self._runs.drain(wanted(only, queue), limit=limit, raises=raises, timeout=timeout)
        return await self._carry_out(steps)

    async def run_for(self, delta: timedelta, /, *, raises: bool = False) -> Report:
        """Let virtual time pass, and run what gets due; see `TestingJobs.run_for`."""
        __tracebackhide__ = True
        return await self._carry_out(self._runs.run_for(delta, raises=raises))

    async def run_until(
        self, until: datetime | Callable[[], bool], /, *, raises: bool = False
    ) -> Report:
        """Let virtual time pass until an instant or a condition; see `TestingJobs.run_until`."""
        __tracebackhide__ = True
        return await self._carry_out(self._runs.run_until(until, raises=raises))

    async def assert_idempotent(self, job: DataclassLike, *, observe: Callable[[], object]) -> None:
        """Assert that a job which runs again changes nothing more; see `TestingJobs`."""
        __tracebackhide__ = True
        check = self._testing._idempotency(job, observe)  # pyright: ignore[reportPrivateUsage]
        await self._carry_out(check.check())

    def inline(self) -> AbstractContextManager[None]:
        """Run each job that the block enqueues at once; see `TestingJobs.inline`."""
        return self._testing.inline()

    async def start(self, **options: Unpack[WorkerOptions]) -> None:
        """Record options for later runs; see `TestingJobs.start`."""
        self._testing.start(**options)

    async def shutdown(self, *, timeout: timedelta | None = None) -> None:
        """Forget what `start` was told; idempotent."""
        self._testing.shutdown(timeout=timeout)

    async def _send_declaring(self, operation: Operation[Any]) -> Any:
        self._testing.declare()
        return await self._sender(operation)

    async def _drive(self, steps: Steps[T]) -> T:
        self._testing.declare()
        result = await super()._drive(steps)
        await self._run_arrivals()
        return result

    async def _carry_out(self, steps: Attempts[T]) -> T:
        __tracebackhide__ = True
        if self._testing.is_explored:
            raise NotSupported(
                "explore: handlers run on a loop of its own; let the scenario call jobs.drain(), "
                "jobs.run_for() and the like, and not those of jobs.aio"
            )
        self._testing.declare()
        result = await self._driver.run_async(steps)
        await self._run_arrivals()
        return result

    async def _run_arrivals(self) -> None:
        __tracebackhide__ = True
        arrivals = self._witness.arrivals
        if arrivals and not self._driver.is_busy:
            await self._driver.run_async(self._runs.inline(arrivals))
