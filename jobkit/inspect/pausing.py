"""Pausing a queue, a type over all queues, or a type in a queue: three independent flags."""

from __future__ import annotations

from jobkit.engine import Engine, Steps
from jobkit.errors import InvalidOption
from jobkit.inspect.choice import queue_asked, type_asked
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
    return queue_asked(of, queue), _names(engine, of, type)


def _names(engine: Engine, of: str, kind: str | type | None) -> tuple[str, ...]:
    if kind is None:
        return ()
    asked = type_asked(of, kind)
    if not isinstance(asked, str):
        return (asked.name,)
    known = engine.type_named(asked)  # an alias stands for its type
    return (asked,) if known is None else tuple(dict.fromkeys((known.name, asked)))
