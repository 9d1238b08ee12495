"""A call to Redis as a value, and the arguments of a job to be stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from jobkit.redis.scripts import Script
from jobkit.redis.stored import body_tail, first_state
from jobkit.store import Bounds, NewJob

Arg = bytes | str | int


class Command(Struct, frozen=True, gc=False):
    """One call: a script with its keys and arguments, or (without a script) a plain command.

    `queues`: the queues whose names must be in the set of all names before this is sent; with
    `always_announce` they are written there each time.
    """

    script: Script | None
    keys: tuple[str, ...]
    args: tuple[Arg, ...]
    parse: Callable[[Any], Any]
    queues: tuple[str, ...] = ()
    always_announce: bool = False

    def packed(self) -> tuple[Arg, ...]:
        """Return the words to send."""
        if self.script is None:
            return (*self.args, *self.keys)
        return (b"EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.args)

    def packed_with_text(self) -> tuple[Arg, ...]:
        """Return the words to send when the server does not know the script."""
        if self.script is None:
            return self.packed()
        return (b"EVAL", self.script.text, len(self.keys), *self.keys, *self.args)


def job_args(jobs: Iterable[NewJob], places: Mapping[str, int]) -> list[Arg]:
    """Return the arguments of jobs to be stored: what some have in common comes once.

    `places`: of the prefix of each queue among the keys, from 1.
    """
    kinds: dict[tuple[Any, ...], int] = {}
    common: list[Arg] = []
    own: list[Arg] = []
    for job in jobs:
        alike = (
            job.queue,
            job.type,
            job.priority,
            job.run_at,
            job.delay,
            job.retention,
            job.unique,
            job.schedule,
        )
        kind = kinds.get(alike)
        if kind is None:
            kind = kinds[alike] = 1 + len(kinds)
            place = places[job.queue]
            common += (place, job.type, job.priority, due_arg(job), first_state(job))
        own += (kind, job.id, body_tail(job))
    return [len(kinds), *common, *own]


def one_job_args(job: NewJob) -> tuple[Arg, ...]:
    """Return what `job_args` does for one job whose queue comes first, in a third of the time."""
    return (
        1,
        1,
        job.type,
        job.priority,
        due_arg(job),
        first_state(job),
        1,
        job.id,
        body_tail(job),
    )


def due_arg(job: NewJob) -> Arg:
    """Return when a job is due: an instant, a delay with a plus in front, or '' for at once."""
    if job.run_at is not None:
        return job.run_at
    return f"+{job.delay}" if job.delay else ""


def bounds_args(bounds: Bounds) -> tuple[int, int, int, int]:
    """Return the 4 arguments that say how long, and how many, ended jobs are kept."""
    return bounds.finished_for, bounds.finished_max, bounds.dead_for, bounds.dead_max
