"""Redis servers of one test alone, and backends on them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest

from jobkit import RedisJobs
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.servers import RedisServer, find_servers

BINARIES = find_servers()
# Runs a test that has a `server` of its own once on each version of this machine.
each_version = pytest.mark.parametrize("server", BINARIES, ids=lambda b: b.label, indirect=True)


def a_server(*options: str) -> RedisServer:
    """Return a server of the newest version, to be entered."""
    return RedisServer(BINARIES[-1], *options)


@contextmanager
def backends(url: str) -> Generator[MakeJobs]:
    """Give what makes backends on a server; they are stopped at the end."""
    with ExitStack() as stack:

        def make(**options: Any) -> WorkingJobs:
            jobs = RedisJobs(url, **options)
            stack.callback(jobs.close)
            stack.callback(jobs.shutdown, timeout=timedelta(0))
            return jobs

        yield make
