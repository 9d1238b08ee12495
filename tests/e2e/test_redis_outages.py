"""Redis goes away and comes back, while jobs wait and while they run."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from jobkit import BackendUnavailable, Hooks, JobState, RedisJobs
from jobkit.clock import SystemClock
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs, breaches
from tests.e2e.handling import do_nothing, looking, returning
from tests.e2e.jobtypes import Ping
from tests.e2e.waiting import Gate, eventually, seconds_of
from tests.servers import RedisServer, find_servers

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
BINARIES = find_servers()
# Not "everysec": while a disk is slow, that answers up to 2 s before it writes.
AOF = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Start a Redis that keeps what it is told."""
    with RedisServer(BINARIES[-1], *AOF) as running:
        yield running


@pytest.fixture
def make(server: RedisServer) -> Iterator[MakeJobs]:
    """Make backends on it, stopped at the end."""
    with ExitStack() as stack:

        def make_jobs(**options: Any) -> WorkingJobs:
            jobs = RedisJobs(server.url, **options)
            stack.callback(jobs.close)
            stack.callback(jobs.shutdown, timeout=timedelta(0))
            return jobs

        yield make_jobs


class Producer:
    """Enqueues in a thread, and keeps a ledger of what was acknowledged."""

    def __init__(self, jobs: WorkingJobs) -> None:
        self._jobs = jobs
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        self.unknown = 0
        self._thread = threading.Thread(target=self._produce)
        self._thread.start()

    def _produce(self) -> None:
        n = 0
        while not self._stop.is_set():
            n += 1
            try:
                if n % 5:
                    self.acknowledged.append(self._jobs.enqueue(Ping(n)).id)
                else:
                    batch = self._jobs.enqueue_many([Ping(n)] * 3)
                    self.acknowledged += [handle.id for handle in batch]
            except BackendUnavailable:
                self.unknown += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("binary", BINARIES, ids=lambda binary: binary.label)
def test_no_acknowledged_job_is_lost_when_redis_is_killed(binary: Any) -> None:
    """B39"""
    ran = Counter[str]()
    with RedisServer(binary, *AOF) as server, RedisJobs(server.url) as jobs:
        jobs.register(looking(lambda ctx: ran.update([ctx.id])), job=Ping)
        jobs.start(concurrency=1)
        producer = Producer(RedisJobs(server.url))

        for round_ in range(1, 4):
            eventually(lambda n=round_: len(ran) >= 100 * n)  # type: ignore[misc]
            server.kill()
            server.restart()
        producer.stop()
        jobs.drain(timeout=MINUTE)

        lost = [job_id for job_id in producer.acknowledged if not ran[job_id]]
        assert lost == []
        assert len(producer.acknowledged) >= 100
        states = Counter(jobs.inspect.get(job_id).state for job_id in producer.acknowledged)
        assert set(states) == {JobState.SUCCEEDED}
        jobs.shutdown()
        assert breaches(jobs) == []


def test_what_ends_during_an_outage_is_settled_after(server: RedisServer, make: MakeJobs) -> None:
    """B39"""
    gate, told = Gate(), list[tuple[str, str]]()
    jobs = make()
    jobs.register(gate.handle, job=Ping)
    jobs.hooks(Hooks(on_success=lambda record, attempt: told.append((record.id, record.state))))
    jobs.start(concurrency=5)
    handles = jobs.enqueue_many([Ping(n) for n in range(5)])
    gate.wait_for(5)

    server.kill()
    gate.open()
    eventually(lambda: gate.passed == 5)
    eventually(lambda: jobs.worker is not None and jobs.worker.trouble)
    server.restart()
    records = [handle.wait(MINUTE) for handle in handles]
    jobs.drain(timeout=MINUTE)

    assert [record.state for record in records] == ["succeeded"] * 5
    assert [record.result for record in records] == ["passed"] * 5
    assert [(record.starts, record.losses) for record in records] == [(1, 0)] * 5
    assert gate.passed == 5
    eventually(lambda: len(told) == 5)
    assert {job_id for job_id, _ in told} == {handle.id for handle in handles}


def test_jobs_longer_than_the_lease_run_once_through_an_outage(
    server: RedisServer, make: MakeJobs
) -> None:
    """B37, B39: after a silence nobody reclaims for one lease."""
    gate = Gate()
    crew = [make() for _ in range(3)]
    for jobs in crew:
        jobs.register(gate.handle, job=Ping)
        jobs.start(concurrency=4, lease=SECOND)
    handles = crew[0].enqueue_many([Ping(n) for n in range(6)])
    gate.wait_for(6)

    server.kill()
    threading.Event().wait(1.3)  # longer than the lease: every one of them has run out
    server.restart()
    for jobs in crew:
        eventually(lambda jobs=jobs: jobs.worker is not None and not jobs.worker.trouble)  # type: ignore[misc]
    threading.Event().wait(1.2)  # longer than the holiday
    gate.open()
    records = [handle.wait(MINUTE) for handle in handles]

    assert gate.most == 6
    assert gate.passed == 6
    assert [(r.state, r.starts, r.losses) for r in records] == [("succeeded", 1, 0)] * 6


def test_a_worker_goes_on_by_itself_after_an_outage(server: RedisServer, make: MakeJobs) -> None:
    """B39"""
    jobs, producer = make(), make()
    jobs.register(do_nothing, job=Ping)
    jobs.start(poll=timedelta(seconds=30))
    assert producer.enqueue(Ping()).wait(MINUTE).state == "succeeded"

    server.kill()
    eventually(lambda: jobs.worker is not None and jobs.worker.trouble)
    server.restart()
    handle = producer.enqueue(Ping())

    assert handle.wait(MINUTE).state == "succeeded"


def test_a_worker_that_starts_before_redis_begins_when_redis_is_there(
    server: RedisServer, make: MakeJobs
) -> None:
    """B39"""
    jobs = make()
    jobs.register(do_nothing, job=Ping)
    handle = jobs.enqueue(Ping())
    server.stop()

    jobs.start()
    worker = jobs.worker
    assert worker is not None
    assert not worker.wait_for_store(0.3)
    assert worker.trouble is not None
    assert worker.trouble.stored == "no"
    server.restart()

    assert worker.wait_for_store(20)
    assert handle.wait(MINUTE).state == "succeeded"


def test_an_enqueue_waits_for_redis_as_long_as_it_may(server: RedisServer, make: MakeJobs) -> None:
    """B39"""
    jobs = make(enqueue_timeout=timedelta(seconds=20))
    jobs.enqueue(Ping())
    server.kill()
    back = threading.Timer(0.5, server.restart)
    back.start()

    handle = jobs.enqueue(Ping(2))

    back.join()
    assert handle.record().state == "queued"


@pytest.mark.parametrize("how", ["sync", "async"])
def test_an_enqueue_gives_up_when_its_time_is_over(
    server: RedisServer, make: MakeJobs, how: str
) -> None:
    """B39"""
    jobs = make(enqueue_timeout=timedelta(milliseconds=300))
    jobs.enqueue(Ping())
    server.kill()
    clock = SystemClock()

    async def enqueue_async() -> None:
        try:
            await jobs.aio.enqueue(Ping())
        finally:
            await jobs.aio.close()

    enqueue: Callable[[], object] = lambda: jobs.enqueue(Ping())  # noqa: E731
    start = clock.monotonic()
    with pytest.raises(BackendUnavailable) as refusal:
        enqueue() if how == "sync" else asyncio.run(enqueue_async())
    took = clock.monotonic() - start

    # The first try finds a broken connection, the others none at all.
    assert refusal.value.stored in ("no", "unknown")
    assert str(server.port) in str(refusal.value)
    assert 0.05 < took < 3  # it does not begin a rest that would end too late


def test_a_producer_that_was_never_connected_knows_that_nothing_is_stored(
    server: RedisServer, make: MakeJobs
) -> None:
    """B39"""
    jobs = make(enqueue_timeout=timedelta(milliseconds=100))
    server.stop()

    with pytest.raises(BackendUnavailable, match="Is it running") as refusal:
        jobs.enqueue(Ping())

    assert refusal.value.stored == "no"


def test_a_shutdown_ends_while_redis_is_away_and_the_next_worker_finds_its_jobs(
    server: RedisServer, make: MakeJobs
) -> None:
    """B37, B39, B52"""
    first, second = make(), make()
    gate = Gate()
    first.register(gate.handle, job=Ping)
    first.start(lease=SECOND)
    handle = first.enqueue(Ping())
    gate.wait_for(1)
    server.kill()
    took = seconds_of(lambda: first.shutdown(timeout=timedelta(0)))
    server.restart()
    gate.open()

    second.register(returning("second"), job=Ping)
    second.start(lease=SECOND)
    record = handle.wait(MINUTE)

    assert took < 10
    assert record.state == "succeeded"
    assert record.result == "second"


def test_redis_that_lost_everything_is_served_again(make: MakeJobs, server: RedisServer) -> None:
    """B39: what Redis has not kept is lost; workers and producers go on."""
    jobs = make()
    jobs.register(do_nothing, job=Ping)
    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)

    server.ask("FLUSHALL")
    handle = jobs.enqueue(Ping())

    assert handle.wait(MINUTE).state == "succeeded"
    assert jobs.inspect.get(handle.id).state == "succeeded"


def test_what_was_claimed_ahead_runs_on_while_redis_is_away(
    server: RedisServer, make: MakeJobs
) -> None:
    """B13, B39: whoever is done passes the slot on; nobody waits for the store in between."""
    jobs, gate = make(), Gate()
    jobs.register(gate.handle, job=Ping)
    handles = jobs.enqueue_many([Ping(n) for n in range(6)])
    jobs.start(concurrency=2, prefetch=4)
    gate.wait_for(2)
    eventually(lambda: sum(handle.record().state == "running" for handle in handles) == 6)

    server.kill()
    gate.open()
    eventually(lambda: gate.passed == 6)
    server.restart()

    records = [handle.wait(MINUTE) for handle in handles]
    assert {(record.state, record.starts) for record in records} == {(JobState.SUCCEEDED, 1)}
    assert gate.most == 2
