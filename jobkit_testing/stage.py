"""One run of an explored scenario: what its seed decides, and the doubles that take part in it."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING

from jobkit_testing.chance import Chance
from jobkit_testing.exploring import Explorer

if TYPE_CHECKING:
    from jobkit_testing.workshop import Workshop


class Stage:
    """Where a scenario is played. Each `TestingJobs` that is made meanwhile takes part."""

    def __init__(self, chance: Chance, *, start: datetime, workers: int) -> None:
        self.chance = chance
        self.start = start
        self._workers = workers
        self._explorers: list[Explorer] = []

    def join(self, shop: Workshop) -> Explorer:
        """Let the workers of one more double be interleaved, and things go wrong there."""
        explorer = Explorer(shop, self.chance, workers=self._workers)
        self._explorers.append(explorer)
        return explorer

    @property
    def has_run(self) -> bool:
        """Whether a job has run that things could befall."""
        return any(explorer.has_run for explorer in self._explorers)

    def story(self) -> str:
        """Tell what happened, in each of the doubles in which something did."""
        timelines = [explorer.timeline for explorer in self._explorers]
        told = [each for each in timelines if each.events] or timelines[:1]
        return "\n".join(each.story() for each in told)

    def close(self) -> None:
        """Let go of all that has not ended."""
        for explorer in self._explorers:
            explorer.close()


STAGE: ContextVar[Stage | None] = ContextVar("STAGE", default=None)
