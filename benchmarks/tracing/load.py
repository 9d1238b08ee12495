"""The load of a trace check: jobs, people who meddle with them, and a hand that kills workers."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import jobkit
from benchmarks.tracing import jobtypes as jt
from benchmarks.tracing.backend import QUEUES
from benchmarks.tracing.crew import Crew
from jobkit.inspect import Inspector
from jobkit.record import JobState
from jobkit.store import Count, Queues, Store

BACKLOG = 60
BATCH = 12
LAST_WAIT = 60.0  # seconds for the workers to finish what is left
NAMES = tuple(QUEUES)


class Load:
    """What is done to the jobs and to the crew, by dice."""

    def __init__(
        self, jobs: jobkit.Queue, inspect: Inspector, store: Store, crew: Crew, dice: Random
    ) -> None:
        self._jobs = jobs
        self._inspect = inspect
        self._store = store
        self._crew = crew
        self._dice = dice
        self._ids: list[str] = []
        self._paused: list[tuple[str | None, type | None]] = []

    def run(self, *, seconds: float, kills: int) -> None:
        """Make the load for so long, or longer if the kills, spread evenly, take longer."""
        self._schedule()
        self._crew.wait_until_begun()
        began = time.monotonic()
        pace = seconds / (kills + 1)
        while (passed := time.monotonic() - began) < seconds or self._crew.kills < kills:
            self._feed()
            for _ in range(self._dice.randrange(4)):
                self._meddle()
            if passed > (self._crew.kills + 1) * pace and self._crew.kills < kills:
                self._kill()
            time.sleep(0.02)

    def finish(self) -> None:
        """Take back all pauses, let the workers finish, and stop them."""
        while self._paused:
            self._inspect.resume(*self._paused.pop())
        for info in self._inspect.schedules():
            self._jobs.unschedule(info.name)
        while len(self._crew.living) < 2:
            self._crew.start()
        deadline = time.monotonic() + LAST_WAIT
        while left := self.unfinished():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{left} jobs have not ended after {LAST_WAIT} s")
            time.sleep(0.05)

    def unfinished(self) -> int:
        """Count the jobs that have not ended."""
        counts = [self._store.run(Count(queue=name)) for name in self._store.run(Queues())]
        return sum(
            sum(each.queued.values()) + each.scheduled + each.retrying + each.running
            for each in counts
        )

    def _schedule(self) -> None:
        self._jobs.schedule("@every 1s", jt.Tick(1), name="all", missed="all", queue="bulk")
        self._jobs.schedule("@every 1s", jt.Tick(2), name="few", overlap="skip", limit=4)

    def _feed(self) -> None:
        counts = [self._store.run(Count(queue=name)) for name in NAMES]
        if sum(sum(each.queued.values()) for each in counts) > BACKLOG:
            return
        dice = self._dice
        batch = [self._job() for _ in range(BATCH)]
        handles = self._jobs.enqueue_many(
            batch,
            queue=dice.choice(NAMES),
            priority=dice.choice((0, 0, -1, 5)),
            delay=timedelta(milliseconds=dice.choice((0, 0, 0, 30, 800))),
        )
        self._ids += [handle.id for handle in handles]
        unique = jobkit.Unique(
            key=f"key {dice.randrange(3)}",
            until=dice.choice(("started", "done")),
            ttl=dice.choice((None, timedelta(milliseconds=200))),
            on_conflict=dice.choice(("return", "replace", "raise")),
        )
        with suppress(jobkit.Duplicate):
            self._ids.append(self._jobs.enqueue(self._job(), unique=unique).id)

    def _job(self) -> Any:
        dice = self._dice
        number = dice.randrange(100)
        makers = (
            lambda: jt.Quick(number),
            lambda: jt.Swift(number),
            lambda: jt.Slow(number / 300 if number % 9 else 3.0),
            lambda: jt.Waiting(number / 300 if number % 9 else 3.0),
            lambda: jt.Flaky(number),
            lambda: jt.FlakyToo(number),
            lambda: jt.Late(stubborn=number < 15),
            lambda: jt.LateToo(number),
            lambda: jt.Parent(number % 5),
            lambda: jt.Narrow(number / 2000),
            lambda: jt.Fragile(number / 500),
            lambda: jt.Telling(number % 7),
        )
        weights = (20, 20, 10, 10, 10, 10, 2, 2, 10, 10, 6, 2)
        return dice.choices(makers, weights)[0]()

    # People who meddle.

    def _meddle(self) -> None:
        if not self._ids:
            return
        dice, inspect = self._dice, self._inspect
        one = dice.choice(self._ids[-150:])
        soon = datetime.now(UTC) + timedelta(milliseconds=dice.choice((-50, 0, 300)))
        deeds = (
            lambda: inspect.cancel(one),
            lambda: inspect.cancel(one),
            lambda: inspect.delete(one),
            self._end_one_that_runs,
            self._end_one_that_runs,
            lambda: inspect.reschedule(one, soon),
            lambda: inspect.run_now(one),
            lambda: inspect.retry(one),
            lambda: inspect.retry_all_dead(type=jt.Flaky),
            lambda: inspect.prune(state=JobState.SUCCEEDED, keep=50, payload_only=True),
            lambda: inspect.jobs(limit=30, queue=dice.choice(NAMES)),
            inspect.queues,
            inspect.workers,
            inspect.stats,
            self._pause,
            self._pause,
            self._resume,
            self._resume,
            self._resume,
        )
        with suppress(jobkit.JobNotFound, jobkit.JobRunning, jobkit.WrongState, jobkit.Duplicate):
            dice.choice(deeds)()

    def _end_one_that_runs(self) -> None:
        """Cancel or delete a job that takes long, so that its handler has to hear of it."""
        for job_type in (jt.Slow, jt.Waiting):
            for record in self._inspect.jobs(state="running", type=job_type, limit=3).items:
                if record.payload is not None and record.payload.seconds > 1:
                    self._dice.choice((self._inspect.cancel, self._inspect.delete))(record.id)

    def _pause(self) -> None:
        dice = self._dice
        queue, job_type = dice.choice((None, *NAMES)), dice.choice((None, *jt.TYPES))
        if queue is None and job_type is None:
            return
        self._inspect.pause(queue, job_type)
        self._paused.append((queue, job_type))

    def _resume(self) -> None:
        if self._paused:
            self._inspect.resume(*self._paused.pop(self._dice.randrange(len(self._paused))))

    # The hand that kills.

    def _kill(self) -> None:
        dice, crew = self._dice, self._crew
        victim = dice.choice(crew.living[1:])
        heirs = [member for member in crew.living if member is not victim]
        # By turns: a supervisor has it taken over, or nobody knows and the leases run out.
        crew.kill(victim, heir=None if crew.kills % 2 else dice.choice(heirs))
        crew.start()
        if dice.random() < 0.4:
            crew.stop(dice.choice(crew.living[1:]), dice.choice((0.0, 0.05, 1.0)))
            crew.start()
