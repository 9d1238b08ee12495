"""What jobkit leaves in a Redis: names, tags, and nothing once the jobs are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any, cast

import pytest
import redis

from jobkit.record import JobState
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Delete, Queues
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import SECOND, a_job, bury, lanes, retry, succeed
from tests.servers import RedisServer

# Of a queue: its clock and its counters, and what was done at it.
FIXED = {"control", "minutes", "totals"}


@pytest.fixture
def client(redis_server: RedisServer) -> Any:
    """Give a bare client; its methods are untyped."""
    return cast(Any, redis.Redis.from_url(redis_server.url))  # pyright: ignore[reportUnknownMemberType]


@pytest.fixture
def a_bench(redis_server: RedisServer) -> Iterator[Callable[[str], Bench]]:
    """Give what makes a bench in a namespace."""
    address = address_of(redis_server.url)
    with ExitStack() as opened:

        def make(namespace: str) -> Bench:
            store = RedisStore(Connections(address), namespace=namespace)
            return opened.enter_context(closing(Bench(store)))

        yield make


def a_busy_queue(bench: Bench) -> list[str]:
    """Bring jobs into every state, and return their ids."""
    ids = list(bench.push(*[a_job("AB"[i % 2], priority=i) for i in range(6)]))
    ids += bench.push(a_job(delay=SECOND), a_job(retention=SECOND))
    ann = bench.worker("ann", lanes("A", "B"))
    jobs = ann.take(4)
    ann.settle(succeed(jobs[0], result=b"1"), retry(jobs[1], delay=SECOND), bury(jobs[2]))
    return ids


def keys_of(client: Any, namespace: str) -> set[str]:
    return {key.decode() for key in client.keys(f"*{namespace}*")}


def test_every_key_of_a_queue_carries_its_hash_tag(
    a_bench: Callable[[str], Bench], client: Any, namespace: str
) -> None:
    """B54: one slot for a queue; the set of queue names stands outside."""
    a_busy_queue(a_bench(namespace))

    keys = keys_of(client, namespace)

    assert f"{namespace}:queues" in keys
    strangers = {key for key in keys if not key.startswith(f"{{{namespace}:q.0}}:")}
    assert strangers == {f"{namespace}:queues"}


def test_namespaces_share_nothing(a_bench: Callable[[str], Bench], namespace: str) -> None:
    """B54: not even the names of their queues."""
    one, other = a_bench(namespace), a_bench(f"{namespace}-b")
    ids = a_busy_queue(one)

    taken = other.worker("ann", lanes("A", "B")).take(9)

    assert taken == []
    assert all(other.find(job_id) is None for job_id in ids)
    assert one.run(Queues()) == ("q",)


def test_nothing_is_left_when_everything_is_deleted(
    a_bench: Callable[[str], Bench], client: Any, namespace: str
) -> None:
    """B46, B54: a fixed handful of keys, however many jobs there were."""
    bench = a_bench(namespace)
    for job_id in a_busy_queue(bench):
        bench.run(Delete(queue="q", id=job_id))
    bench.worker("ann").leave()

    left = {key.partition("}:")[2] for key in keys_of(client, namespace) if key.startswith("{")}

    assert {name for name in left if not name.startswith("push:")} == FIXED
    assert all(bench.ids(state) == set() for state in JobState)
