"""Replies that never arrive, arrive late, or are other than asked for."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest

from jobkit import BackendUnavailable, JobContext, JobState, NotSupported, RedisJobs
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.server import Server
from jobkit.redis.store import RedisStore
from jobkit.store import Count, Delete, Get, Operation, begin
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs, breaches, store_of
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Mailed, Ping, Pong
from tests.e2e.proxy import Proxy
from tests.e2e.redis_backends import a_server, backends
from tests.e2e.waiting import Gate, eventually
from tests.servers import RedisServer

MINUTE = timedelta(minutes=1)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Start a server of this test's own."""
    with a_server() as running:
        yield running


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    """Stand between the server and its clients."""
    with Proxy(server) as between:
        yield between


@pytest.fixture
def far(proxy: Proxy) -> Iterator[MakeJobs]:
    """Make backends behind the proxy."""
    with backends(proxy.url) as make:
        yield make


@pytest.fixture
def near(server: RedisServer) -> Iterator[MakeJobs]:
    """Make backends that see the server as it is."""
    with backends(server.url) as make:
        yield make


class Unknown(Operation[None], frozen=True, kw_only=True):
    """An operation that no store has heard of."""


class Counting:
    """A handler that counts the runs of each job."""

    def __init__(self, jobs: WorkingJobs) -> None:
        self._lock = threading.Lock()
        self.runs = Counter[int]()
        jobs.register(self.run, job=Ping)

    def run(self, job: Ping) -> int:
        with self._lock:
            self.runs[job.n] += 1
        return job.n


@pytest.mark.parametrize("how", ["one", "many", "chunks", "transaction"])
def test_an_enqueue_whose_reply_is_lost_stores_once(
    proxy: Proxy, far: MakeJobs, near: MakeJobs, how: str
) -> None:
    """B6: the client replays by itself."""
    producer, worker = far(), near()
    counting = Counting(worker)
    producer.enqueue(Ping(0))

    proxy.lose_reply("push", times=2)
    if how == "one":
        ids = [producer.enqueue(Ping(1)).id]
    elif how == "many":
        ids = [handle.id for handle in producer.enqueue_many([Ping(1), Ping(2), Ping(3)])]
    elif how == "chunks":
        ids = [handle.id for handle in producer.enqueue_many(map(Ping, range(1, 8)), chunk=2)]
    else:
        with producer.transaction() as tx:
            held = [tx.enqueue(Ping(1)), tx.enqueue(Mailed())]
        ids = [handle.id for handle in held]
    proxy.wait_for_loss()
    proxy.wait_for_loss()
    worker.drain(timeout=MINUTE)

    assert set(counting.runs.values()) == {1}
    assert all(worker.inspect.get(job_id) for job_id in ids)


def test_a_coroutine_whose_reply_is_lost_stores_once(
    proxy: Proxy, far: MakeJobs, near: MakeJobs
) -> None:
    """B6"""
    producer, worker = far(), near()
    counting = Counting(worker)

    async def main() -> None:
        async with producer.aio as aio:
            await aio.enqueue(Ping(0))
            proxy.lose_reply("push", times=2)
            await aio.enqueue(Ping(1))
            await aio.enqueue_many([Ping(2), Ping(3)])
            proxy.lose_reply("push", times=2)
            await aio.enqueue_many(map(Ping, range(4, 11)), chunk=2)

    asyncio.run(main())
    worker.drain(timeout=MINUTE)

    assert counting.runs == dict.fromkeys(range(11), 1)


def test_a_replayed_push_stores_nothing_though_its_job_is_gone(
    proxy: Proxy, far: MakeJobs, near: MakeJobs
) -> None:
    """B6: also after it was deleted."""
    producer, other = far(enqueue_timeout=timedelta(seconds=20)), near()
    producer.enqueue(Ping(0))
    handles: list[str] = []

    proxy.lose_reply("push")
    proxy.delay(0.3)  # the replay comes after the delete
    thread = threading.Thread(target=lambda: handles.append(producer.enqueue(Ping(1)).id))
    thread.start()
    proxy.wait_for_loss()
    other.register(do_nothing, job=Ping)
    ran = other.drain(timeout=MINUTE).ran
    for record in ran:
        other.inspect.delete(record.id)
    thread.join()
    proxy.delay(0)

    assert handles[0] in ran.ids
    assert not other.drain(timeout=MINUTE)


def test_a_claim_whose_reply_is_lost_loses_no_job(
    proxy: Proxy, far: MakeJobs, near: MakeJobs
) -> None:
    """B37, B39: the claim is sent again as it was, and gives the same jobs."""
    worker, producer = far(), near()
    counting = Counting(worker)
    worker.start(concurrency=5)
    producer.enqueue(Ping(100)).wait(MINUTE)

    proxy.lose_reply("claim", times=3)
    handles = producer.enqueue_many([Ping(n) for n in range(20)])
    records = [handle.wait(MINUTE) for handle in handles]

    assert counting.runs == {100: 1} | dict.fromkeys(range(20), 1)
    assert {(r.state, r.starts, r.losses) for r in records} == {(JobState.SUCCEEDED, 1, 0)}


def test_a_settlement_whose_reply_is_lost_counts_once(
    proxy: Proxy, far: MakeJobs, near: MakeJobs
) -> None:
    """B39, B41: children too are published once."""
    worker, producer = far(), near()
    counting, gate = Counting(worker), Gate()

    @worker.register
    def parent(job: Pong, ctx: JobContext) -> str:
        gate.enter()
        ctx.enqueue(Ping(job.n))
        return "result"

    worker.start(concurrency=5)
    producer.enqueue(Ping(100)).wait(MINUTE)
    handles = producer.enqueue_many([Pong(n) for n in range(5)])
    gate.wait_for(5)
    proxy.lose_reply("settle", times=3)
    gate.open()
    records = [handle.wait(MINUTE) for handle in handles]
    worker.drain(timeout=MINUTE)

    assert {(r.state, r.starts, r.result) for r in records} == {(JobState.SUCCEEDED, 1, "result")}
    assert counting.runs == {100: 1} | dict.fromkeys(range(5), 1)
    worker.shutdown()
    assert breaches(producer) == []


def test_heartbeats_whose_replies_are_lost_do_no_harm(
    proxy: Proxy, far: MakeJobs, near: MakeJobs
) -> None:
    """B37"""
    worker, producer = far(), near()
    gate = Gate()
    worker.register(gate.handle, job=Ping)
    worker.start(lease=timedelta(seconds=2))
    handle = producer.enqueue(Ping())
    gate.wait_for(1)

    proxy.lose_reply("heartbeat", times=2)
    proxy.wait_for_loss()
    proxy.wait_for_loss()
    gate.open()
    record = handle.wait(MINUTE)

    assert (record.state, record.starts, record.losses) == ("succeeded", 1, 0)


def test_connections_cut_all_the_time_lose_and_double_nothing(proxy: Proxy, far: MakeJobs) -> None:
    """B6, B39"""
    worker, producer = far(), far(enqueue_timeout=timedelta(seconds=20))
    counting = Counting(worker)
    worker.start(concurrency=4)
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.02):
            proxy.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    handles = [producer.enqueue(Ping(n)) for n in range(100)]
    stop.set()
    cutter.join()
    records = [handle.wait(MINUTE) for handle in handles]

    assert {record.state for record in records} == {JobState.SUCCEEDED}
    assert [record.result for record in records] == list(range(100))
    assert counting.runs == dict.fromkeys(range(100), 1)


def test_a_dead_link_is_left_for_a_new_one(proxy: Proxy, far: MakeJobs, near: MakeJobs) -> None:
    """B39: nothing comes and nothing is closed, as behind a firewall that forgot us."""
    worker, producer = far(enqueue_timeout=timedelta(seconds=1)), near()
    counting = Counting(worker)
    worker.start()
    producer.enqueue(Ping(0)).wait(MINUTE)

    proxy.hold()
    handle = producer.enqueue(Ping(1))
    eventually(lambda: worker.worker is not None and worker.worker.trouble)
    proxy.cut()
    proxy.release()

    assert handle.wait(MINUTE).state == "succeeded"
    assert counting.runs == {0: 1, 1: 1}


def test_a_slow_link_is_only_slow(proxy: Proxy, far: MakeJobs) -> None:
    """B39"""
    jobs = far()
    counting = Counting(jobs)
    proxy.delay(0.05)
    jobs.start(concurrency=20)

    records = [h.wait(MINUTE) for h in jobs.enqueue_many([Ping(n) for n in range(50)])]

    assert {(r.state, r.starts) for r in records} == {(JobState.SUCCEEDED, 1)}
    assert set(counting.runs.values()) == {1}


@pytest.mark.parametrize(
    "error",
    [
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "READONLY You can't write against a read only replica.",
        "UNBLOCKED force unblock from blocking operation, instance state changed",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "MISCONF Redis is configured to save RDB snapshots",
        "NOREPLICAS Not enough good replicas to write.",
        "ERR max number of clients reached",
    ],
    ids=lambda error: error.split()[0],
)
def test_what_passes_is_waited_for_and_nothing_is_in_doubt(
    proxy: Proxy, far: MakeJobs, error: str
) -> None:
    """B39"""
    patient = far(enqueue_timeout=timedelta(seconds=20))
    hasty = far(enqueue_timeout=timedelta(0))
    patient.enqueue(Ping(0))
    hasty.enqueue(Ping(0))

    proxy.answer(error, times=1)
    with pytest.raises(BackendUnavailable) as refusal:
        hasty.enqueue(Ping(1))
    proxy.answer(error, times=4)
    handle = patient.enqueue(Ping(2))

    assert refusal.value.stored == "no"
    assert refusal.value.passing
    assert proxy.answers_left == 0
    assert handle.record().state == "queued"


def test_coroutines_know_as_well_that_nothing_is_in_doubt(proxy: Proxy) -> None:
    """B39"""

    async def main() -> None:
        async with RedisJobs(proxy.url, enqueue_timeout=timedelta(0)).aio as jobs:
            await jobs.enqueue(Ping(0))
            proxy.answer("LOADING Redis is loading the dataset in memory", times=1)
            with pytest.raises(BackendUnavailable) as refusal:
                await jobs.enqueue(Ping(1))
            assert refusal.value.stored == "no"

    asyncio.run(main())


def test_a_worker_waits_while_redis_loads(proxy: Proxy, far: MakeJobs, near: MakeJobs) -> None:
    """B39: and nothing that it holds is lost, prefetched jobs included."""
    worker, producer = far(), near()
    gate = Gate()
    worker.register(gate.handle, job=Ping)
    handles = producer.enqueue_many([Ping(n) for n in range(8)])
    worker.start(concurrency=2, prefetch=3)
    gate.wait_for(2)

    proxy.answer("LOADING Redis is loading the dataset in memory", times=5)
    gate.open()
    records = [handle.wait(MINUTE) for handle in handles]

    assert {(r.state, r.starts, r.losses) for r in records} == {(JobState.SUCCEEDED, 1, 0)}
    assert gate.passed == 8


def test_what_was_sent_is_carried_out_while_nobody_waits_for_the_answer(near: MakeJobs) -> None:
    """So Redis works on what a worker sent while the worker does something else."""
    jobs, other = near(), near()
    stores = [cast(RedisStore, store_of(each)) for each in (jobs, other)]
    pushed = jobs.enqueue(Ping())

    answer = begin(stores[0], [Delete(queue="default", id=pushed.id), Unknown()], now=None)
    eventually(lambda: stores[1].run(Get(queue="default", id=pushed.id)) is None)
    was_deleted, refusal = answer.wait()

    assert was_deleted is True
    assert isinstance(refusal, NotSupported)
    assert begin(stores[0], [Unknown()], now=None).wait()[0].args == refusal.args


def test_an_answer_that_breaks_off_is_told_to_whoever_waits_for_it(
    far: MakeJobs, proxy: Proxy
) -> None:
    """B39: it is not known what was stored; the next request goes through."""
    jobs = far()
    store = cast(RedisStore, store_of(jobs))
    counting = Count(queue="default")
    assert store.run(counting).running == 0

    proxy.hold()
    answer = begin(store, [counting], now=None)
    proxy.cut()
    with pytest.raises(BackendUnavailable) as lost:
        answer.wait()

    assert lost.value.stored == "unknown"
    proxy.release()
    assert begin(store, [counting], now=None).wait()[0].now > 0


def test_what_is_heard_after_a_loss_brings_no_connection_back(server: RedisServer) -> None:
    """B39: its answer came in time, and the line broke then, with all the others."""
    losses: list[None] = []
    own = Server(Connections(address_of(server.url)), on_loss=lambda: losses.append(None))
    waiting = own.send([(b"BLPOP", b"nothing", b"0")])
    heard_late = own.send([(b"ECHO", b"here")])
    eventually(lambda: "cmdstat_echo" in server.ask("INFO commandstats"))

    server.ask("CLIENT KILL TYPE normal SKIPME yes")

    with pytest.raises(BackendUnavailable):
        waiting.replies()
    assert heard_late.replies() == [b"here"]
    assert not own.is_connected
    assert own.ask([(b"ECHO", b"again")]) == [b"again"]
    assert losses == [None]
    own.close()
