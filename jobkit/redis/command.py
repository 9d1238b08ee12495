"""A call to Redis as a value, and the arguments of a job to be stored."""

from __future__ import annotations

from collections.abc import Callable
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


def new_job_args(job: NewJob, key: int) -> tuple[Arg, ...]:
    """Return the 8 arguments of a job to be stored; `key`: the index of its queue's prefix."""
    return (
        key,
        job.id,
        job.type,
        job.priority,
        "" if job.run_at is None else job.run_at,
        job.delay,
        first_state(job),
        body_tail(job),
    )


def bounds_args(bounds: Bounds) -> tuple[int, int, int, int]:
    """Return the 4 arguments that say how long, and how many, ended jobs are kept."""
    return bounds.finished_for, bounds.finished_max, bounds.dead_for, bounds.dead_max
