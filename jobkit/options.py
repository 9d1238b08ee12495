"""The options of a call, a job type, a schedule, a worker and a queue, and their checks.

An option comes from the call, else from the job type (`@job`), else from the backend's
`defaults`, else from the defaults here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar

from jobkit.backoff import Backoff, Exponential
from jobkit.checks import (
    Check,
    count,
    duration,
    flag,
    instant,
    is_a,
    metadata,
    one_of,
    optional,
    plain_name,
    positive,
    positive_duration,
    priority,
    queue_name,
    type_name,
    type_names,
    unique_key,
    weights,
)
from jobkit.errors import InvalidOption

if TYPE_CHECKING:
    # Type checkers know it without a dependency of ours: `Unique(until="done")` is for any job.
    from typing_extensions import TypeVar as TypeVarWithDefault

    J = TypeVarWithDefault("J", default=Any)
else:
    J = TypeVar("J")

DEFAULT_QUEUE = "default"
DEFAULT_MAX_PAYLOAD = 256 * 1024


@dataclass(frozen=True, kw_only=True)  # with slots, Unique[Job](...) fails on Python 3.11
class Unique(Generic[J]):
    """Let one job with this key be in its span at a time.

    `key` is a text, or a function of the job; without it the payload is: type and fields, those
    at their default left out. The span lasts until the job is first claimed or, with "done",
    until its end, and no longer than `ttl` from when it is due. Meanwhile a second enqueue
    stores nothing and returns the handle of the first; "raise" raises `Duplicate`; "replace"
    puts the new payload and metadata into a job that waits.
    """

    key: str | Callable[[J], str] | None = None
    until: Literal["started", "done"] = "started"
    ttl: timedelta | None = timedelta(hours=24)
    on_conflict: Literal["return", "raise", "replace"] = "return"


class EnqueueOptions(TypedDict, total=False):
    """What a call of `enqueue` may say about its job; `run_at` and `delay` exclude each other."""

    run_at: datetime
    delay: timedelta
    queue: str
    priority: int
    max_retries: int | None
    max_timeout_retries: int | None
    timeout: timedelta | None
    unique: bool | Unique[Any]
    retention: timedelta
    metadata: Mapping[str, str]


class ScheduleOptions(TypedDict, total=False):
    """What a call of `schedule` may say about the schedule and about the jobs that it makes."""

    name: str
    timezone: str
    start_at: datetime
    limit: int
    missed: Literal["one", "all", "skip"]
    overlap: Literal["allow", "skip"]
    queue: str
    priority: int
    max_retries: int | None
    max_timeout_retries: int | None
    timeout: timedelta | None
    retention: timedelta
    metadata: Mapping[str, str]


class JobOptions(TypedDict, total=False):
    """What `@job` may say about a job type."""

    name: str
    aliases: Sequence[str]
    queue: str
    priority: int
    unique: bool | Unique[Any]
    retention: timedelta
    max_retries: int | None
    max_timeout_retries: int | None
    timeout: timedelta | None
    backoff: Backoff
    keep_dead: bool
    on_lost: Literal["retry", "dead"]
    max_concurrency: int | None
    isolate: bool


class WorkerOptions(TypedDict, total=False):
    """What `start` may say about a worker."""

    queues: Sequence[str] | Mapping[str, int]
    strict: bool
    concurrency: int
    prefetch: int
    lease: timedelta
    shutdown_timeout: timedelta
    poll: timedelta
    abandon_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """The order of one queue and how long it keeps what has ended (by age and by count).

    `order`: "priority" gives jobs by priority, then due time; "run_at" by due time, then
    priority; of equals the first to arrive. It is kept with the queue, and changes only while no
    job of the queue waits or runs: until then an enqueue by a backend that names another one
    raises `InvalidOption`. A backend that does not name the queue takes what there is.
    """

    order: Literal["priority", "run_at"] = "priority"
    finished_for: timedelta = timedelta(hours=1)
    finished_max: int = 10_000
    dead_for: timedelta = timedelta(days=30)
    dead_max: int = 100_000

    def __post_init__(self) -> None:
        if self.order not in ("priority", "run_at"):
            raise InvalidOption(f"order={self.order!r}: give 'priority' or 'run_at'")
        for name in ("finished_for", "dead_for"):
            if complaint := duration(getattr(self, name)):
                raise InvalidOption(f"{name}={getattr(self, name)!r}: {complaint}")
        for name in ("finished_max", "dead_max"):
            if complaint := count(getattr(self, name)):
                raise InvalidOption(f"{name}={getattr(self, name)!r}: {complaint}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How the attempts of a job are run: read when it is claimed, from the code that runs it."""

    max_retries: int | None = 20
    max_timeout_retries: int | None = 3
    timeout: timedelta | None = None
    backoff: Backoff = Exponential()
    keep_dead: bool = True
    on_lost: Literal["retry", "dead"] = "retry"
    max_concurrency: int | None = None
    isolate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """`WorkerOptions` with every default filled in; `queues` None: those of the handlers."""

    queues: Mapping[str, int] | None = None
    strict: bool = False
    concurrency: int = 10
    prefetch: int = 0
    lease: timedelta = timedelta(seconds=30)
    shutdown_timeout: timedelta = timedelta(seconds=25)
    poll: timedelta = timedelta(seconds=1)
    abandon_after: timedelta = timedelta(seconds=60)


def _unique(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if not is_a(Unique, value):
        return "give True, False or a Unique(...)"
    if complaint := unique_key(value.key):
        return complaint
    if value.until not in ("started", "done"):
        return "until= takes 'started' or 'done'"
    if value.on_conflict not in ("return", "raise", "replace"):
        return "on_conflict= takes 'return', 'raise' or 'replace'"
    complaint = None if value.ttl is None else positive_duration(value.ttl)
    return complaint and f"ttl= {complaint}; or None: as long as the span"


def _backoff(value: Any) -> str | None:
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, Exponential) or callable(value):
        return None
    return "give a timedelta, an Exponential(...) or a function of the retry's number"


_RUN_CHECKS: Mapping[str, Check] = {
    "max_retries": optional(count),
    "max_timeout_retries": optional(count),
    "timeout": optional(positive_duration),
}
_STORED_CHECKS: Mapping[str, Check] = {
    "queue": queue_name,
    "priority": priority,
    "retention": duration,
    "metadata": metadata,
    **_RUN_CHECKS,
}
ENQUEUE_CHECKS: Mapping[str, Check] = {
    "run_at": instant,
    "delay": duration,
    "unique": _unique,
    **_STORED_CHECKS,
}
SCHEDULE_CHECKS: Mapping[str, Check] = {
    "name": queue_name,
    "timezone": lambda value: None if isinstance(value, str) else "give an IANA name",
    "start_at": instant,
    "limit": positive,
    "missed": one_of("one", "all", "skip"),
    "overlap": one_of("allow", "skip"),
    **_STORED_CHECKS,
}
JOB_CHECKS: Mapping[str, Check] = {
    "name": type_name,
    "aliases": type_names,
    "queue": queue_name,
    "priority": priority,
    "unique": _unique,
    "retention": duration,
    **_RUN_CHECKS,
    "backoff": _backoff,
    "keep_dead": flag,
    "on_lost": one_of("retry", "dead"),
    "max_concurrency": optional(positive),
    "isolate": flag,
}
WORKER_CHECKS: Mapping[str, Check] = {
    "queues": weights,
    "strict": flag,
    "concurrency": positive,
    "prefetch": count,
    "lease": positive_duration,
    "shutdown_timeout": duration,
    "poll": positive_duration,
    "abandon_after": duration,
}


def check_options(options: Mapping[str, Any], checks: Mapping[str, Check], *, of: str) -> None:
    """Raise `InvalidOption` for the first option that is unknown or wrong.

    >>> check_options({"prioritty": 1}, ENQUEUE_CHECKS, of="enqueue")
    Traceback (most recent call last):
    jobkit.errors.InvalidOption: enqueue: unknown option 'prioritty'; did you mean 'priority'?
    """
    for name, value in options.items():
        check = checks.get(name)
        if check is None:
            raise InvalidOption(f"{of}: unknown option {name!r}; {_suggest(name, checks)}")
        if complaint := check(value):
            raise InvalidOption(f"{of}: {name}={value!r}: {complaint}")


def check_enqueue_options(options: Mapping[str, Any], *, of: str = "enqueue") -> None:
    """Raise `InvalidOption` if these are not valid `EnqueueOptions`."""
    check_options(options, ENQUEUE_CHECKS, of=of)
    if "run_at" in options and "delay" in options:
        raise InvalidOption(f"{of}: run_at and delay exclude each other; give one of them")


def check_timeout(timeout: timedelta | None, *, of: str) -> None:
    """Raise `InvalidOption` for a timeout that is neither None nor a duration."""
    if timeout is not None and (complaint := duration(timeout)):
        raise InvalidOption(f"{of}: timeout={timeout!r}: {complaint}")


def worker_settings(options: Mapping[str, Any]) -> WorkerSettings:
    """Check `WorkerOptions` and fill in the defaults."""
    check_options(options, WORKER_CHECKS, of="start")
    given = dict(options)
    queues = given.get("queues")
    if queues is None and given.get("strict"):
        raise InvalidOption("start: strict=True takes queue names in order; give queues=[...]")
    if queues is not None and not isinstance(queues, Mapping):
        given["queues"] = {plain_name(name): 1 for name in queues}
    elif queues is not None:
        if given.get("strict"):
            raise InvalidOption("start: strict=True takes queue names in order, not weights")
        weights: Mapping[str, int] = options["queues"]  # as checked
        given["queues"] = {plain_name(name): int(weight) for name, weight in weights.items()}
    return WorkerSettings(**given)


def _suggest(name: str, checks: Mapping[str, Check]) -> str:
    import difflib

    close = difflib.get_close_matches(name, checks, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(sorted(checks))}"
