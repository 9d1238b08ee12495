"""A primary that Sentinel names: the worker follows it, and so do threads and coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from jobkit import RedisJobs
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs, breaches
from tests.e2e.handling import collecting
from tests.e2e.jobtypes import Ping
from tests.e2e.redis_backends import BINARIES, backends
from tests.e2e.waiting import eventually
from tests.sentinels import PASSWORD, SentinelGroup


@pytest.fixture
def group() -> Iterator[SentinelGroup]:
    """Start a Sentinel, a primary and a replica."""
    with SentinelGroup(BINARIES[-1]) as running:
        yield running


@pytest.fixture
def make(group: SentinelGroup) -> Iterator[MakeJobs]:
    """Make backends on them, stopped at the end."""
    with backends(group.url) as make_jobs:
        yield make_jobs


def test_a_worker_follows_the_primary(group: SentinelGroup, make: MakeJobs) -> None:
    """B39: by itself, and hints too; every job runs once."""
    numbers: list[int] = []
    jobs = make()
    jobs.register(collecting(numbers), job=Ping)
    jobs.start(concurrency=2)
    jobs.enqueue_many(Ping(n) for n in range(20))
    eventually(lambda: len(numbers) == 20)

    group.fail_over()
    jobs.enqueue_many(Ping(n) for n in range(20, 40))

    eventually(lambda: len(numbers) == 40)
    assert sorted(numbers) == list(range(40))
    eventually(lambda: breaches(jobs) == [])


def test_a_demoted_primary_is_left_for_the_new_one(group: SentinelGroup) -> None:
    """B39: also if it stays up and keeps its connections."""
    with RedisJobs(group.url) as jobs:
        first = jobs.enqueue(Ping(1))
        group.fail_over()

        second = jobs.enqueue(Ping(2))

        assert first.record().payload == Ping(1)
        assert second.record().payload == Ping(2)


def test_coroutines_follow_the_primary(group: SentinelGroup) -> None:
    """B39"""

    async def enqueue_around_a_failover(jobs: WorkingJobs) -> list[object]:
        first = await jobs.aio.enqueue(Ping(1))
        await asyncio.to_thread(group.fail_over)
        second = await jobs.aio.enqueue(Ping(2))
        found: list[object] = [(await handle.record()).payload for handle in (first, second)]
        await jobs.aio.close()
        return found

    assert asyncio.run(enqueue_around_a_failover(RedisJobs(group.url))) == [Ping(1), Ping(2)]


def test_the_password_is_shown_nowhere(group: SentinelGroup) -> None:
    with RedisJobs(group.url) as jobs:
        assert PASSWORD not in repr(jobs)
