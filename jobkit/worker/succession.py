"""Dead workers whose jobs this one takes over, on the word of a supervisor that saw them die."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from jobkit.engine import Engine
from jobkit.store import TakenOver, TakeOver
from jobkit.worker.cycle import Cycle

_LOGGER = logging.getLogger("jobkit.worker")


@dataclass(slots=True, eq=False)
class Deceased:
    """A worker that is dead, and the queues where it may still hold jobs (None: not asked yet)."""

    name: str
    done: Callable[[], None]
    queues: set[str] | None = None
    count: int = field(default=0)


class Succession:
    """Tells the store of the dead, with the pump's round trips, until nothing of theirs is left.

    `ended` is called with queue and id of each job that this ended.
    """

    def __init__(self, engine: Engine, ended: Callable[[str, str], None]) -> None:
        self._engine = engine
        self._ended = ended
        self._dead: deque[Deceased] = deque()

    @property
    def is_pending(self) -> bool:
        """Whether there is somebody whose jobs are not taken over yet."""
        return bool(self._dead)

    def add(self, name: str, done: Callable[[], None]) -> None:
        """Take over from this worker; `done` is called by the pump when that is so."""
        self._dead.append(Deceased(name, done))

    def plan(self, cycle: Cycle, queues: Sequence[str]) -> None:
        """Add what is to be asked; what the store refuses is asked again in the next cycle."""
        for deceased in list(self._dead):
            if deceased.queues is None:
                deceased.queues = set(queues)
            for queue in sorted(deceased.queues):
                bounds = self._engine.bounds(queue)
                cycle.add(
                    TakeOver(queue=queue, worker=deceased.name, bounds=bounds),
                    partial(self._taken, deceased, queue),
                )

    def _taken(self, deceased: Deceased, queue: str, taken: TakenOver) -> None:
        assert deceased.queues is not None  # it has been asked
        deceased.count += taken.count
        for job_id in taken.ended:
            self._ended(queue, job_id)
        if not taken.more:
            deceased.queues.discard(queue)
        if not deceased.queues:
            self._dead.remove(deceased)
            _LOGGER.log(
                logging.WARNING if deceased.count else logging.INFO,
                "took over %d jobs of worker %s, which is dead",
                deceased.count,
                deceased.name,
            )
            deceased.done()
