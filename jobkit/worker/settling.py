"""What a worker settles: how attempts ended, until the store has confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from jobkit.engine import Engine
from jobkit.store import Settle, Succeed
from jobkit.worker.crew import Crew
from jobkit.worker.cycle import Cycle
from jobkit.worker.inbox import Ending, Inbox

SETTLED_AT_ONCE = 500
Endings: TypeAlias = list[Ending]  # oldest first


class Settling:
    """The settlements of one worker; the pump sends them.

    `waiting`: the ends that are not under way to the store, oldest first.
    """

    def __init__(self, crew: Crew, engine: Engine, inbox: Inbox, *, worker: str) -> None:
        self._crew = crew
        self._engine = engine
        self._inbox = inbox
        self._worker = worker
        self.waiting: Endings = []

    def collect(self) -> Endings:
        """Take in what has ended, and return all that waits."""
        done = self._crew.done
        while done:
            self.waiting.append(done.popleft())
        return self.waiting

    def keep(self, endings: Sequence[Ending]) -> None:
        """Let ends wait again: the store can tell if it gets them twice."""
        self.waiting = [*endings, *self.waiting]

    def plan(self, cycle: Cycle, queue: str, endings: Endings) -> None:
        """Settle ends of one queue."""
        if self._crew.checks_in:  # a handler's last word, before its lease is gone
            for work, _ in endings:
                if new := work.check_in(self._worker):
                    cycle.add(new[1])
        for at in range(0, len(endings), SETTLED_AT_ONCE):
            batch = endings[at : at + SETTLED_AT_ONCE]
            settle = Settle(
                queue=queue,
                worker=self._worker,
                version=self._engine.version,
                settlements=tuple(settlement for _, settlement in batch),
                bounds=self._engine.bounds(queue),
            )
            refused = partial(self._refused, batch)
            cycle.add(settle, partial(self._inbox.settled, batch), refused=refused)

    def _refused(self, endings: Endings, _: Exception) -> None:
        self.keep(endings)


def by_queue(endings: Endings) -> dict[str, Endings]:
    """Part ends by the queues of their jobs."""
    parts: dict[str, Endings] = {}
    for ending in endings:
        parts.setdefault(ending[0].queue, []).append(ending)
    return parts


def let_nothing_in(endings: Endings, now: float) -> bool:
    """Tell whether no job can be claimed, in a queue without limits, because these ended.

    `now`: of the monotonic clock; a job whose lease is out could be claimed by then itself.
    """
    return all(
        isinstance(settlement, Succeed)
        and not settlement.children
        and not work.stored.suspect
        and work.lease_until > now
        for work, settlement in endings
    )
