"""Whether a job can run at once, past all others: asked, where it may be, before it is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobkit.clock import from_milliseconds
from jobkit.engine import Engine
from jobkit.engine.uniqueness import shown_key
from jobkit.errors import InvalidHandler, InvalidOption, WrongState
from jobkit.record import WAITING, JobState
from jobkit.store import Get, NewJob, Operation, StoredJob
from jobkit_testing.clock import NOTHING
from jobkit_testing.reading import Reader
from jobkit_testing.workshop import Workshop


class Admission:
    """Prepares jobs that are to run now, and refuses those that cannot.

    `by`: which method of the test it is for, as messages name it.
    """

    def __init__(
        self,
        engine: Engine,
        shop: Workshop,
        reader: Reader,
        run: Callable[[Operation[Any]], Any],
    ) -> None:
        self._engine = engine
        self._shop = shop
        self._reader = reader
        self._run = run

    def prepare(self, job: Any, options: Mapping[str, Any], *, by: str = "perform") -> NewJob:
        """Prepare a job that is to run now, or refuse it while nothing is stored."""
        defaults = self._engine.defaults
        if ("run_at" in defaults or "delay" in defaults) and not {"run_at", "delay"} & {*options}:
            options = {**options, "delay": NOTHING}
        new = self._engine.prepare(job, options)
        self._refuse_unhandled(new, by)
        if new.delay > 0 or (new.run_at is not None and new.run_at > self._shop.now()):
            raise InvalidOption(
                f"{by} runs {new.type} now: leave out run_at and delay, or enqueue the job and "
                "let time pass with run_for"
            )
        self._refuse_paused(new, by)
        self._refuse_limited(new, by)
        return new

    def check_holder(self, job_id: str, new: NewJob) -> None:
        """Raise `WrongState` unless the job that holds the unique key can run in place of this."""
        holder: StoredJob = self._run(Get(queue=new.queue, id=job_id))
        why = None
        if holder.payload != new.payload:
            why = "has another payload"
        elif holder.state not in WAITING:
            why = f"is {holder.state}"
        elif holder.run_at > self._shop.now():
            why = f"waits until {from_milliseconds(holder.run_at).isoformat()}"
        if why is not None:
            raise WrongState(
                f"perform: job {job_id} ({new.type}) holds the unique key "
                f"{shown_key(holder.unique_key)!r} and {why}, and nothing was stored: let that job "
                "run first, or give unique=False"
            )

    def _refuse_unhandled(self, new: NewJob, by: str) -> None:
        names = sorted(self._engine.handlers.names())
        if new.type not in names:
            registered = ", ".join(names) or "none"
            raise InvalidHandler(
                f"{by}: {new.type} has no handler here, and was not stored; those with one: "
                f"{registered}. Give TestingJobs handlers=, or register one"
            )

    def _refuse_paused(self, new: NewJob, by: str) -> None:
        pauses = self._reader.pauses(new.queue)
        if pauses.hold(new.type, self._shop.lanes().lanes[new.type].group):
            what = f"queue {new.queue!r}" if pauses.queue else f"{new.type}"
            raise WrongState(
                f"{by}: {what} is paused, and the job was not stored; call "
                "jobs.inspect.resume(...) before"
            )

    def _refuse_limited(self, new: NewJob, by: str) -> None:
        lanes = self._shop.lanes().lanes
        lane = lanes[new.type]
        if lane.limit is None:
            return
        running = [job.type for job in self._reader.in_state(new.queue, JobState.RUNNING)]
        group = [name for name in running if name in lanes and lanes[name].group == lane.group]
        if len(group) >= lane.limit:
            raise WrongState(
                f"{by}: {len(group)} of {new.type} run in {new.queue!r}, and max_concurrency is "
                f"{lane.limit}; the job was not stored: let one of them end before"
            )
