"""What the store has answered, until there is time to do what follows from it.

The pump reads an answer, sends what comes next, and only then opens this: so the store works
while the worker hands out jobs and calls hooks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from jobkit.engine import Engine
from jobkit.errors import BackendUnavailable
from jobkit.handlerset import Call
from jobkit.store import Claimed, Get, Settled, Settlement, Store, StoredJob
from jobkit.worker.aftermath import (
    ENDS,
    MAY_GO_BY,
    after_settling,
    announce,
    event_of,
    was_cancelled,
)
from jobkit.worker.crew import Crew
from jobkit.worker.tally import Tally
from jobkit.worker.work import Work

_LOGGER = logging.getLogger("jobkit.worker")

Ending = tuple[Work, Settlement]
Start = Callable[[list[Work]], object]


class Inbox:
    """Takes what claims brought and settlements came to; `open` hands out jobs, calls hooks."""

    def __init__(
        self, crew: Crew, engine: Engine, store: Store, *, now: Callable[[], int | None]
    ) -> None:
        self._crew = crew
        self._engine = engine
        self._store = store
        self._now = now
        self._claimed: list[tuple[str, Claimed, float]] = []
        self._settled: list[tuple[Sequence[Ending], Sequence[Settled]]] = []
        self.tally = Tally(engine.record)

    def claimed(self, queue: str, claimed: Claimed, lease_until: float) -> None:
        """Keep what a claim brought."""
        self._claimed.append((queue, claimed, lease_until))

    def settled(self, endings: Sequence[Ending], results: tuple[Settled, ...]) -> None:
        """Keep what became of settlements."""
        self._settled.append((endings, results))

    def ended(self, queue: str, ids: Sequence[str]) -> None:
        """Tell of jobs that a claim found lost and ended."""
        for job_id in ids:
            self.announce_as_stored(queue, job_id)

    @property
    def jobs(self) -> int:
        """How many jobs wait here; they have as good as a slot, or a place in line."""
        return sum(len(claimed.jobs) for _, claimed, _ in self._claimed)

    @property
    def has_suspect(self) -> bool:
        """Whether one of them was lost before."""
        return any(job.suspect for _, claimed, _ in self._claimed for job in claimed.jobs)

    def open(self, start: Start) -> None:
        """Let go of those that are settled, then have the jobs started."""
        settled, self._settled = self._settled, []
        brought, self._claimed = self._claimed, []
        for endings, results in settled:  # first: hooks must not wait for the jobs to come
            self._let_go(endings, results)
        for queue, claimed, lease_until in brought:
            try:
                self._hand_out(queue, claimed, lease_until, start)
            except Exception:  # no thread to be had; nobody else hands out the jobs of the others
                _LOGGER.exception("jobs of queue %r cannot be handed out", queue)

    def _hand_out(self, queue: str, claimed: Claimed, lease_until: float, start: Start) -> None:
        works = self._crew.take(claimed.jobs, lease_until)
        for work in works[claimed.started :]:
            work.untold = True
        start(works)
        if claimed.ended:
            self.ended(queue, claimed.ended)

    def _let_go(self, endings: Sequence[Ending], results: Sequence[Settled]) -> None:
        for (work, settlement), settled in zip(endings, results, strict=True):
            self._crew.let_go(work)
            if settled.verdict != "ok":
                _LOGGER.warning(
                    "the result of job %s (%s) was refused: it is %s",
                    work.stored.id,
                    work.stored.type,
                    "gone" if settled.verdict == "gone" else "no longer this worker's",
                )
                continue
            self.tally.add(work, settlement, settled)
            call = self._engine.handlers.call(work.stored.type)
            if settled.state in MAY_GO_BY and (call is None or not call.hooks):
                continue
            try:
                self._follow_up(work, call, settlement, settled)
            except Exception:  # the rest of the batch is settled too, and must be let go
                _LOGGER.exception("hooks of job %s cannot be called", work.stored.id)

    def _follow_up(
        self, work: Work, call: Call | None, settlement: Settlement, settled: Settled
    ) -> None:
        event = event_of(settlement, settled)
        if event is None:
            return
        after = after_settling(work.stored_at_end(settled.at), settlement, settled)
        if was_cancelled(settlement, settled):  # when that was asked for, the store knows
            self.announce_as_stored(work.queue, work.stored.id, after)
            return
        is_in_line = self._crew.hooks.submit(partial(announce, self._engine, call, event, after))
        if not is_in_line and event == "on_dead":
            announce(self._engine, None, event, after)  # to the log

    def announce_as_stored(self, queue: str, job_id: str, after: StoredJob | None = None) -> None:
        """Tell of a job that has ended in a way that the store knows best.

        `after`: how it ended, as far as it is known here, if the store does not keep it.
        """
        self._crew.hooks.submit(partial(self._read_and_announce, queue, job_id, after))

    def _read_and_announce(self, queue: str, job_id: str, after: StoredJob | None) -> None:
        get = Get(queue=queue, id=job_id)
        try:
            stored: StoredJob | None = self._store.run(get, now=self._now()) or after
        except BackendUnavailable as error:
            _LOGGER.warning("job %s has ended; for its hooks it cannot be read: %s", job_id, error)
            return
        # Nobody is told if somebody has brought it back to life meanwhile.
        event = None if stored is None else ENDS.get(stored.state)
        if stored is not None and event is not None:
            announce(self._engine, self._engine.handlers.call(stored.type), event, stored)
