"""From a claimed job to a settlement: what a worker and the double do alike."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol, cast

import msgspec

from jobkit.attempt import Ended, run_options
from jobkit.backoff import Exponential
from jobkit.cancellation import Cancellation
from jobkit.context import JobContext, Outbox
from jobkit.engine.core import Engine
from jobkit.engine.instants import stored_delay, stored_instant
from jobkit.engine.records import metadata_of, options_of, retries_left
from jobkit.engine.results import Encoded, encode_result
from jobkit.errortext import error_of
from jobkit.handlerset import Call
from jobkit.options import RunOptions
from jobkit.outcome import (
    Discarded,
    Error,
    Failed,
    GaveUp,
    GiveUp,
    HandedBack,
    RunAgain,
    Snoozed,
    Succeeded,
    TimedOut,
    next_step,
)
from jobkit.progress import CheckedIn
from jobkit.record import AttemptOutcome
from jobkit.store import (
    Bury,
    Capability,
    EndCancelled,
    Failure,
    Lane,
    Lease,
    NewJob,
    Release,
    RetryLater,
    Settlement,
    SnoozeFor,
    StoredJob,
    Succeed,
    needs_of_lanes,
    refuse,
)

_LOGGER = logging.getLogger("jobkit.worker")


class HeldJobs(Outbox, Protocol):
    """An outbox whose jobs the engine can take."""

    def take(self) -> tuple[NewJob, ...]:
        """Return what is held, and take no more."""
        ...


class Run(msgspec.Struct, kw_only=True, eq=False):
    """One attempt at a claimed job: everything that its thread or task needs.

    `children`: what it enqueued, if not on this `ctx` but in a process of its own.
    """

    stored: StoredJob
    lease: Lease
    call: Call
    job: Any
    ctx: JobContext
    options: RunOptions
    children: tuple[NewJob, ...] = ()


class Runner:
    """Begins attempts, and turns their ends into settlements."""

    def __init__(
        self,
        engine: Engine,
        *,
        open_outbox: Callable[[JobContext], HeldJobs],
    ) -> None:
        self._engine = engine
        self._open_outbox = open_outbox
        self._takes_check_ins = Capability.CHECK_INS in engine.capabilities
        self._options_by_type: dict[str, tuple[Call, RunOptions]] = {}
        self._warned: set[str] = set()

    def begin(
        self,
        stored: StoredJob,
        *,
        now: Callable[[], int],
        cancelled: Cancellation | None = None,
        on_checkin: Callable[[JobContext, CheckedIn], None] | None = None,
    ) -> Run | Settlement:
        """Return the attempt to run, or the settlement of a job that cannot be run.

        `now` gives the instant of the start in milliseconds, from which a deadline counts.
        `cancelled`: by which the attempt is told to stop; left out: a new one. `on_checkin` gets
        what the handler says of how far it is.
        """
        if not self._takes_check_ins:
            on_checkin = self._refuse_check_in
        lease = Lease(id=stored.id, fence=stored.fence)
        call = self._engine.handlers.call(stored.type)
        if call is None:
            return Release(lease=lease)
        try:
            job = call.registration.job_type.decode(stored.payload)
            options = self._options(stored, call)
            metadata = metadata_of(stored)
        except Exception as error:  # InvalidJob, or whatever else damaged bytes bring about
            return Bury(lease=lease, failure=_failure("dead", error_of(error)))
        deadline = None
        if options.timeout is not None:
            deadline = now() + stored_delay(options.timeout)
        ctx = JobContext(
            id=stored.id,
            type=stored.type,
            queue=stored.queue,
            attempt=1 + stored.failures + stored.timeouts,
            retries_left=retries_left(stored, options),
            run_at=stored.run_at,
            enqueued_at=stored.enqueued_at,
            deadline=deadline,
            metadata=metadata,
            fence=stored.fence,
            schedule=stored.schedule,
            cancelled=cancelled,
            open_outbox=self._open_outbox,
            on_checkin=on_checkin,
        )
        return Run(stored=stored, lease=lease, call=call, job=job, ctx=ctx, options=options)

    def end(self, run: Run, ended: Ended, *, duration: int) -> Settlement:
        """Return what to tell the store; `duration` in milliseconds."""
        try:
            return self._settlement(run, ended, duration)
        except Exception as error:  # an error of jobkit's, but the job has to be settled
            _LOGGER.exception("job %s (%s) could not be settled", run.stored.id, run.stored.type)
            return self._bury(run, _failure("dead", error_of(error)), duration)

    def _settlement(self, run: Run, ended: Ended, duration: int) -> Settlement:
        outbox = cast("HeldJobs | None", run.ctx.take_outbox())  # made by our `open_outbox`
        children = run.children if outbox is None else outbox.take()
        lease, outcome = run.lease, ended.outcome
        match outcome:
            case Succeeded():
                result = None if outcome.value is None else self._result(run, outcome.value)
                return Succeed(lease=lease, duration=duration, result=result, children=children)
            case Failed() | TimedOut():
                return self._after_failure(run, outcome, duration)
            case Snoozed(delay):
                failure = Failure(outcome="snoozed")
                wait = stored_delay(delay)
                return SnoozeFor(lease=lease, delay=wait, failure=failure, duration=duration)
            case Discarded(error, how):
                return EndCancelled(lease=lease, failure=_failure(how, error), duration=duration)
            case GaveUp(error):
                return self._bury(run, _failure("dead", error), duration)
            case HandedBack():
                return Release(lease=lease)

    def lane(self, type_name: str) -> Lane:
        """Return how this process serves a stored type that it has a handler for.

        Raises `NotSupported` if an option of the type asks for more than the store has.
        """
        registration = self._engine.handlers.find(type_name)
        assert registration is not None  # callers take the names from the same handlers
        options = run_options({}, registration.job_type.options, self._engine.defaults)
        lane = Lane(
            group=registration.job_type.name,
            limit=options.max_concurrency,
            on_lost_dead=options.on_lost == "dead",
            keep_dead=options.keep_dead,
        )
        refuse(needs_of_lanes({type_name: lane}), self._engine.capabilities)
        return lane

    def _refuse_check_in(self, ctx: JobContext, _: CheckedIn) -> None:
        self._engine.require(Capability.CHECK_INS, f"ctx.checkin of {ctx.type}")

    def _options(self, stored: StoredJob, call: Call) -> RunOptions:
        """Return the options of the attempt; those of calls that gave none are kept."""
        if stored.options:
            return options_of(stored, call.registration.job_type, self._engine.defaults)
        known = self._options_by_type.get(stored.type)
        if known is None or known[0] is not call:
            options = options_of(stored, call.registration.job_type, self._engine.defaults)
            known = self._options_by_type[stored.type] = (call, options)
        return known[1]

    def _after_failure(self, run: Run, outcome: Failed | TimedOut, duration: int) -> Settlement:
        how: AttemptOutcome = "timed_out" if isinstance(outcome, TimedOut) else "failed"
        failure = _failure(how, outcome.error)
        match self._next_step(run, outcome):
            case GiveUp():
                return self._bury(run, failure, duration)
            case RunAgain(delay, at):
                return RetryLater(
                    lease=run.lease,
                    failure=failure,
                    at=None if at is None else stored_instant(at),
                    delay=stored_delay(delay),
                    duration=duration,
                )

    def _next_step(self, run: Run, outcome: Failed | TimedOut) -> RunAgain | GiveUp:
        stored = run.stored
        try:
            return next_step(
                outcome,
                run.options,
                job_id=stored.id,
                failures=stored.failures,
                timeouts=stored.timeouts,
            )
        except Exception:  # the user's backoff function: a retry must not depend on it
            _LOGGER.exception("backoff of %s failed; waiting as by default", stored.type)
            count = stored.timeouts if isinstance(outcome, TimedOut) else stored.failures
            return RunAgain(Exponential().delay(retry=count + 1))

    def _bury(self, run: Run, failure: Failure, duration: int) -> Bury:
        keep = run.options.keep_dead
        return Bury(lease=run.lease, failure=failure, keep=keep, duration=duration)

    def _result(self, run: Run, value: object) -> bytes | None:
        """Encode what the handler returned; what cannot be kept is dropped with one warning."""
        result = value if isinstance(value, Encoded) else encode_result(value)
        if result.refusal:
            self._warn(run.stored.type, result.refusal)
        return result.data

    def _warn(self, type_name: str, why: str) -> None:
        if type_name not in self._warned:
            self._warned.add(type_name)
            _LOGGER.warning("the result of %s is dropped, because %s", type_name, why)


def _failure(outcome: AttemptOutcome, error: Error) -> Failure:
    return Failure(
        outcome=outcome, error_type=error.type, message=error.message, traceback=error.traceback
    )


def milliseconds(seconds: float) -> int:
    """Round a duration in seconds to whole milliseconds.

    >>> milliseconds(0.0014)
    1
    """
    return round(seconds * 1000)
