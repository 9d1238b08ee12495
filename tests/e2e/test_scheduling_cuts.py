"""A process that dies between any two steps: ticks and schedules are as if it had not been."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from jobkit.engine import Engine, drive
from jobkit.handlers import Handlers
from jobkit.ids import seeded_ids
from jobkit.memory.store import MemoryStore
from jobkit.record import JobState
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Count, Operation, Page, Queues, Schedules, Store, StoredJob
from tests.servers import RedisServer

START = 1_893_456_000_000
HOUR = 3_600_000


@dataclass(frozen=True)
class Report:
    day: str = "today"


class Died(BaseException):
    """The process is gone: nothing catches this."""


class Process:
    """One process at a store, which dies before or after its nth operation."""

    def __init__(self, store: Store, *, now: int, dies_at: int | None = None, after: bool = False):
        self.store = store
        self.now = now
        self.steps = 0
        self._dies_at = dies_at
        self._after = after
        self.engine = Engine(
            handlers=Handlers(),
            defaults=None,
            queues=None,
            new_ids=lambda: seeded_ids(lambda: now, 1),
            max_payload=None,
            version=None,
            durable=False,
        )

    def __call__(self, operation: Operation[Any]) -> Any:
        self.steps += 1
        is_last = self.steps == self._dies_at
        if is_last and not self._after:
            raise Died
        result = self.store.run(operation, now=self.now)
        if is_last:
            raise Died
        return result

    def schedule(self, **options: Any) -> None:
        """Put an hourly schedule."""
        scheduling = self.engine.scheduling
        prepared = scheduling.prepare(timedelta(hours=1), Report(), {"name": "s", **options})
        drive(scheduling.put(prepared), self)

    def fire(self, queue: str = "default") -> None:
        """Fire what is due."""
        drive(self.engine.scheduling.fire_due(queue), self)


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, namespace: str) -> Iterator[Store]:
    """Give a fresh store, and audit and close it at the end."""
    made: Store = MemoryStore()
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        made = RedisStore(Connections(address_of(server.url)), namespace=namespace)
    yield made
    assert [made.audit(queue) for queue in made.run(Queues())].count([]) == len(made.run(Queues()))
    made.close()


def cut(act: Callable[[Process], None], store: Store, *, now: int, at: int, after: bool) -> bool:
    """Let a process act and die; false if it had ended before that."""
    process = Process(store, now=now, dies_at=at, after=after)
    try:
        act(process)
    except Died:
        return True
    return False


def jobs_in(store: Store, queue: str = "default") -> list[StoredJob]:
    """Read the jobs that wait."""
    return list(store.run(Page(queue=queue, state=JobState.QUEUED, limit=1000), now=START).jobs)


def places(store: Store) -> list[str]:
    """List the queues that have the schedule."""
    return [
        queue
        for queue in store.run(Queues())
        if store.run(Schedules(queue=queue, name="s"), now=START).schedules
    ]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 12))
@pytest.mark.parametrize("missed", ["one", "all"])
def test_a_worker_that_dies_while_it_fires_makes_no_tick_twice_and_leaves_none_out(
    store: Store, missed: Any, at: int, *, after: bool
) -> None:
    """B16"""
    Process(store, now=START).schedule(missed=missed)
    late = START + 3 * HOUR + 30 * 60_000

    cut(Process.fire, store, now=late, at=at, after=after)
    Process(store, now=late).fire()
    Process(store, now=late).fire()

    due = [1, 2, 3] if missed == "all" else [3]
    assert [job.run_at for job in jobs_in(store)] == [START + hours * HOUR for hours in due]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
def test_a_call_that_dies_half_way_is_mended_by_the_next(
    store: Store, at: int, *, after: bool
) -> None:
    """B16, B19: a schedule that moves to another queue is never nowhere, and at last in one."""
    Process(store, now=START).schedule(queue="a")

    def move(process: Process) -> None:
        process.schedule(queue="b")

    cut(move, store, now=START + 1, at=at, after=after)
    assert places(store) in (["a"], ["a", "b"], ["b"])
    Process(store, now=START + 2).schedule(queue="b")

    assert places(store) == ["b"]


def test_two_that_move_a_schedule_at_once_leave_one(store: Store) -> None:
    """B16, B19: whatever steps of theirs lie between each other."""
    first, second = Process(store, now=START), Process(store, now=START)
    plans = [
        process.engine.scheduling.put(
            process.engine.scheduling.prepare(
                timedelta(hours=1), Report(), {"name": "s", "queue": queue}
            )
        )
        for process, queue in ((first, "a"), (second, "b"))
    ]
    asked: list[Any] = [next(steps) for steps in plans]
    going = [0, 1]
    while going:
        for which in list(going):
            try:
                result = store.run(asked[which], now=START)
                asked[which] = plans[which].send(result)
            except StopIteration:
                going.remove(which)

    assert len(places(store)) == 1


def test_many_workers_at_one_tick_make_one_job(store: Store) -> None:
    """B16: all have read that it is due before the first one fires it."""
    Process(store, now=START).schedule()
    now = START + HOUR
    racing = [Process(store, now=now).engine.scheduling.fire_due("default") for _ in range(5)]
    asked: list[Any] = [next(steps) for steps in racing]
    going = list(range(5))
    while going:
        for which in list(going):
            try:
                asked[which] = racing[which].send(store.run(asked[which], now=now))
            except StopIteration:
                going.remove(which)

    assert [job.run_at for job in jobs_in(store)] == [START + HOUR]
    assert store.run(Count(queue="default"), now=now).queued == {jobs_in(store)[0].type: 1}
