"""The statistics of a queue, as the script `statistics` tells of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from jobkit.redis.command import Arg, Command
from jobkit.redis.keys import queue_prefix
from jobkit.redis.scripts import script
from jobkit.store import (
    MINUTE_LENGTH,
    ForgetStatistics,
    Statistics,
    StoredCounts,
    StoredStatistics,
    counts_of,
)

_NUMBER = re.compile(rb"([A-Za-z])(\d+) ")


def _statistics(operation: Statistics, namespace: str, now: Arg) -> Command:
    keys = (queue_prefix(namespace, operation.queue),)
    args = (now, "" if operation.totals else operation.minutes)
    return Command(script("statistics"), keys, args, partial(parse_statistics, operation))


def _forget_statistics(operation: ForgetStatistics, namespace: str, now: Arg) -> Command:
    prefix = queue_prefix(namespace, operation.queue)
    keys = (f"{prefix}totals", f"{prefix}minutes")
    return Command(None, keys, (b"DEL",), lambda reply: None)


STATISTICS: Mapping[type, Callable[[Any, str, Arg], Command]] = {
    Statistics: _statistics,
    ForgetStatistics: _forget_statistics,
}


def parse_statistics(operation: Statistics, reply: Sequence[Any]) -> StoredStatistics:
    """Put the last minutes together, and what was counted in all."""
    now = int(reply[0])
    last = now // MINUTE_LENGTH
    totals = {group.decode(): _numbers(text) for group, text in _pairs(reply[1])}
    minutes: dict[int, dict[str, StoredCounts]] = {}
    for field, value in _pairs(reply[2]):
        group = field.partition(b" ")[2].decode()
        minute, _, text = value.partition(b" ")
        numbers = _numbers(text)
        if operation.totals:
            totals.setdefault(group, Counter()).update(numbers)
        if last - operation.minutes < int(minute) <= last:
            minutes.setdefault(int(minute) * MINUTE_LENGTH, {})[group] = counts_of(numbers)
    return StoredStatistics(
        now=now,
        totals={group: counts_of(numbers) for group, numbers in totals.items()},
        minutes={at: minutes[at] for at in sorted(minutes)},
    )


def _pairs(flat: Sequence[bytes]) -> zip[tuple[bytes, bytes]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _numbers(text: bytes) -> Counter[str]:
    return Counter({letter.decode(): int(number) for letter, number in _NUMBER.findall(text)})
