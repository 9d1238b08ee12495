"""Real backends with real workers, closed and audited after each test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import fakeredis
import pytest

from jobkit import MemoryJobs, RedisJobs
from jobkit.worker import WorkingJobs
from jobkit.worker.helm import Helm
from tests.clusters import RedisCluster
from tests.conftest import EVERYWHERE, SERVERS, RedisServers
from tests.e2e.apps.mailing import handlers
from tests.e2e.backends import MakeJobs, breaches
from tests.e2e.redis_backends import BINARIES as FOUND
from tests.e2e.redis_backends import backends
from tests.inner_runs import run
from tests.servers import RedisServer, ServerBinary

__all__ = ["run"]

ELSEWHERE = ["fakeredis", "cluster"] if EVERYWHERE else []


@contextmanager
def kept(make: Callable[..., WorkingJobs]) -> Generator[MakeJobs]:
    """Give what makes backends; stop, audit and close them in the end."""
    made: list[WorkingJobs] = []

    def make_and_keep(**options: Any) -> WorkingJobs:
        jobs = make(**options)
        made.append(jobs)
        return jobs

    yield make_and_keep
    for jobs in made:
        jobs.shutdown(timeout=timedelta(0))
    found = [breach for jobs in made for breach in breaches(jobs)]
    for jobs in made:
        jobs.close()
    assert found == []


@pytest.fixture
def redis_make(redis_server: RedisServer, namespace: str) -> Iterator[MakeJobs]:
    """Make backends that share one namespace on Redis."""
    with kept(partial(RedisJobs, redis_server.url, namespace=namespace)) as make:
        yield make


@pytest.fixture(params=["memory", *SERVERS, *ELSEWHERE])
def make_jobs(
    request: pytest.FixtureRequest, redis_servers: RedisServers, namespace: str
) -> Iterator[MakeJobs]:
    """Run the test on memory and on Redis; everywhere: on all servers, fakeredis, a cluster."""
    place = str(request.param)
    make: Callable[..., WorkingJobs] = MemoryJobs
    if place == "fakeredis":
        client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
        make = partial(RedisJobs, client, namespace=namespace)
    elif place != "memory":
        cluster: RedisCluster | None = None
        if place == "cluster":
            cluster = request.getfixturevalue("redis_cluster")
        url = redis_servers(place).url if cluster is None else cluster.url
        make = partial(RedisJobs, url, namespace=namespace)
    with kept(make) as made:
        yield made


@pytest.fixture
def jobs(make_jobs: MakeJobs) -> WorkingJobs:
    """Give one backend with its defaults."""
    return make_jobs()


@pytest.fixture
def cli_jobs(
    redis_server: RedisServer, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RedisJobs]:
    """Give the jobs that commands find: the environment says where they are, and of which app."""
    monkeypatch.setenv("JOBKIT_REDIS_URL", redis_server.url)
    monkeypatch.setenv("JOBKIT_NAMESPACE", namespace)
    monkeypatch.setenv("JOBKIT_APP", "tests.e2e.apps.mailing")
    with RedisJobs(redis_server.url, namespace=namespace, handlers=handlers) as jobs:
        yield jobs


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """Start a server for this test alone: the newest version, or each (`each_version`)."""
    binary: ServerBinary = getattr(request, "param", FOUND[-1])
    with RedisServer(binary) as running:
        yield running


@pytest.fixture
def make(server: RedisServer) -> Iterator[MakeJobs]:
    """Make backends on it."""
    with backends(server.url) as make_jobs:
        yield make_jobs


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pump run all jobs, as where they are quick: its mate never has to go on."""

    def always(helm: Helm) -> bool:
        return True

    def keep(helm: Helm, work: Callable[[], object]) -> bool:
        work()
        return True

    monkeypatch.setattr(Helm, "may_be_left", always)
    monkeypatch.setattr(Helm, "leave_for", keep)
