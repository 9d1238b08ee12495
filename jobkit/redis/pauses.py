"""Pauses as Redis commands; see `scripts/lib/lanes.lua` for how a queue keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jobkit.redis.command import Arg, Command
from jobkit.redis.keys import paused_types, queue_names, queue_prefix
from jobkit.redis.scripts import script
from jobkit.store import (
    Announce,
    PausedTypes,
    Pauses,
    PauseType,
    ReadPauses,
    SetPause,
    SpreadPauses,
)


def _announce(operation: Announce, namespace: str, now: Arg) -> Command:
    keys = (queue_names(namespace), paused_types(namespace))
    return Command(script("announce"), keys, operation.queues, _parse_types)


def _pause_type(operation: PauseType, namespace: str, now: Arg) -> Command:
    keys = (queue_names(namespace), paused_types(namespace))
    args = (now, operation.type, int(operation.paused))
    return Command(script("pause_type"), keys, args, _parse_types)


def _parse_types(reply: list[Any]) -> PausedTypes:
    version, types, queues = reply
    return PausedTypes(
        version=int(version),
        types=frozenset(name.decode() for name in types),
        queues=tuple(sorted(name.decode() for name in queues)),
    )


def _spread_pauses(operation: SpreadPauses, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    args: list[Arg] = [operation.paused.version, *sorted(operation.paused.types)]
    queues = (operation.queue,)
    return Command(script("spread_pauses"), keys, tuple(args), lambda reply: None, queues)


def _set_pause(operation: SetPause, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    word = "*" if operation.type is None else f"={operation.type}"
    args = (word, int(operation.paused))
    return Command(script("set_pause"), keys, args, lambda reply: None, (operation.queue,))


def _read_pauses(operation: ReadPauses, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("read_pauses"), keys, (), _parse_words)


def _parse_words(reply: bytes) -> Pauses:
    words = reply.decode().split(" ")
    return Pauses(
        queue="*" in words,
        types=frozenset(word[1:] for word in words if word.startswith("=")),
        everywhere=frozenset(word[1:] for word in words if word.startswith("~")),
    )


PAUSES: Mapping[type, Callable[[Any, str, Arg], Command]] = {
    Announce: _announce,
    PauseType: _pause_type,
    SpreadPauses: _spread_pauses,
    SetPause: _set_pause,
    ReadPauses: _read_pauses,
}
