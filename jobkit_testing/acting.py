"""How a test lets jobs run: always inline, in the calling thread, on the production path."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import TypeVar, Unpack

from jobkit.jobtype import DataclassLike
from jobkit.options import EnqueueOptions
from jobkit.record import JobRecord
from jobkit.report import Report
from jobkit_testing.clock import VirtualClock
from jobkit_testing.driving import Driver
from jobkit_testing.idempotency import Idempotency
from jobkit_testing.no_loop import loop_is_running
from jobkit_testing.running import Attempts
from jobkit_testing.runs import LIMIT, Runs
from jobkit_testing.wanted import Types, wanted
from jobkit_testing.witness import Witness

J = TypeVar("J", bound=DataclassLike)
T = TypeVar("T")


class Acting:
    """What runs jobs: one, all that is due, or all that gets due as time passes.

    `raises`: once an attempt that failed is settled, what its handler raised escapes; a failed
    assertion in a handler always does, and ends its job dead at once.
    """

    clock: VirtualClock
    _runs: Runs
    _driver: Driver
    _witness: Witness

    def perform(
        self, job: J, /, *, raises: bool = True, **options: Unpack[EnqueueOptions]
    ) -> JobRecord[J]:
        """Enqueue this job and run it, past all others that wait; return its record after that.

        Raises `InvalidHandler` if its type has no handler, `WrongState` if that is limited and
        full; then nothing is stored. If another job holds its unique key, that one runs if it is
        due and has the same payload; else it raises `WrongState`.
        """
        __tracebackhide__ = True
        return self._carry_out("perform", self._runs.perform(job, options, raises=raises))

    def run_next(self, *, raises: bool = True) -> JobRecord[object] | None:
        """Run the next job that is due; None if there is none."""
        __tracebackhide__ = True
        return self._carry_out("run_next", self._runs.run_next(raises=raises))

    def drain(
        self,
        *,
        only: Types | None = None,
        queue: str | Sequence[str] | None = None,
        limit: int = LIMIT,
        raises: bool = True,
        timeout: timedelta | None = None,
    ) -> Report:
        """Run what is due, and what gets due by that, until nothing is left.

        `only`: jobs of these types. Past `limit` attempts it raises `AssertionError`, and when
        handlers have moved the clock by more than `timeout`, `TimeoutError`.
        """
        __tracebackhide__ = True
        steps = self._runs.drain(wanted(only, queue), limit=limit, raises=raises, timeout=timeout)
        return self._carry_out("drain", steps)

    def run_for(self, delta: timedelta, /, *, raises: bool = False) -> Report:
        """Let time pass: go from event to event, and run what gets due, up to and at the end."""
        __tracebackhide__ = True
        return self._carry_out("run_for", self._runs.run_for(delta, raises=raises))

    def run_until(self, until: datetime | Callable[[], bool], /, *, raises: bool = False) -> Report:
        """Let time pass until an instant, or until a condition holds.

        Raises `AssertionError` if the condition does not hold and nothing is left to run.
        """
        __tracebackhide__ = True
        return self._carry_out("run_until", self._runs.run_until(until, raises=raises))

    def assert_idempotent(self, job: DataclassLike, *, observe: Callable[[], object]) -> None:
        """Assert that a job which runs again changes nothing more.

        The job is enqueued and runs once, cleanly; what `observe` returns then is what has to
        stay. Then the same job, with the same id, is delivered again in every way that production
        has: its worker died before the success was stored, before the handler began, in the
        handler at each of its enqueues and awaits; its lease was lost, with or without the handler
        being told. None of these runs is settled: what the handler enqueues on `ctx` is dropped,
        hooks are not called. `observe` returns plain values of what the handler changes: a number,
        a list, a dict.

        Time passes meanwhile; of other jobs none runs, and at the end the job is deleted.
        """
        __tracebackhide__ = True
        self._carry_out("assert_idempotent", self._idempotency(job, observe).check())

    def inline(self) -> AbstractContextManager[None]:
        """Run each job that the block enqueues at once, if it is due.

        What a handler enqueues runs when the handler has ended. What a handler raises escapes
        from the enqueue.
        """
        return self._inline()

    @contextmanager
    def _inline(self) -> Generator[None]:
        before = self._witness.arrivals
        self._witness.arrivals = deque()
        try:
            yield
        finally:
            self._witness.arrivals = before

    @property
    def _is_inline(self) -> bool:
        """Whether the next enqueue is to be run by the one who makes it."""
        return self._witness.arrivals is not None and not self._driver.is_busy

    @abstractmethod
    def _idempotency(self, job: DataclassLike, observe: Callable[[], object]) -> Idempotency:
        """Make what delivers one job again and again."""

    @abstractmethod
    def declare(self) -> None:
        """Put what handlers declare, as a worker does."""

    def _carry_out(self, name: str, steps: Attempts[T]) -> T:
        __tracebackhide__ = True
        self._refuse_loop(name)
        self.declare()
        result = self._driver.run(steps)
        self._run_arrivals()
        return result

    def _run_arrivals(self) -> None:
        __tracebackhide__ = True
        arrivals = self._witness.arrivals
        if arrivals and not self._driver.is_busy:
            self._driver.run(self._runs.inline(arrivals))

    def _refuse_loop(self, name: str, instead: str | None = None) -> None:
        if loop_is_running():
            raise RuntimeError(
                f"{instead or f'await jobs.aio.{name}(...)'}: an event loop runs in this thread, "
                f"and jobs.{name} would block it"
            )
