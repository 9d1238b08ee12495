"""What a worker holds: its works, from claim to settlement, and how they are run.

Threads: the pump claims and settles; pool threads and the loop's thread run handlers; a pool of
their own runs hooks; the keeper extends leases and watches deadlines. They meet here.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

from jobkit.attempt import Ended, run_sync
from jobkit.cancellation import Reason
from jobkit.clock import Clock, to_milliseconds
from jobkit.context import JobContext
from jobkit.engine import Engine
from jobkit.engine.crews import about_worker
from jobkit.engine.running import Run, Runner, milliseconds
from jobkit.options import WorkerSettings
from jobkit.progress import CheckedIn
from jobkit.store import Release, Settlement, StoredJob
from jobkit.worker.aftermath import announce_start
from jobkit.worker.bell import Bell
from jobkit.worker.hookline import HookLine
from jobkit.worker.isolation import Isolation
from jobkit.worker.loop import HandlerLoop
from jobkit.worker.slots import Slots
from jobkit.worker.threads import ThreadPool
from jobkit.worker.work import Work

SLOW = 0.001  # seconds; a faster handler's end waits for the end of its batch
_LOGGER = logging.getLogger("jobkit.worker")


class Crew:
    """Runs works and collects how they ended.

    `held`: every work whose settlement the store has not confirmed. `done`: works with their
    settlements, for the pump. `progress`: set when the pump should look. `emptied`: set when
    nothing is held any more, or few hooks are in line. `checks_in`: some handler has checked in,
    so the keeper looks. `about`: what heartbeats tell of this worker.
    """

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        settings: WorkerSettings,
        clock: Clock,
        name: str,
        *,
        at_end_of_loop: Callable[[], Coroutine[Any, Any, None]],
        imports: tuple[str, ...],
    ) -> None:
        self.engine = engine
        self.runner = runner
        self.settings = settings
        self.clock = clock
        self.held: dict[str, Work] = {}
        self.done: deque[tuple[Work, Settlement]] = deque()
        self.progress = Bell()
        self.deadline_set = threading.Event()
        self.emptied = threading.Event()
        self.about = about_worker(engine.version, settings, clock)
        self.checks_in = False
        self.abandoned: set[Work] = set()
        self._suspects: set[Work] = set()
        self._ending = threading.Lock()
        self.slots = Slots(settings.concurrency)
        self.threads = ThreadPool(settings.concurrency + 1, name)  # one more: it listens
        self.hooks = HookLine(
            settings,
            f"{name}-hooks",
            monotonic=clock.monotonic,
            on_few=self._hooks_are_few,
        )
        self.isolation = Isolation(engine, imports)
        self.loop = HandlerLoop(
            settings.concurrency,
            f"{name}-loop",
            begin=self._begin,
            finish=self._finish,
            flush=self._after_turn,
            at_end=at_end_of_loop,
        )

    def take(self, jobs: Iterable[StoredJob], lease_until: float) -> list[Work]:
        """Hold claimed jobs."""
        works = [Work(stored, lease_until) for stored in jobs]
        for work in works:
            if work.stored.suspect:
                self._suspects.add(work)
            earlier = self.held.get(work.stored.id)
            self.held[work.stored.id] = work
            if earlier is not None:
                self._displace(earlier)
        return works

    def let_go(self, work: Work) -> None:
        """Hold a work no longer: its settlement is confirmed."""
        if self.held.get(work.stored.id) is work:
            del self.held[work.stored.id]
        if not self.held:
            self.emptied.set()

    def start(self, works: Iterable[Work] = ()) -> None:
        """Start works as far as there are free slots; the others wait in line for one.

        Those for threads begin once somebody takes part in `threads`, or wakes one of them.
        """
        sync, tasks = self._sort(self.slots.enter(works))
        if sync:
            self.threads.add(sync)
        if tasks:
            self.loop.submit(tasks)

    def start_here(self, works: Iterable[Work]) -> None:
        """Start works from a thread of the pool, which goes on with the first of them."""
        sync, tasks = self._sort(self.slots.enter(works))
        self.threads.add(sync[:1])
        if len(sync) > 1:
            self.threads.submit(sync[1:])
        if tasks:
            self.loop.submit(tasks)

    def close_line(self) -> None:
        """Hand back the works that wait for a slot; none gets one any more."""
        for work in self.slots.close():
            self.give_back(work)

    def _sort(self, works: Sequence[Work]) -> tuple[list[partial[None]], list[Work]]:
        """Part works: those for threads (what waits for a process too), those for the loop."""
        sync: list[partial[None]] = []
        tasks: list[Work] = []
        for work in works:
            call = self.engine.handlers.call(work.stored.type)
            if call is not None and call.is_isolated:
                sync.append(partial(self._run_isolated, work))
            elif call is not None and call.is_async:
                tasks.append(work)
            else:
                sync.append(partial(self._run_in_thread, work))
        return sync, tasks

    def runs_suspect(self) -> bool:
        """Tell whether a job runs here that was lost before; one that has ended runs no more."""
        with self._ending:
            self._suspects = {
                work for work in self._suspects if not work.ended or work in self.abandoned
            }
            return bool(self._suspects)

    def give_back(self, work: Work) -> None:
        """End a work by handing its job back, unless it has ended."""
        if self._end_once(work):
            self.isolation.kill(work.lease)  # first: nobody else may run it meanwhile
            work.handed_back = True
            self.done.append((work, Release(lease=work.lease)))
            self.progress.set()

    def abandon(self, work: Work, ended: Ended) -> None:
        """End a work whose handler does not return; its slot stays taken until it does."""
        if not self._end_once(work, abandoned=True):
            return
        assert work.run is not None  # only a begun work has a deadline
        duration = milliseconds(self.clock.monotonic() - (work.started or 0.0))
        self.done.append((work, self.runner.end(work.run, ended, duration=duration)))
        self.progress.set()

    def _displace(self, work: Work) -> None:
        """End a work whose job this worker lost and has now claimed again."""
        work.cancelled.set("lost")
        self._end_once(work, abandoned=work.started is not None)

    def tell_all(self, reason: Reason) -> None:
        """Tell every running handler to stop."""
        for work in list(self.held.values()):
            work.cancelled.set(reason)

    def close(self) -> None:
        """Let threads and loop end; hooks that are in line yet are not called."""
        self.threads.close()
        self.hooks.close()
        self.loop.close()
        self.isolation.close()

    def _hooks_are_few(self) -> None:
        self.progress.set()
        self.emptied.set()

    def _run_in_thread(self, work: Work) -> None:
        if self.done and not self.threads.has_waiting:
            self.progress.set()  # what ended before must not wait for this one
        run = self._begin(work)
        took = 0.0 if run is None else self._finish(work, run_sync(run.call, run.job, run.ctx))
        self._pass_on(work)
        if took > SLOW:
            self.threads.grow()
        if took > SLOW or not self.threads.has_waiting:
            self.progress.set()

    def _run_isolated(self, work: Work) -> None:
        if self.done:
            self.progress.set()
        self.isolation.wait_until_ready(work.cancelled)
        run = self._begin(work)
        if run is not None:
            self._finish(work, self.isolation.run(run))
        self._pass_on(work)
        self.progress.set()

    def _pass_on(self, work: Work) -> None:
        """Give the slot of a work that a thread of the pool is done with to the next in line."""
        self.abandoned.discard(work)
        sync, tasks = self._sort(self.slots.leave())
        if sync:
            self.threads.add(sync)  # this thread is about to look for its next task
        if tasks:
            self.loop.submit(tasks)

    def _after_turn(self, left: Sequence[Work]) -> Sequence[Work]:
        """Give the slots of works that the loop is done with to the next in line.

        Return those among these that are for the loop.
        """
        self.abandoned.difference_update(left)
        sync, tasks = self._sort(self.slots.leave(len(left)))
        if sync:
            self.threads.submit(sync)
        self.progress.set()
        return tasks

    def _begin(self, work: Work) -> Run | None:
        """Return the attempt to run; None if there is none, and how that ended is noted."""
        started = self.clock.monotonic()
        if started > work.lease_until or work.cancelled.is_set():
            # Perhaps it is somebody else's by now. The store judges by the lease.
            self.give_back(work)
            return None
        run = self.runner.begin(
            work.stored,
            now=self._now,
            cancelled=work.cancelled,
            on_checkin=self._hear,
        )
        if not isinstance(run, Run):
            if self._end_once(work):
                self.done.append((work, run))
            return None
        work.run = run
        work.started = started
        if run.options.timeout is not None:
            work.deadline = started + run.options.timeout.total_seconds()
            self.deadline_set.set()
        if run.call.hooks:
            self._announce_start(run)
        return run

    def _now(self) -> int:
        return to_milliseconds(self.clock.now())

    def _hear(self, ctx: JobContext, said: CheckedIn) -> None:
        """Keep a handler's word for the keeper, who writes the last one."""
        work = self.held.get(ctx.id)
        if work is None or work.lease.fence != ctx.fence:
            return  # its job is another attempt's, or nobody's
        work.said = said
        if not self.checks_in:
            self.checks_in = True
            self.deadline_set.set()  # from now on it looks more often

    def _announce_start(self, run: Run) -> None:
        try:
            announce_start(self.engine, run.call, run.stored)
        except BaseException:  # a hook's KeyboardInterrupt too: nobody is at this thread's terminal
            _LOGGER.exception("on_start of job %s failed", run.stored.id)

    def _finish(self, work: Work, ended: Ended) -> float:
        """End a work as its attempt ended; return how many seconds that took."""
        assert work.run is not None  # a work that ends here has begun
        took = self.clock.monotonic() - (work.started or 0.0)
        if not self._end_once(work):
            return took
        settlement = self.runner.end(work.run, ended, duration=milliseconds(took))
        work.handed_back = isinstance(settlement, Release)
        self.done.append((work, settlement))
        work.run = None  # the job and its context go now, not when this is settled
        return took

    def _end_once(self, work: Work, *, abandoned: bool = False) -> bool:
        with self._ending:
            if work.ended:
                return False
            work.ended = True
            if abandoned:
                self.abandoned.add(work)
            return True
