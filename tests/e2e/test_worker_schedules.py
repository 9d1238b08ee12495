"""Schedules fired by real workers: in time, once, and by whoever is there."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from jobkit import Handlers, JobContext, MemoryJobs, ScheduleInfo
from jobkit.engine import drive
from jobkit.worker import WorkingJobs
from jobkit.worker.ticker import Ticker
from jobkit_testing import VirtualClock
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.waiting import Gate, eventually

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
START = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Tick:
    n: int = 0


class Seen:
    """Notes which job was run for which tick."""

    def __init__(self) -> None:
        self.runs: list[tuple[datetime, str]] = []
        self._lock = threading.Lock()

    def handle(self, job: Tick, ctx: JobContext) -> None:
        with self._lock:
            self.runs.append((ctx.run_at, ctx.id))

    @property
    def times(self) -> list[datetime]:
        return [at for at, _ in list(self.runs)]


class Soon:
    """Ticks at each whole second, as cron does."""

    name = "soon"

    def next_after(self, instant: datetime, /) -> datetime | None:
        return instant.replace(microsecond=0) + SECOND


def only(jobs: WorkingJobs) -> ScheduleInfo[Any]:
    """Return the one schedule that there is."""
    [info] = jobs.inspect.schedules()
    return info


def test_a_worker_that_sleeps_wakes_for_a_tick_and_for_a_new_schedule(jobs: WorkingJobs) -> None:
    """B13, B16: exactly then, not with the next poll."""
    seen = Seen()
    jobs.register(seen.handle)
    jobs.start(poll=timedelta(minutes=5))
    eventually(lambda: jobs.worker is not None and jobs.worker.wait_for_store(0))

    jobs.schedule("* * * * * *", Tick())

    eventually(lambda: len(seen.runs) >= 2)
    first, second = (jobs.inspect.get(job_id) for _, job_id in seen.runs[:2])
    assert second.run_at - first.run_at == SECOND
    assert second.started_at is not None
    assert second.started_at - second.run_at < SECOND
    assert second.enqueued_at >= second.run_at


def test_a_declared_schedule_is_put_by_the_worker(make_jobs: MakeJobs) -> None:
    """B19: at its start, and when more is declared while it runs; a producer puts nothing."""
    handlers = Handlers(name="reports")
    handlers.schedule("* * * * * *", Tick(), name="declared")
    seen = Seen()
    handlers.register(seen.handle)
    jobs = make_jobs(handlers=handlers)
    assert jobs.inspect.schedules() == []

    jobs.start()
    eventually(lambda: seen.runs)
    assert only(jobs).owner == "reports"
    handlers.schedule(HOUR, Tick(1), name="late")

    eventually(lambda: len(jobs.inspect.schedules()) == 2)


def test_two_workers_make_one_job_of_each_tick(redis_make: MakeJobs) -> None:
    """B16: both are there, either may fire it."""
    seen = Seen()
    crew = [redis_make(), redis_make()]
    for jobs in crew:
        jobs.register(seen.handle)
        jobs.start()
    crew[0].schedule("* * * * * *", Tick())

    eventually(lambda: len(seen.runs) >= 3)

    assert set(Counter(seen.times).values()) == {1}


def test_a_worker_whose_slots_are_all_busy_fires_ticks(jobs: WorkingJobs) -> None:
    """B18: they are not missed because handlers take long."""
    gate = Gate()

    @jobs.register
    def busy(job: Tick) -> None:
        gate.enter()

    jobs.start(concurrency=1)
    jobs.enqueue(Tick())
    eventually(lambda: gate.inside == 1)

    jobs.schedule("* * * * * *", Tick(1))

    eventually(lambda: only(jobs).unfinished >= 2)
    gate.open()


def test_a_worker_without_the_rule_leaves_the_schedule_to_one_that_has_it(
    make_jobs: MakeJobs,
) -> None:
    """B16: and is not kept from others by it."""
    knows = Handlers()
    rule = Soon()
    knows.rule(rule)
    jobs = make_jobs(handlers=knows)
    seen = Seen()
    jobs.register(seen.handle)
    jobs.schedule(rule, Tick())
    if isinstance(jobs, MemoryJobs):
        jobs.start()
        eventually(lambda: seen.runs)
        return
    other = make_jobs()
    other.register(seen.handle)
    other.start()
    other.schedule("* * * * * *", Tick(1), name="plain")
    eventually(lambda: len(seen.runs) >= 2)
    assert {info.name for info in other.inspect.schedules() if info.last_run} == {"plain"}

    jobs.start()

    eventually(lambda: all(info.last_run for info in jobs.inspect.schedules()))


def test_a_drain_takes_in_what_was_registered_while_the_worker_ran() -> None:
    """B53: it does not wait until the worker looks at its schedules, once a minute."""
    with MemoryJobs() as jobs:
        jobs.register(do_nothing, job=Ping)
        jobs.start(concurrency=1)
        jobs.enqueue(Ping()).wait(timeout=timedelta(seconds=20))

        jobs.register(do_nothing, job=Pong)
        pong = jobs.enqueue(Pong())
        jobs.drain(timeout=timedelta(seconds=20))

        assert pong.record().state == "succeeded"


def test_a_drain_runs_the_ticks_that_are_due() -> None:
    """B53: and does not wait for those to come."""
    clock = VirtualClock(START)
    seen = Seen()
    with MemoryJobs(clock=clock) as jobs:
        jobs.register(seen.handle)
        jobs.schedule(HOUR, Tick(), missed="all")
        assert jobs.drain().succeeded == 0

        clock.advance(3 * HOUR)
        report = jobs.drain()

        assert report.succeeded == 3
        assert sorted(seen.times) == [START + n * HOUR for n in (1, 2, 3)]


def test_what_is_declared_no_more_is_removed_after_ten_minutes() -> None:
    """B19: by a worker of the same owner; those of others and of calls stay."""
    clock = VirtualClock(START)
    old, new = Handlers(name="reports"), Handlers(name="reports")
    old.schedule(HOUR, Tick(1), name="kept")
    old.schedule(HOUR, Tick(2), name="left")
    new.schedule(HOUR, Tick(1), name="kept")
    new.register(Seen().handle)
    with MemoryJobs(clock=clock, handlers=new) as jobs:
        jobs.schedule(HOUR, Tick(3), name="called")
        declare(jobs, old)
        names = {info.name for info in jobs.inspect.schedules()}
        assert names == {"called", "kept", "left"}
        jobs.start()
        for _ in range(15):
            clock.advance(timedelta(minutes=1))
            turn(jobs, clock.monotonic())

        eventually(lambda: {i.name for i in jobs.inspect.schedules()} == {"called", "kept"})


def declare(jobs: WorkingJobs, handlers: Handlers) -> None:
    """Put what other handlers declare, as a worker of an older version did."""
    engine, send = vars(jobs)["_engine"], vars(jobs)["_sender"]
    for plan in handlers.contents.schedules.values():
        prepared = engine.scheduling.prepared(plan, owner=handlers.owner)
        drive(engine.scheduling.put(prepared), send)


def turn(jobs: WorkingJobs, now: float) -> None:
    """Let the ticker, which waits in real time, look at the clock again."""
    ticker = cast("Ticker", vars(jobs.worker)["_ticker"])
    wake: threading.Event = vars(ticker)["_wake"]
    wake.set()
    eventually(lambda: float(vars(ticker)["_next_declaration"]) > now)


def test_a_schedule_removed_by_hand_comes_back_with_the_next_worker(make_jobs: MakeJobs) -> None:
    """B19: what the code declares is so."""
    handlers = Handlers()
    handlers.schedule(HOUR, Tick(), name="declared")
    jobs = make_jobs(handlers=handlers)
    jobs.start()
    eventually(jobs.inspect.schedules)

    assert jobs.unschedule("declared") is True
    assert jobs.inspect.schedules() == []
    jobs.shutdown(timeout=timedelta(0))
    jobs.start()

    eventually(jobs.inspect.schedules)


def test_a_rule_that_hangs_holds_up_no_job() -> None:
    """B16: neither pump nor keeper run users' rules."""
    stuck, free = threading.Event(), threading.Event()

    class Hangs:
        name = "hangs"
        calls = 0

        def next_after(self, instant: datetime, /) -> datetime | None:
            self.calls += 1
            if self.calls > 1:
                stuck.set()
                free.wait(20)
            return instant.replace(microsecond=0) + SECOND

    handlers = Handlers()
    rule = Hangs()
    handlers.rule(rule)
    done = threading.Event()

    @handlers.register
    def handle(job: Tick) -> None:
        done.set()

    with MemoryJobs(handlers=handlers) as jobs:
        jobs.schedule(rule, Tick())
        jobs.start()
        assert stuck.wait(20)

        jobs.enqueue(Tick(1))

        assert done.wait(20)
        free.set()
