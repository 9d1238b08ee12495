"""Schedules on a Redis that is full, or has lost everything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from jobkit import BackendUnavailable, Handlers, JobState
from jobkit.ids import tick_id
from jobkit.store import Fire, NewJob, NewSchedule, Page, PutSchedule, Schedules
from jobkit.worker.ticker import Ticker
from tests.e2e.backends import breaches, store_of
from tests.e2e.redis_backends import a_server, backends
from tests.e2e.waiting import eventually
from tests.servers import RedisServer

START = 1_893_456_000_000
HOUR = 3_600_000


@dataclass(frozen=True)
class Tick:
    n: int = 0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Give a server that the test may spoil."""
    with a_server() as server:
        yield server


def firing(tick: int) -> Fire:
    """Fire a tick of an hourly schedule."""
    job = NewJob(
        id=tick_id("s", "q", tick), queue="q", type="T", payload=b"{}", run_at=tick, schedule="s"
    )
    return Fire(queue="q", name="s", expected=tick, next=tick + HOUR, job=job)


def test_a_full_redis_moves_no_schedule_and_loses_no_tick(server: RedisServer) -> None:
    """B16, B39: refused as a whole, and fired when there is room."""
    with backends(server.url) as make:
        store = store_of(make())
        new = NewSchedule(name="s", queue="q", definition=b"d", grid="g", limit=1)
        store.run(PutSchedule(schedule=new, first=START), now=START - HOUR)
        server.ask("CONFIG SET maxmemory-policy noeviction", "CONFIG SET maxmemory 1")

        with pytest.raises(BackendUnavailable):
            store.run(firing(START), now=START)
        with pytest.raises(BackendUnavailable):
            store.run(PutSchedule(schedule=new, first=START), now=START)

        [kept] = store.run(Schedules(queue="q"), now=START).schedules
        assert (kept.tick, kept.unfinished, kept.last_job) == (START, 0, None)
        assert store.run(Page(queue="q", state=JobState.QUEUED), now=START).jobs == ()
        server.ask("CONFIG SET maxmemory 0")
        assert store.run(firing(START), now=START) == "fired"
        assert store.audit("q") == []


def test_declared_schedules_are_put_again_where_everything_was_lost(server: RedisServer) -> None:
    """B19, B39: the worker tells the store, which does not know its owner, and puts them."""
    handlers = Handlers()
    handlers.schedule(timedelta(hours=1), Tick(), name="declared")
    with backends(server.url) as make:
        jobs = make(handlers=handlers)
        jobs.start()
        eventually(jobs.inspect.schedules)
        ticker = cast("Ticker", vars(jobs.worker)["_ticker"])
        state: dict[str, Any] = vars(ticker)

        server.ask("FLUSHALL")
        state["_next_declaration"] = 0.0  # a minute has passed
        cast("threading.Event", state["_wake"]).set()

        eventually(jobs.inspect.schedules)
        assert breaches(jobs) == []
