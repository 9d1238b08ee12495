"""Redis is there and refuses, stalls, or forgets; workers and producers go on by themselves."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
from collections import Counter
from datetime import timedelta

import pytest

from jobkit import BackendUnavailable, JobContext, JobHandle, JobState
from jobkit.clock import SystemClock
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Get, NewJob, Order, Push, UseOrder
from tests.e2e.backends import MakeJobs, breaches
from tests.e2e.handling import calling, do_nothing
from tests.e2e.jobtypes import Alone, Flaky, Ping, Text
from tests.e2e.redis_backends import a_server, each_version
from tests.e2e.waiting import Gate, at_work, eventually, heard, in_trouble
from tests.servers import RedisServer

MINUTE = timedelta(minutes=1)


@each_version
def test_the_first_jobs_of_a_new_server_are_drained(make: MakeJobs) -> None:
    """B39, B53: no script is known, and none is carried out behind its turn."""
    jobs = make()
    jobs.register(do_nothing, job=Alone)
    jobs.enqueue_many([Alone(n) for n in range(10)])

    assert jobs.drain(timeout=MINUTE).succeeded == 10


@each_version
def test_scripts_may_be_flushed_at_any_time(server: RedisServer, make: MakeJobs) -> None:
    """B39"""
    jobs, producer = make(), make()
    seen = Counter[int]()
    jobs.register(calling(lambda job: seen.update([job.n])), job=Ping)
    jobs.start(concurrency=1)
    stop = threading.Event()

    def flush() -> None:
        while not stop.wait(0.005):
            server.ask("SCRIPT FLUSH")

    flusher = threading.Thread(target=flush)
    flusher.start()
    handles = [producer.enqueue(Ping(n)) for n in range(100)]
    records = [handle.wait(MINUTE) for handle in handles]
    stop.set()
    flusher.join()

    assert {record.state for record in records} == {JobState.SUCCEEDED}
    assert seen == dict.fromkeys(range(100), 1)
    assert at_work(jobs)


def test_connections_may_be_killed_at_any_time(server: RedisServer, make: MakeJobs) -> None:
    """B6, B39: each job runs, and each enqueue stores one."""
    jobs, producer = make(), make()
    lock = threading.Lock()
    seen = Counter[int]()

    @jobs.register
    def count(job: Ping) -> None:
        with lock:
            seen[job.n] += 1

    jobs.start(concurrency=4)
    stop = threading.Event()
    kills: list[str] = []

    def kill() -> None:
        while not stop.wait(0.03):
            kills.append(server.ask("CLIENT KILL TYPE normal SKIPME yes"))

    killer = threading.Thread(target=kill)
    killer.start()
    handles: list[JobHandle[Ping]] = []
    try:
        while len(kills) < 10:
            handles.append(producer.enqueue(Ping(len(handles))))
    finally:
        stop.set()
        killer.join()
    records = [handle.wait(MINUTE) for handle in handles]
    jobs.drain(timeout=MINUTE)

    assert {record.state for record in records} == {JobState.SUCCEEDED}
    assert seen == dict.fromkeys(range(len(handles)), 1)
    assert {record.losses for record in records} == {0}


def test_coroutines_that_share_round_trips_may_be_cut_off(
    server: RedisServer, make: MakeJobs
) -> None:
    """B6, B39: each enqueue stores one job, whoever it was sent along with."""
    jobs = make()
    seen = Counter[int]()
    jobs.register(calling(lambda job: seen.update([job.n])), job=Ping)
    numbers, sent, kills = itertools.count(), list[int](), list[str]()

    async def enqueue() -> None:
        while len(kills) < 5 or len(sent) < 200:
            number = next(numbers)
            await jobs.aio.enqueue(Ping(number))
            sent.append(number)

    async def kill() -> None:
        while len(kills) < 5:
            await asyncio.sleep(0.05)
            order = "CLIENT KILL TYPE normal SKIPME yes"
            kills.append(await asyncio.to_thread(server.ask, order))

    async def main() -> None:
        await asyncio.gather(kill(), *(enqueue() for _ in range(50)))
        await jobs.aio.close()

    asyncio.run(main())
    report = jobs.drain(timeout=MINUTE)

    assert report.succeeded == len(sent)
    assert seen == dict.fromkeys(sent, 1)


@each_version
def test_a_replica_is_waited_for(server: RedisServer, make: MakeJobs) -> None:
    """B39: READONLY"""
    gate = Gate()
    jobs, producer = make(), make(enqueue_timeout=timedelta(milliseconds=200))
    jobs.register(gate.handle, job=Ping)
    jobs.start()
    running = jobs.enqueue(Ping())
    gate.wait_for(1)

    with a_server() as master:
        # A replica that has lost its master keeps its data, and takes no writes.
        server.ask("CONFIG SET replica-serve-stale-data yes", f"REPLICAOF 127.0.0.1 {master.port}")
        master.kill()
        with pytest.raises(BackendUnavailable, match="READONLY") as refusal:
            producer.enqueue(Ping())
        gate.open()
        eventually(lambda: in_trouble(jobs))
        server.ask("REPLICAOF NO ONE")

    assert refusal.value.stored == "no"
    eventually(lambda: at_work(jobs))
    assert producer.enqueue(Ping()).wait(MINUTE).state == "succeeded"
    assert running.id


@each_version
def test_a_full_redis_refuses_new_jobs_and_finishes_old_ones(
    server: RedisServer, make: MakeJobs
) -> None:
    """B39: OOM"""
    gate = Gate()
    jobs, producer = make(), make()
    jobs.register(gate.handle, job=Ping)
    jobs.register(do_nothing, job=Text)

    @jobs.register
    def fail_once(job: Flaky) -> None:
        gate.enter()
        raise ValueError

    jobs.start(concurrency=20)
    running = [*jobs.enqueue_many([Ping(n) for n in range(5)])]
    failing = [*jobs.enqueue_many([Flaky(n) for n in range(5)], max_retries=0)]
    gate.wait_for(10)
    producer.enqueue(Text("warm"))
    waiting = jobs.enqueue_many([Ping(100 + n) for n in range(20)])
    server.ask("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1")

    clock = SystemClock()
    start = clock.monotonic()
    for enqueue in (producer.enqueue, jobs.enqueue):
        with pytest.raises(BackendUnavailable, match="is full") as refusal:
            enqueue(Text("x" * 1000))
        assert refusal.value.stored == "no"
    assert clock.monotonic() - start < 3  # at once: waiting does not help
    victim = waiting.pop()
    assert victim.cancel()
    gate.open()

    assert [h.wait(MINUTE).state for h in (*running, *waiting)] == [JobState.SUCCEEDED] * 24
    assert [h.wait(MINUTE).state for h in failing] == [JobState.DEAD] * 5
    assert {h.record().losses for h in running} == {0}
    server.ask("CONFIG SET maxmemory 0")
    assert producer.enqueue(Text("there is room")).wait(MINUTE).state == "succeeded"
    jobs.shutdown()
    assert breaches(jobs) == []


def test_a_running_job_is_cancelled_and_timed_out_while_redis_is_full(
    server: RedisServer, make: MakeJobs
) -> None:
    """B28, B39, B44"""
    gate = Gate()
    jobs = make()
    jobs.register(gate.handle, job=Ping)
    jobs.start(abandon_after=MINUTE)
    cancelled = jobs.enqueue(Ping(1))
    late = jobs.enqueue(Ping(2), timeout=timedelta(milliseconds=500), max_timeout_retries=0)
    gate.wait_for(2)
    server.ask("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1")

    assert cancelled.cancel()
    eventually(lambda: late.record().timed_out_at)
    gate.open()

    assert cancelled.wait(MINUTE).state == "cancelled"
    assert late.wait(MINUTE).state == "dead"


@pytest.mark.parametrize("order", ["run_at", "priority"])
def test_a_full_redis_refuses_a_push_that_changes_its_queue_s_order(
    server: RedisServer, order: Order
) -> None:
    """B10, B39: whichever order it is, nothing is written."""
    store = RedisStore(Connections(address_of(server.url)))
    before: Order = "priority" if order == "run_at" else "run_at"
    store.run(UseOrder(queue="mail", order=before))
    job = NewJob(id="0" * 26, queue="mail", type="A", payload=b"{}")
    push = Push(jobs=(job,), channel="c", request=1, orders={"mail": order})
    server.ask("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1")

    with pytest.raises(BackendUnavailable, match="is full"):
        store.run(push)

    server.ask("CONFIG SET maxmemory 0")
    assert store.run(Get(queue="mail", id=job.id)) is None
    assert store.run(push) == (job.id,)
    store.close()


def test_a_check_in_is_heard_while_redis_is_full(server: RedisServer, make: MakeJobs) -> None:
    """B29, B39: like the mark of a timeout, next to which it is kept."""
    jobs, full, seen, gate = make(), threading.Event(), threading.Event(), threading.Event()

    @jobs.register
    def tell(job: Ping, ctx: JobContext) -> None:
        gate.set()
        full.wait(20)
        ctx.checkin("half")
        seen.wait(20)

    jobs.start()
    handle = jobs.enqueue(Ping())
    heard(gate)
    server.ask("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1")
    full.set()

    eventually(lambda: handle.record().progress)
    seen.set()


def test_a_drain_that_runs_out_of_time_says_so_also_while_redis_is_away(
    server: RedisServer, make: MakeJobs
) -> None:
    """B39, B53"""
    jobs = make()
    jobs.register(do_nothing, job=Ping)
    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)
    server.kill()

    with pytest.raises(TimeoutError, match=r"drain: not done after .*(cannot reach|lost)"):
        jobs.drain(timeout=timedelta(milliseconds=200))


@each_version
def test_a_busy_redis_is_waited_for(server: RedisServer, make: MakeJobs) -> None:
    """B39: BUSY"""
    server.ask("CONFIG SET lua-time-limit 50")
    jobs, producer = make(), make(enqueue_timeout=timedelta(seconds=20))
    jobs.register(do_nothing, job=Ping)
    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)

    hog = threading.Thread(target=server.ask, args=('EVAL "while true do end" 0',))
    hog.start()
    eventually(lambda: "-BUSY" in server.ask("GET x"))
    done = list[JobState]()
    enqueuing = threading.Thread(
        target=lambda: done.append(producer.enqueue(Ping(2)).wait(MINUTE).state)
    )
    enqueuing.start()
    eventually(lambda: in_trouble(jobs))
    server.ask("SCRIPT KILL")
    hog.join()
    enqueuing.join()

    assert done == [JobState.SUCCEEDED]


def test_a_frozen_redis_is_waited_for(server: RedisServer, make: MakeJobs) -> None:
    """B39: it takes connections and answers nothing, as behind a dead link."""
    gate = Gate()
    jobs = make(enqueue_timeout=timedelta(seconds=1))  # and so no reply is waited for longer
    jobs.register(gate.handle, job=Ping)
    jobs.start()
    running = jobs.enqueue(Ping())
    gate.wait_for(1)

    os.kill(server.pid, signal.SIGSTOP)
    try:
        gate.open()
        eventually(lambda: in_trouble(jobs))
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert running.wait(MINUTE).state == "succeeded"
    assert running.record().starts == 1
    assert jobs.enqueue(Ping()).wait(MINUTE).state == "succeeded"


@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_an_enqueue_gives_up_on_a_frozen_redis_in_time(
    server: RedisServer, make: MakeJobs, seconds: float
) -> None:
    """B39: also while a reply is awaited."""
    jobs = make(enqueue_timeout=timedelta(seconds=seconds))
    jobs.enqueue(Ping())
    clock = SystemClock()

    os.kill(server.pid, signal.SIGSTOP)
    try:
        start = clock.monotonic()
        with pytest.raises(BackendUnavailable) as refusal:
            jobs.enqueue(Ping())
        took = clock.monotonic() - start
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert refusal.value.stored == "unknown"
    assert took < seconds + 2
