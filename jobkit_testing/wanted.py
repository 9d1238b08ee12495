"""What a run is to serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from jobkit.checks import plain_name, queue_name
from jobkit.errors import InvalidOption
from jobkit.jobtype import JobType, job_type

Types: TypeAlias = type | str | Sequence[type | str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to serve: these queues and stored types; None: all."""

    queues: tuple[str, ...] | None = None
    types: frozenset[str] | None = None


EVERYTHING = Wanted()


def wanted(only: Types | None, queue: str | Sequence[str] | None) -> Wanted:
    """Read what `drain` is asked for: types by class or stored name, and queues."""
    kinds = [only] if isinstance(only, type | str) else only
    queues = [queue] if isinstance(queue, str) else queue
    for name in queues or ():
        if complaint := queue_name(name):
            raise InvalidOption(f"drain: queue={name!r}: {complaint}")
    return Wanted(
        queues=None if queues is None else tuple(map(plain_name, queues)),
        types=None if kinds is None else frozenset(n for kind in kinds for n in _names(kind)),
    )


def _names(kind: type | str) -> tuple[str, ...]:
    if isinstance(kind, str):
        return (kind,)
    its_type: JobType[Any] = job_type(kind)
    return (its_type.name, *its_type.aliases)
