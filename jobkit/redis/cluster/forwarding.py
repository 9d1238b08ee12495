"""Children for queues of other slots: left with their parent's queue, then forwarded.

1. `settle` stores them in the outbox of the parent's queue, in the step in which it succeeds;
   each has a number, and numbers grow for ever.
2. `forward` reads the first ones, for each of the other queues.
3. `receive` stores those that have not arrived yet in their queue: it keeps the greatest number
   that has come from each queue.
4. `forward` drops those from the outbox, and reads the next ones.

Any step may be repeated, by anybody, at any time, and whoever does them may die between two: a
child is in the outbox until it has arrived, and it arrives once. The store goes on to step 2 by
itself after a settlement; every claim looks whether an outbox was left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from jobkit.redis.command import Arg, Command, due_arg, job_args
from jobkit.redis.keys import queue_prefix
from jobkit.redis.scripts import script
from jobkit.redis.settlements import settle_command
from jobkit.store import NewJob, Settle

LATER = "-"  # leave the children of this queue for another time
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NewJob).decode


def settle_and_leave(
    operation: Settle, others: tuple[str, ...], namespace: str, now: Arg
) -> Command:
    """Return the call that ends attempts and leaves their children for other queues (`others`)."""
    home = operation.queue

    def child_args(children: Sequence[NewJob]) -> tuple[list[Arg], int]:
        args = job_args([child for child in children if child.queue == home], {home: 1})
        away = [child for child in children if child.queue != home]
        for child in away:
            args += (child.queue, due_arg(child), _encode(child))
        return args, len(away)

    return settle_command(operation, namespace, now, (home,), child_args, named=others)


def forward(namespace: str, queue: str, known: Mapping[str, str]) -> Command:
    """Return the call that drops what has arrived (`known`: by queue) and reads what has not."""
    args = tuple(word for pair in known.items() for word in pair)
    return Command(script("forward"), (queue_prefix(namespace, queue),), args, _parse_boxes)


def _parse_boxes(reply: Iterable[Sequence[bytes]]) -> dict[str, list[bytes]]:
    return {target.decode(): entries for target, *entries in reply}


def receive(
    namespace: str, source: str, target: str, entries: Sequence[bytes], now: Arg
) -> Command:
    """Return the call that stores children of `source` in the queue `target`."""
    numbers: list[bytes] = []
    jobs: list[NewJob] = []
    for entry in entries:
        number, due, child = entry.split(b" ", 2)
        job = _decode(child)
        if due:
            job = replace(job, run_at=int(due))
        numbers.append(number)
        jobs.append(job)
    return Command(
        script("receive"),
        (queue_prefix(namespace, target),),
        (now, source, len(numbers), *numbers, *job_args(jobs, {target: 1})),
        lambda reply: reply.decode(),
        (target,),
    )
