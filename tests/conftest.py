"""What every test may ask for: real Redis servers, and a namespace of its own on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import TypeAlias

import pytest

from tests.clusters import RedisCluster
from tests.servers import RedisServer, find_servers

RedisServers: TypeAlias = Callable[[str], RedisServer]

# Apps that e2e tests hand to a worker, and files for the type checkers: no tests, no doctests.
collect_ignore_glob = ["e2e/apps/*", "typing/bad.py", "typing/good.py"]

BINARIES = {binary.label: binary for binary in find_servers()}
NEWEST = list(BINARIES)[-1]

# `make test` runs whole workers on one server, `make test-all` on every server and the cluster.
EVERYWHERE = os.environ.get("JOBKIT_TEST") == "everywhere"
SERVERS = list(BINARIES) if EVERYWHERE else [NEWEST]

_numbers = count(1)


@pytest.fixture(scope="session")
def redis_servers() -> Iterator[RedisServers]:
    """Give the running server of a label ("redis-6.2"), started at the first request.

    Shared by all tests of this process: keep to your `namespace`, and never flush, configure or
    stop it. A test that does one of those starts a `RedisServer` for itself.
    """
    running: dict[str, RedisServer] = {}
    with ExitStack() as stack:

        def server(label: str) -> RedisServer:
            if label not in running:
                running[label] = stack.enter_context(RedisServer(BINARIES[label]))
            return running[label]

        yield server


@pytest.fixture(scope="session")
def redis_server(redis_servers: RedisServers) -> RedisServer:
    """Give a running server of the newest version."""
    return redis_servers(NEWEST)


@pytest.fixture(scope="session", params=list(BINARIES))
def each_redis_server(request: pytest.FixtureRequest, redis_servers: RedisServers) -> RedisServer:
    """Run the test once on each version that this machine has."""
    return redis_servers(str(request.param))


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """Give a running cluster of three masters of the newest version; shared like the servers."""
    with RedisCluster(BINARIES[NEWEST]) as cluster:
        yield cluster


@pytest.fixture
def namespace() -> str:
    """Give a namespace that no other test uses."""
    return f"test-{next(_numbers)}"
