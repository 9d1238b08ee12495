"""A worker on a Redis Cluster: queues on several nodes, children over them, and nodes that go."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
import redis.cluster

from jobkit import BackendUnavailable, JobContext, JobState, PartialPublish, RedisJobs
from jobkit.redis.cluster.slots import slot_of
from jobkit.redis.keys import queue_prefix
from jobkit.worker import WorkingJobs
from tests.clusters import ClusterNode, RedisCluster
from tests.e2e.backends import MakeJobs, breaches, store_of
from tests.e2e.conftest import kept
from tests.e2e.handling import calling, collecting, do_nothing
from tests.e2e.jobtypes import Ping, Pong
from tests.e2e.redis_backends import BINARIES
from tests.e2e.waiting import eventually, heard, seconds_of, seconds_until
from tests.servers import wait_until

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def make(redis_cluster: RedisCluster, namespace: str) -> Iterator[MakeJobs]:
    """Make backends that share a namespace on the cluster of all tests."""
    with kept(partial(RedisJobs, redis_cluster.url, namespace=f"{namespace}-e2e")) as make_jobs:
        yield make_jobs


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[RedisCluster]:
    """Start a cluster with replicas that tests here may damage and have to mend."""
    with RedisCluster(BINARIES[-1], "--appendonly", "yes", replicas=True) as cluster:
        yield cluster


@pytest.fixture
def make_own(own_cluster: RedisCluster, namespace: str) -> Iterator[MakeJobs]:
    """Make backends on it."""
    with kept(partial(RedisJobs, own_cluster.url, namespace=f"{namespace}-own")) as make_jobs:
        yield make_jobs


def queues_of(jobs: WorkingJobs, cluster: RedisCluster) -> dict[ClusterNode, str]:
    """Name a queue for each node."""
    namespace = cast(Any, store_of(jobs))._dispatcher.namespace
    found: dict[ClusterNode, str] = {}
    for name in map(str, range(99)):
        slot = slot_of(queue_prefix(namespace, name))
        found.setdefault(cluster.master_of(slot), name)
    assert len(found) == len(cluster.masters)
    return found


def test_a_worker_drains_queues_on_all_nodes(make: MakeJobs, redis_cluster: RedisCluster) -> None:
    """B11, B53: and it stops when nothing is left."""
    jobs = make()
    queues = list(queues_of(jobs, redis_cluster).values())
    numbers: list[int] = []
    jobs.register(collecting(numbers), job=Ping)
    for at, queue in enumerate(queues):
        jobs.enqueue_many((Ping(100 * at + n) for n in range(100)), queue=queue)

    jobs.start(queues=queues)
    report = jobs.drain(timeout=MINUTE)

    assert report.succeeded == 300
    assert sorted(numbers) == list(range(300))


def test_an_idle_worker_is_woken_by_a_push_to_any_node(
    make: MakeJobs, redis_cluster: RedisCluster
) -> None:
    """B13: by a hint, long before it would look by itself."""
    jobs = make()
    queues = list(queues_of(jobs, redis_cluster).values())
    numbers: list[int] = []
    jobs.register(collecting(numbers), job=Ping)
    jobs.start(queues=queues, poll=MINUTE)
    jobs.drain(timeout=MINUTE)

    taken: list[float] = []
    for number in range(12):
        jobs.enqueue(Ping(number), queue=queues[number % 3])
        taken.append(seconds_until(partial(numbers.__contains__, number)))

    assert max(taken) < 10


def test_what_a_handler_enqueues_anywhere_is_there_when_it_has_succeeded(
    make: MakeJobs, redis_cluster: RedisCluster
) -> None:
    """B41: in its own queue and in those of other nodes, once each."""
    jobs = make()
    queues = list(queues_of(jobs, redis_cluster).values())
    ran: Counter[tuple[str, int]] = Counter()

    def fan_out(job: Ping, ctx: JobContext) -> None:
        for queue in queues:
            ctx.enqueue(Pong(job.n), queue=queue)

    def count(job: Pong, ctx: JobContext) -> None:
        ran[ctx.queue, job.n] += 1

    jobs.register(fan_out)
    jobs.register(count)
    jobs.enqueue_many((Ping(n) for n in range(50)), queue=queues[0])

    jobs.start(queues=queues)
    jobs.drain(timeout=MINUTE)

    assert ran == {(queue, n): 1 for queue in queues for n in range(50)}


def test_coroutines_use_the_cluster_too(make: MakeJobs, redis_cluster: RedisCluster) -> None:
    """B5, B40"""
    jobs = make()
    queues = list(queues_of(jobs, redis_cluster).values())
    jobs.register(do_nothing, job=Ping)
    jobs.start(queues=queues)

    async def enqueue() -> list[JobState]:
        async with jobs.aio.transaction() as tx:
            handles = [await tx.enqueue(Ping(n), queue=queues[n % 3]) for n in range(6)]
        states = [(await handle.wait(MINUTE)).state for handle in handles]
        await jobs.aio.close()
        return states

    assert asyncio.run(enqueue()) == [JobState.SUCCEEDED] * 6


def test_the_settings_of_a_cluster_s_client_are_taken_over(
    redis_cluster: RedisCluster, namespace: str
) -> None:
    """B5"""
    node = redis_cluster.masters[1]
    client = redis.cluster.RedisCluster(host="127.0.0.1", port=node.port)
    with RedisJobs(client, namespace=f"{namespace}-client") as jobs:
        for queue in queues_of(jobs, redis_cluster).values():
            assert jobs.enqueue(Ping(1), queue=queue).record().payload == Ping(1)
    client.close()


def test_a_server_that_is_no_cluster_is_named(redis_server: Any) -> None:
    """B57"""
    with (
        RedisJobs(f"redis+cluster://127.0.0.1:{redis_server.port}") as jobs,
        pytest.raises(BackendUnavailable, match="cluster support disabled"),
    ):
        jobs.enqueue(Ping())


def test_one_node_goes_and_comes_back(make_own: MakeJobs, own_cluster: RedisCluster) -> None:
    """B39, B40: a batch says what was stored; the other nodes' queues are served; all is run."""
    jobs = make_own(enqueue_timeout=timedelta(milliseconds=300))
    queues = queues_of(jobs, own_cluster)
    *alive, gone = list(queues)
    numbers: list[int] = []
    jobs.register(collecting(numbers), job=Ping)
    jobs.start(queues=list(queues.values()))
    jobs.drain(timeout=MINUTE)
    gone.kill()

    with pytest.raises(PartialPublish) as caught:
        enqueue_in_each(jobs, [queues[node] for node in (*alive, gone)])
    eventually(lambda: sorted(numbers) == [2, 3])
    jobs.enqueue_many((Ping(n) for n in range(10, 50)), queue=queues[alive[0]])
    eventually(lambda: len(numbers) == 42)
    gone.restart()
    own_cluster.wait_until_whole()
    back = jobs.enqueue(Ping(1), queue=queues[gone])

    assert [handle.queue for handle in caught.value.stored] == [queues[node] for node in alive]
    assert back.wait(MINUTE).state is JobState.SUCCEEDED
    eventually(lambda: breaches(jobs) == [])


def enqueue_in_each(jobs: WorkingJobs, queues: list[str]) -> None:
    """Enqueue Ping(2), Ping(3) and so on, one for each queue, in one transaction."""
    with jobs.transaction() as tx:
        for n, queue in enumerate(queues):
            tx.enqueue(Ping(2 + n), queue=queue)


def test_a_worker_follows_a_failover(make_own: MakeJobs, own_cluster: RedisCluster) -> None:
    """B39: the replica becomes the primary while jobs run."""
    jobs = make_own()
    queues = queues_of(jobs, own_cluster)
    master = own_cluster.masters[0]
    replica = own_cluster.replicas[0]
    numbers: list[int] = []
    jobs.register(collecting(numbers), job=Ping)
    jobs.start(queues=list(queues.values()))

    jobs.enqueue_many((Ping(n) for n in range(100)), queue=queues[master])
    take_over(replica, "CLUSTER FAILOVER")
    jobs.enqueue_many((Ping(n) for n in range(100, 200)), queue=queues[master])

    eventually(lambda: sorted(numbers) == list(range(200)))
    jobs.shutdown()
    # A vote for a way back would take its time; and nothing is written now.
    take_over(master, "CLUSTER FAILOVER TAKEOVER")
    own_cluster.wait_until_whole()


def take_over(node: ClusterNode, how: str) -> None:
    """Let a replica and its primary change places."""
    wait_until("link to a primary", lambda: "master_link_status:up" in node.ask("INFO replication"))
    node.ask(how)
    wait_until("new primary", lambda: "role:master" in node.ask("INFO replication"))


def test_a_queue_whose_slot_is_being_moved_stands_still(
    make_own: MakeJobs, own_cluster: RedisCluster
) -> None:
    """B23, B39: nothing sees half of it; the job that waited runs at the new node."""
    jobs = make_own(enqueue_timeout=timedelta(milliseconds=200))
    queues = queues_of(jobs, own_cluster)
    here, there = own_cluster.masters[1], own_cluster.masters[2]
    queue = queues[here]
    slot = slot_of(queue_prefix(cast(Any, store_of(jobs))._dispatcher.namespace, queue))
    first = jobs.enqueue(Ping(1), queue=queue)
    there.ask(f"CLUSTER SETSLOT {slot} IMPORTING {here.id}")
    here.ask(f"CLUSTER SETSLOT {slot} MIGRATING {there.id}")

    with pytest.raises(BackendUnavailable, match="stand still") as caught:
        jobs.enqueue(Ping(2), queue=queue)
    move_keys(here, there, slot)
    after = jobs.enqueue(Ping(3), queue=queue)

    assert caught.value.stored == "no"
    assert [first.record().payload, after.record().payload] == [Ping(1), Ping(3)]
    assert breaches(jobs) == []
    there.ask(f"CLUSTER SETSLOT {slot} MIGRATING {here.id}")
    here.ask(f"CLUSTER SETSLOT {slot} IMPORTING {there.id}")
    move_keys(there, here, slot)


def move_keys(here: ClusterNode, there: ClusterNode, slot: int) -> None:
    """Move what is in a slot, and then the slot."""
    names = here.ask(f"CLUSTER GETKEYSINSLOT {slot} 1000").split("\r\n")[2::2]
    for name in names:
        if name.startswith("{"):
            here.ask(f'MIGRATE 127.0.0.1 {there.port} "{name}" 0 5000')
    for node in (there, here):
        node.ask(f"CLUSTER SETSLOT {slot} NODE {there.id}")


def test_a_shutdown_does_not_wait_for_a_node_that_is_away(
    make_own: MakeJobs, own_cluster: RedisCluster
) -> None:
    """B39, B52"""
    jobs = make_own()
    queues = queues_of(jobs, own_cluster)
    ran = threading.Event()
    jobs.register(calling(lambda job: ran.set()), job=Ping)
    jobs.start(queues=list(queues.values()))
    jobs.drain(timeout=MINUTE)
    *alive, gone = list(queues)
    gone.kill()
    jobs.enqueue(Ping(), queue=queues[alive[0]])
    heard(ran)

    taken = seconds_of(lambda: jobs.shutdown(timeout=SECOND))
    gone.restart()
    own_cluster.wait_until_whole()

    assert taken < 15
