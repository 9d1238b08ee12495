"""Connections that were cut while they rested: a server with a `timeout`, a load balancer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobkit import RedisJobs
from jobkit.worker import WorkingJobs
from tests.clusters import RedisCluster
from tests.e2e.backends import MakeJobs, breaches
from tests.e2e.handling import collecting
from tests.e2e.jobtypes import Ping
from tests.e2e.redis_backends import backends
from tests.e2e.waiting import eventually
from tests.servers import RedisServer

NOW = timedelta(0)


@pytest.fixture(autouse=True)
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take each connection as one that has rested."""
    monkeypatch.setattr("jobkit.redis.server.RESTED", 0.0)


@pytest.fixture
def make(server: RedisServer) -> Iterator[MakeJobs]:
    """Make backends on a server of the test's own."""
    with backends(server.url) as make_jobs:
        yield make_jobs


def cut_idle(server: RedisServer) -> None:
    """End all connections on which nobody waits, and wait until they are gone."""
    idle = idle_clients(server)
    server.ask(*(f"CLIENT KILL ID {client}" for client in idle))
    eventually(lambda: not idle & idle_clients(server))


def idle_clients(server: RedisServer) -> set[str]:
    """Return the numbers of clients that are not blocked; it is not who asks that is meant."""
    answer = server.ask("CLIENT LIST TYPE normal")
    return set(re.findall(r"id=(\d+) .*flags=N .*cmd=(?!client)", answer))


def test_an_enqueue_takes_another_one(server: RedisServer, make: MakeJobs) -> None:
    """B39: not even one that does not repeat hears of it."""
    jobs = make(enqueue_timeout=NOW)
    jobs.enqueue(Ping(1))

    cut_idle(server)
    jobs.enqueue(Ping(2))
    cut_idle(server)
    jobs.enqueue_many([Ping(3), Ping(4)])
    cut_idle(server)
    with jobs.transaction() as tx:
        tx.enqueue(Ping(5))

    assert jobs.inspect.jobs().total == 5
    assert breaches(jobs) == []


def test_so_does_one_on_a_cluster(redis_cluster: RedisCluster, namespace: str) -> None:
    """B39"""

    def cut_everywhere() -> None:
        for node in redis_cluster.nodes:
            cut_idle(node)

    async def enqueue_on_loop(jobs: WorkingJobs) -> None:
        await jobs.aio.enqueue(Ping(3))
        await asyncio.to_thread(cut_everywhere)
        await jobs.aio.enqueue(Ping(4))
        await jobs.aio.close()

    with RedisJobs(redis_cluster.url, namespace=namespace, enqueue_timeout=NOW) as jobs:
        jobs.enqueue(Ping(1))
        cut_everywhere()
        jobs.enqueue(Ping(2))
        asyncio.run(enqueue_on_loop(jobs))

        assert jobs.inspect.jobs().total == 4


def test_a_worker_does_not_take_it_for_an_outage(
    server: RedisServer, make: MakeJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """B39: it neither pauses nor warns, on any of its connections."""
    numbers: list[int] = []
    jobs, producer = make(), make()
    jobs.register(collecting(numbers), job=Ping)
    jobs.start(lease=timedelta(minutes=5), poll=timedelta(minutes=1))
    jobs.drain()
    for first in range(0, 300, 100):
        cut_idle(server)
        producer.enqueue_many(map(Ping, range(first, first + 100)))
        jobs.drain()

    assert sorted(numbers) == list(range(300))
    assert [record.message for record in caplog.records] == []
    assert breaches(jobs) == []
