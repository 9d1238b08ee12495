"""Sweeps as Redis commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobkit.redis.command import Arg, Command
from jobkit.redis.keys import queue_prefix
from jobkit.redis.scripts import script
from jobkit.store import Place, Sweep, Swept


def place_args(place: Place | None) -> tuple[Arg, ...]:
    """Return the three arguments that say where to go on."""
    return ("", 0, "") if place is None else (place.line, place.score, place.member)


def parse_place(reply: list[bytes]) -> Place | None:
    """Read a place, if there is one."""
    if not reply:
        return None
    line, score, member = reply
    return Place(line=line.decode(), score=int(score), member=member.decode())


def _sweep(operation: Sweep, namespace: str, now: Arg) -> Command:
    args = (
        now,
        operation.state.value,
        operation.action,
        operation.channel,
        operation.request,
        "" if operation.until is None else operation.until,
        operation.keep,
        int(operation.with_retention),
        *place_args(operation.cursor),
        *operation.types,
    )
    return Command(script("sweep"), (queue_prefix(namespace, operation.queue),), args, _swept)


def _swept(reply: list[Any]) -> Swept:
    return Swept(now=int(reply[0]), done=reply[1], cursor=parse_place(reply[2:]))


SWEEPS: Mapping[type, Callable[[Any, str, Arg], Command]] = {Sweep: _sweep}
