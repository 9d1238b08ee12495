"""The store on a cluster for coroutines: the same routes, on all nodes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobkit.errors import BackendUnavailable, NotSupported
from jobkit.record import JobState
from jobkit.redis.cluster import AsyncClusterStore, ClusterStore, cluster_address_of
from jobkit.store import Queues
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import QUEUE, a_job, succeed
from tests.clusters import RedisCluster
from tests.servers import HOST, free_port

TARGETS = ("mail", "reports", "billing")


@pytest.fixture
def benches(redis_cluster: RedisCluster, namespace: str) -> tuple[Bench, AsyncClusterStore]:
    """Give a bench to look with, and the store to be tested, on the same jobs."""
    address = cluster_address_of(redis_cluster.url, reply_timeout=5)
    assert address is not None
    space = f"{namespace}-aio"
    return Bench(ClusterStore(address, namespace=space)), AsyncClusterStore(
        address, namespace=space
    )


def awaited(store: AsyncClusterStore, use: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine on a loop of its own, and close the store on that."""

    async def use_and_close() -> Any:
        try:
            return await use()
        finally:
            await store.close()

    return asyncio.run(use_and_close())


def test_pushes_to_all_nodes_at_once(benches: tuple[Bench, AsyncClusterStore]) -> None:
    """B4, B43: each on the node of its queue, and listed."""
    bench, store = benches
    pushes = [
        bench.pushing(a_job(queue=queue), channel=f"{queue}-{number}")
        for queue in TARGETS
        for number in range(5)
    ]

    async def push() -> None:
        await asyncio.gather(*(store.run(each, now=bench.now) for each in pushes))

    awaited(store, push)

    assert [bench.count(queue).queued for queue in TARGETS] == [{"A": 5}] * 3
    assert bench.run(Queues()) == tuple(sorted(TARGETS))
    bench.store.close()


def test_children_are_forwarded_before_a_settlement_returns(
    benches: tuple[Bench, AsyncClusterStore],
) -> None:
    """B41: once, also if it is sent again."""
    bench, store = benches
    bench.push(a_job())
    ann = bench.worker()
    children = tuple(bench.named(a_job("B", queue=queue)) for queue in (QUEUE, *TARGETS))
    settle = ann.settling(succeed(ann.take_one(), children=children))

    async def settle_twice() -> list[Any]:
        return [await store.run(settle, now=bench.now) for _ in range(2)]

    for [settled] in awaited(store, settle_twice):
        assert settled.state is JobState.SUCCEEDED
    assert [bench.count(queue).queued for queue in (QUEUE, *TARGETS)] == [{"B": 1}] * 4
    assert bench.breaches() == []
    bench.store.close()


def test_each_loop_has_connections_of_its_own(benches: tuple[Bench, AsyncClusterStore]) -> None:
    """B5: and what was learnt of the cluster is kept."""
    bench, store = benches

    for _ in range(2):
        assert awaited(store, lambda: store.run(Queues())) == ()
    bench.store.close()


def test_a_push_over_several_queues_is_refused(benches: tuple[Bench, AsyncClusterStore]) -> None:
    """B57"""
    bench, store = benches
    push = bench.pushing(a_job(queue="mail"), a_job(queue="reports"))

    with pytest.raises(NotSupported, match="several queues"):
        awaited(store, lambda: store.run(push))
    bench.store.close()


def test_a_cluster_that_is_away_stored_nothing() -> None:
    """B39"""
    address = cluster_address_of(f"redis+cluster://{HOST}:{free_port()}", reply_timeout=1)
    assert address is not None
    store = AsyncClusterStore(address)

    with pytest.raises(BackendUnavailable, match="cannot reach") as caught:
        awaited(store, lambda: store.run(Queues()))

    assert caught.value.stored == "no"
