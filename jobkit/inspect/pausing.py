"""Pausing a queue, a type over all queues, or a type in a queue: three independent flags."""

from __future__ import annotations

from typing import Any

from jobkit.checks import plain_name, queue_name, type_name
from jobkit.engine import Engine, Steps
from jobkit.errors import InvalidOption
from jobkit.jobtype import JobType, job_type
from jobkit.store import (
    Announce,
    PausedTypes,
    Pauses,
    PauseType,
    ReadPauses,
    SetPause,
    SpreadPauses,
)


def pause(engine: Engine, queue: str | None, type: str | type | None) -> Steps[None]:
    """Let waiting jobs stay where they are; what runs finishes."""
    queue, names = _asked(engine, "pause", queue, type)
    yield from _set(queue, names[:1], paused=True)


def resume(engine: Engine, queue: str | None, type: str | type | None) -> Steps[None]:
    """Take a pause back."""
    queue, names = _asked(engine, "resume", queue, type)
    yield from _set(queue, names, paused=False)


def is_paused(engine: Engine, queue: str | None, type: str | type | None) -> Steps[bool]:
    """Tell whether this very flag is set, whatever the others are."""
    queue, names = _asked(engine, "is_paused", queue, type)
    if queue is None:
        everywhere: PausedTypes = yield Announce()
        return not everywhere.types.isdisjoint(names)
    pauses: Pauses = yield ReadPauses(queue=queue)
    return not pauses.types.isdisjoint(names) if names else pauses.queue


def _set(queue: str | None, names: tuple[str, ...], *, paused: bool) -> Steps[None]:
    if queue is None:
        for name in names:
            yield from set_everywhere(name, paused=paused)
    else:
        for kind in names or (None,):
            yield SetPause(queue=queue, type=kind, paused=paused)


def set_everywhere(name: str, *, paused: bool) -> Steps[None]:
    """Pause or resume a type over all queues: in the list, then in each queue that is known.

    If that fails half-way, doing it again mends it.
    """
    told: PausedTypes = yield PauseType(type=name, paused=paused)
    for queue in told.queues:
        yield SpreadPauses(queue=queue, paused=told)


def _asked(
    engine: Engine, of: str, queue: str | None, type: str | type | None
) -> tuple[str | None, tuple[str, ...]]:
    """Return the queue, and the names of the type: its own first, then that which was given."""
    if queue is None and type is None:
        raise InvalidOption(f"{of}: give queue=, type= or both")
    if queue is not None and (complaint := queue_name(queue)):
        raise InvalidOption(f"{of}: queue={queue!r}: {complaint}")
    return None if queue is None else plain_name(queue), _names(engine, of, type)


def _names(engine: Engine, of: str, kind: str | type | None) -> tuple[str, ...]:
    if kind is None:
        return ()
    if not isinstance(kind, str):
        its_type: JobType[Any] = job_type(kind)
        return (its_type.name,)
    if complaint := type_name(kind):
        raise InvalidOption(f"{of}: type={kind!r}: {complaint}")
    given = plain_name(kind)
    known = engine.type_named(given)  # an alias stands for its type
    return (given,) if known is None else tuple(dict.fromkeys((known.name, given)))
