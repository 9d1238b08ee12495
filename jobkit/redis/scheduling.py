"""Operations on schedules as Redis commands, and schedules as Redis keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jobkit.redis.command import Arg, Command, job_args
from jobkit.redis.keys import queue_prefix
from jobkit.redis.scripts import script
from jobkit.store import (
    ENDED_LISTED,
    Declare,
    Declared,
    DueTick,
    DueTicks,
    Fire,
    NewSchedule,
    PutResult,
    PutSchedule,
    RemoveSchedule,
    Schedules,
    StoredSchedule,
    StoredSchedules,
    Ticks,
)

NONE = "-"


def _put(operation: PutSchedule, namespace: str, now: Arg) -> Command:
    new, first = operation.schedule, operation.first
    args: tuple[Arg, ...] = (
        now,
        new.name,
        "" if first is None else first,
        NONE if new.limit is None else new.limit,
        int(new.skips_overlap),
        new.owner or NONE,
        new.rule or NONE,
        new.grid,
        new.definition,
    )
    return Command(
        script("put_schedule"),
        (queue_prefix(namespace, new.queue),),
        args,
        lambda reply: PutResult(verdict=reply[1].decode(), at=int(reply[0])),
        (new.queue,),
    )


def _remove(operation: RemoveSchedule, namespace: str, now: Arg) -> Command:
    before = "" if operation.before is None else operation.before
    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("remove_schedule"), keys, (operation.name, before), bool)


def _ticks(operation: Ticks, namespace: str, now: Arg) -> Command:
    rules, skip = operation.rules, operation.skip
    return Command(
        script("ticks"),
        (queue_prefix(namespace, operation.queue),),
        (now, operation.limit, len(rules), *rules, *skip),
        lambda reply: DueTicks(
            now=int(reply[0]),
            due=tuple(_due(reply[at : at + 4]) for at in range(2, len(reply), 4)),
            next=int(reply[1]) if reply[1] else None,
        ),
    )


def _due(words: Sequence[bytes]) -> DueTick:
    name, tick, first, text = words
    return DueTick(
        name=name.decode(), tick=int(tick), first=int(first), definition=text.partition(b"\n")[2]
    )


def _fire(operation: Fire, namespace: str, now: Arg) -> Command:
    job = operation.job
    args: tuple[Arg, ...] = (
        now,
        operation.name,
        operation.expected,
        "" if operation.next is None else operation.next,
        int(operation.missed),
        int(job is not None),
        *(() if job is None else job_args((job,), {job.queue: 1})),
    )
    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("fire"), keys, args, bytes.decode)


def _declare(operation: Declare, namespace: str, now: Arg) -> Command:
    return Command(
        script("declare"),
        (queue_prefix(namespace, operation.queue),),
        (now, operation.owner, *operation.names),
        lambda reply: Declared(
            known=bool(reply[0]), removed=tuple(name.decode() for name in reply[1:])
        ),
    )


def _schedules(operation: Schedules, namespace: str, now: Arg) -> Command:
    def parse(reply: Sequence[Any]) -> StoredSchedules:
        at = int(reply[0])
        found = (_stored(operation.queue, reply[i : i + 4], at) for i in range(1, len(reply), 4))
        listed = (schedule for schedule in found if schedule is not None)
        return StoredSchedules(
            now=at, schedules=tuple(sorted(listed, key=lambda each: each.schedule.name))
        )

    keys = (queue_prefix(namespace, operation.queue),)
    return Command(script("schedules"), keys, (now, operation.name or ""), parse)


def _stored(queue: str, words: Sequence[Any], now: int) -> StoredSchedule | None:
    """Put a schedule together; None if it ended too long ago to be listed."""
    name, text, lines, unfinished = words
    head, _, definition = text.partition(b"\n")
    limit, skips, owner, rule, grid = head.decode().split(" ", 4)
    fields = {line[:1]: line[1:] for line in lines.split(b"\n")}
    ended_at = _number(fields.get(b"e"))
    if ended_at is not None and max(ended_at, int(fields[b"p"])) + ENDED_LISTED <= now:
        return None
    return StoredSchedule(
        schedule=NewSchedule(
            name=name.decode(),
            queue=queue,
            definition=definition,
            grid=grid,
            rule=None if rule == NONE else rule,
            limit=None if limit == NONE else int(limit),
            skips_overlap=skips == "1",
            owner=None if owner == NONE else owner,
        ),
        first=int(fields[b"f"]),
        tick=_number(fields.get(b"t")),
        successes=int(fields.get(b"s", 0)),
        unfinished=unfinished,
        last_tick=_number(fields.get(b"l")),
        last_job=_text(fields.get(b"j")),
        last_outcome=_text(fields.get(b"o")),
        ended_at=ended_at,
    )


def _number(value: bytes | None) -> int | None:
    return None if value is None else int(value)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


SCHEDULE_BUILDERS: Mapping[type, Callable[[Any, str, Arg], Command]] = {
    PutSchedule: _put,
    RemoveSchedule: _remove,
    Ticks: _ticks,
    Fire: _fire,
    Declare: _declare,
    Schedules: _schedules,
}
