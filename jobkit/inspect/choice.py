"""Which jobs a list or a bulk form is about: states, a queue, a type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobkit.checks import plain_name, queue_name, type_name
from jobkit.engine import Steps
from jobkit.errors import InvalidJob, InvalidOption
from jobkit.jobtype import JobType, job_type
from jobkit.record import ENDED, JobState
from jobkit.store import Queues

# What happens now first, what is over last.
IN_ORDER = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.RETRYING,
    JobState.SCHEDULED,
    JobState.DEAD,
    JobState.CANCELLED,
    JobState.SUCCEEDED,
)
assert set(IN_ORDER) == set(JobState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Checked: `queue` None is every queue, no `types` are all of them."""

    states: tuple[JobState, ...]
    queue: str | None
    types: tuple[str, ...]

    def queues(self) -> Steps[tuple[str, ...]]:
        """List the queues that are meant."""
        if self.queue is not None:
            return (self.queue,)
        names: tuple[str, ...] = yield Queues()
        return names


def chosen(
    of: str,
    *,
    state: JobState | str | None = None,
    queue: str | None = None,
    type: str | type | None = None,
) -> Choice:
    """Return what was asked for; raise `InvalidOption` with the name of what asks, `of`."""
    return Choice(
        states=IN_ORDER if state is None else (_state(of, state),),
        queue=queue_asked(of, queue),
        types=_names(of, type),
    )


def chosen_ended(of: str, state: JobState | str) -> JobState:
    """Return a final state; raise `InvalidOption` for all else."""
    found = _state(of, state)
    if found not in ENDED:
        raise InvalidOption(
            f"{of}: state={found.value!r}: give one that is final: {_listed(ENDED)}"
        )
    return found


def _state(of: str, state: JobState | str) -> JobState:
    try:
        return JobState(state)
    except ValueError:
        raise InvalidOption(f"{of}: state={state!r}: give one of {_listed(JobState)}") from None


def _listed(states: Any) -> str:
    return ", ".join(state.value for state in IN_ORDER if state in states)


def _names(of: str, kind: str | type | None) -> tuple[str, ...]:
    """Return the stored names that are meant: one as it is given, or all those of a class."""
    if kind is None:
        return ()
    asked = type_asked(of, kind)
    return (asked,) if isinstance(asked, str) else (asked.name, *asked.aliases)


def queue_asked(of: str, queue: str | None) -> str | None:
    """Return a queue's plain name; raise `InvalidOption` if it cannot be one."""
    if queue is None:
        return None
    if complaint := queue_name(queue):
        raise InvalidOption(f"{of}: queue={queue!r}: {complaint}")
    return plain_name(queue)


def type_asked(of: str, kind: str | type) -> str | JobType[Any]:
    """Return a stored name as it is given, or the job type of a class; or `InvalidOption`."""
    if isinstance(kind, str):
        if complaint := type_name(kind):
            raise InvalidOption(f"{of}: type={kind!r}: {complaint}")
        return plain_name(kind)
    try:
        return job_type(kind)
    except InvalidJob as error:
        raise InvalidOption(f"{of}: type={kind!r}: {error}") from error
