"""The keeper: keeps leases alive and watches deadlines, in a thread of its own.

It reads the works that the crew holds. It writes heartbeats to the store, once a second while
something runs, else three times a lease; and, twice a second, what handlers said last. It never
runs users' code, so a busy handler cannot hold it up. If it dies, leases run out, and the works
are told that they are lost.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from jobkit.attempt import Ended
from jobkit.cancellation import Reason
from jobkit.clock import Clock, duration_milliseconds
from jobkit.errors import BackendUnavailable
from jobkit.errortext import error_text
from jobkit.outcome import TimedOut
from jobkit.store import Beat, Heartbeat, LaneSet, MarkTimedOut, Operation, Store
from jobkit.worker.crew import Crew
from jobkit.worker.work import Work

CHECK_IN = 0.5  # seconds between writes of one job's check-ins
BUSY_BEAT = 1.0  # seconds between heartbeats while something runs: so fast is a cancel heard
_LOGGER = logging.getLogger("jobkit.worker")


class Keeper:
    """Extends leases, hears of cancels and losses, and times handlers out."""

    def __init__(
        self,
        crew: Crew,
        store: Store,
        *,
        worker: str,
        clock: Clock,
        now: Callable[[], int | None],
        queues: Callable[[], tuple[Sequence[str], LaneSet]],
    ) -> None:
        self._crew = crew
        self._store = store
        self._worker = worker
        self._clock = clock
        self._now = now
        self._queues = queues
        self._lease = duration_milliseconds(crew.settings.lease)
        self.on_tick: Callable[[str, int | None, int], None] | None = None
        self._stopping = threading.Event()
        self._unmarked: list[Work] = []
        self._last_writing = float("-inf")
        self._thread = threading.Thread(target=self._keep, name="jobkit-keeper", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._crew.deadline_set.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    def _keep(self) -> None:
        last_beat = float("-inf")
        while not self._stopping.is_set():
            try:
                if self._clock.monotonic() >= last_beat + self._interval():
                    last_beat = self._clock.monotonic()
                    self._beat()
                self._watch_deadlines()
                self._write_check_ins()
            except Exception:  # leases must not die of an error here
                _LOGGER.exception("the keeper failed; it goes on")
            wake = min(last_beat + self._interval(), self._next_deadline())
            # A look each second, also while idle: what begins meanwhile hears of a cancel as fast.
            longest = CHECK_IN if self._crew.checks_in else BUSY_BEAT
            self._crew.deadline_set.wait(min(max(0.0, wake - self._clock.monotonic()), longest))
            self._crew.deadline_set.clear()

    def _interval(self) -> float:
        third = self._lease / 3000
        return min(third, BUSY_BEAT) if self._crew.held else third

    def _beat(self) -> None:
        names, lanes = self._queues()
        works = list(self._crew.held.values())
        # Those that have ended meanwhile need no report: their settlement tells.
        starts = [w for w in works if w.untold and w.started is not None and not w.ended]
        sent = self._clock.monotonic()
        beats = [self._heartbeat(name, lanes, works, starts) for name in names]
        try:
            results = self._store.run_many(beats, now=self._now())
        except BackendUnavailable:
            return  # the pump tells of the outage
        for beat, result in zip(beats, results, strict=True):
            if isinstance(result, Beat):  # else it is refused, and the pump tells of it
                self._heed(beat, result, sent)
                for work in starts:
                    work.untold = work.untold and work.queue != beat.queue
        self._mark_timed_out()

    def _heartbeat(
        self, queue: str, lanes: LaneSet, works: Sequence[Work], starts: Sequence[Work]
    ) -> Heartbeat:
        return Heartbeat(
            queue=queue,
            worker=self._worker,
            lanes=lanes,
            lease=self._lease,
            leases=tuple(work.lease for work in works if work.queue == queue and not work.ended),
            started=tuple(work.lease for work in starts if work.queue == queue),
            about=self._crew.about,
        )

    def _heed(self, beat: Heartbeat, result: Beat, sent: float) -> None:
        if self.on_tick is not None:
            self.on_tick(beat.queue, result.next_tick, result.now)
        told: tuple[tuple[tuple[str, ...], Reason], ...] = (
            (result.lost, "lost"),
            (result.cancelled, "cancel"),
            (result.deleted, "deleted"),
        )
        for ids, reason in told:
            for job_id in ids:
                work = self._crew.held.get(job_id)
                if work is not None and not work.ended:
                    work.cancelled.set(reason)
        refused = {*result.lost, *result.deleted}
        for lease in beat.leases:
            work = self._crew.held.get(lease.id)
            if work is not None and work.lease == lease and lease.id not in refused:
                work.lease_until = sent + self._lease / 1000

    def _next_deadline(self) -> float:
        """Return the next instant at which a work times out or is given up."""
        return min(map(self._next_of, list(self._crew.held.values())), default=float("inf"))

    def _next_of(self, work: Work) -> float:
        if work.deadline is None or work.ended:
            return float("inf")
        if work.cancelled.reason is None:
            return work.deadline
        return work.deadline + self._crew.settings.abandon_after.total_seconds()

    def _watch_deadlines(self) -> None:
        now = self._clock.monotonic()
        for work in list(self._crew.held.values()):
            if work.deadline is None or work.ended or self._next_of(work) > now:
                continue
            if work.cancelled.set("timeout"):
                self._unmarked.append(work)
            elif self._next_of(work) <= now:
                self._abandon(work)
        self._mark_timed_out()  # when all have been told: the store may be away

    def _mark_timed_out(self) -> None:
        """Write down who passed a deadline; what is refused goes with the next heartbeat."""
        works = [work for work in self._unmarked if not work.ended]
        self._unmarked = []
        if not works:
            return
        marks: list[Operation[bool]] = [
            MarkTimedOut(queue=work.queue, worker=self._worker, lease=work.lease) for work in works
        ]
        try:
            results = self._store.run_many(marks, now=self._now())
        except BackendUnavailable:
            self._unmarked = works
            return
        failed = (isinstance(result, BackendUnavailable) for result in results)
        self._unmarked = [work for work, again in zip(works, failed, strict=True) if again]

    def _write_check_ins(self) -> None:
        """Write the last word of each handler that has said something new."""
        now = self._clock.monotonic()
        if not self._crew.checks_in or now < self._last_writing + CHECK_IN:
            return
        self._last_writing = now
        works = [work for work in list(self._crew.held.values()) if not work.ended]
        news = [(work, new) for work in works if (new := work.check_in(self._worker)) is not None]
        if not news:
            return
        try:
            results = self._store.run_many([new[1] for _, new in news], now=self._now())
        except BackendUnavailable:
            return  # said again, or something newer, when the store is back
        for (work, (said, _)), result in zip(news, results, strict=True):
            if not isinstance(result, BackendUnavailable):
                work.written = said

    def _abandon(self, work: Work) -> None:
        after = self._crew.settings.abandon_after
        _LOGGER.error(
            "job %s (%s) passed its deadline and did not stop within %s; its slot is lost until "
            "it returns",
            work.stored.id,
            work.stored.type,
            after,
        )
        error = error_text(
            type="TimeoutError",
            message=f"ran past its deadline and did not stop within {after}; abandoned",
        )
        self._crew.abandon(work, Ended(TimedOut(error)))
