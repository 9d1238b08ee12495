"""Many jobs at once, in bounded batches: each is one atomic step, the whole is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from jobkit.clock import duration_milliseconds
from jobkit.engine import Engine, Steps
from jobkit.errors import InvalidOption
from jobkit.inspect.choice import Choice, chosen, chosen_ended
from jobkit.record import JobState
from jobkit.store import Action, Count, Place, QueueCounts, Sweep, Swept


def retry_all_dead(engine: Engine, *, queue: str | None, type: str | type | None) -> Steps[int]:
    """Run dead jobs again; return how many."""
    choice = chosen("retry_all_dead", state=JobState.DEAD, queue=queue, type=type)
    return (yield from _sweep(engine, choice, "retry"))


def delete_all_dead(engine: Engine, *, queue: str | None, type: str | type | None) -> Steps[int]:
    """Delete dead jobs; return how many."""
    choice = chosen("delete_all_dead", state=JobState.DEAD, queue=queue, type=type)
    return (yield from _sweep(engine, choice, "delete"))


def prune(
    engine: Engine,
    *,
    state: JobState | str,
    older_than: timedelta | None,
    keep: int | None,
    payload_only: bool,
) -> Steps[int]:
    """Delete ended jobs, or their payloads; return how many."""
    choice = chosen("prune", state=chosen_ended("prune", state))
    _check_prune(older_than, keep, payload_only)
    return (
        yield from _sweep(
            engine,
            choice,
            "empty" if payload_only else "delete",
            older_than=0 if older_than is None else duration_milliseconds(older_than),
            keep=keep or 0,
            # A retention of its own is by age alone (B36).
            with_retention=older_than is not None,
        )
    )


def _check_prune(older_than: timedelta | None, keep: int | None, payload_only: bool) -> None:
    if older_than is None and keep is None:
        raise InvalidOption(
            "prune: give older_than=, keep= or both; older_than=timedelta(0) is for all of them"
        )
    _check_types(older_than, keep, payload_only)


def _check_types(older_than: object, keep: object, payload_only: object) -> None:
    """Check what types promise, and user code may break at run time."""
    if older_than is not None and not (
        isinstance(older_than, timedelta) and older_than >= timedelta(0)
    ):
        raise InvalidOption(f"prune: older_than={older_than!r}: give a timedelta, not below zero")
    if keep is not None and not (type(keep) is int and keep >= 0):
        raise InvalidOption(f"prune: keep={keep!r}: give an int, not below zero")
    if not isinstance(payload_only, bool):
        raise InvalidOption(f"prune: payload_only={payload_only!r}: give True or False")


def _sweep(
    engine: Engine,
    choice: Choice,
    action: Action,
    *,
    older_than: int = 0,
    keep: int = 0,
    with_retention: bool = True,
) -> Steps[int]:
    """Sweep all queues that are meant, up to the instant at which each began."""
    done = 0
    queues = yield from choice.queues()
    for queue in queues:
        counts: QueueCounts = yield Count(queue=queue)
        batch = partial(
            Sweep,
            queue=queue,
            state=choice.states[0],
            action=action,
            types=choice.types,
            until=counts.now - older_than,
            keep=keep,
            with_retention=with_retention,
        )
        done += yield from _in_batches(engine, batch)
    return done


def _in_batches(engine: Engine, batch: Callable[..., Sweep]) -> Steps[int]:
    """Sweep one queue batch by batch, each behind the one before; return how many were done."""
    done = 0
    cursor: Place | None = None
    while True:
        channel = engine.channels.borrow()
        try:
            swept: Swept = yield batch(channel=channel.name, request=channel.request, cursor=cursor)
        finally:
            engine.channels.give_back(channel)
        done += swept.done
        cursor = swept.cursor
        if cursor is None:
            return done
