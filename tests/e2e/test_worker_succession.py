"""A worker takes over from another one that is known to be dead."""

from __future__ import annotations

import threading
from typing import Any

from jobkit import Hooks
from jobkit.store import Claim, Heartbeat, Lane, LaneSet
from jobkit.worker import WorkingJobs
from tests.e2e.backends import store_of
from tests.e2e.handling import collecting
from tests.e2e.jobtypes import Ping
from tests.e2e.waiting import eventually, heard

LEASE = 600_000


def hold_all(jobs: WorkingJobs, worker: str, lane: Lane) -> None:
    """Claim what is there for a worker that is never heard of again."""
    lanes = LaneSet(key=f"of {worker}", lanes={lane.group: lane})
    store = store_of(jobs)
    store.run(Heartbeat(queue="default", worker=worker, lanes=lanes, lease=LEASE))
    store.run(
        Claim(
            queue="default",
            worker=worker,
            version="",
            request=1,
            lanes=lanes,
            slots=10,
            suspects=10,
            lease=LEASE,
        )
    )


def test_what_a_dead_worker_held_is_run_at_once(jobs: WorkingJobs) -> None:
    """B37: a suspect each, one after the other; the leases would have lasted ten minutes."""
    ran: list[int] = []
    jobs.register(collecting(ran), job=Ping)
    jobs.enqueue_many([Ping(n) for n in range(5)])
    hold_all(jobs, "dead", Lane(group="e2e.Ping"))
    done = threading.Event()
    jobs.start()
    assert jobs.worker is not None

    jobs.worker.take_over("dead", done.set)

    heard(done)
    eventually(lambda: sorted(ran) == list(range(5)))


def test_a_death_by_it_calls_the_hook(jobs: WorkingJobs) -> None:
    """B30, B37: as when the lease expires."""
    dead: list[str] = []
    jobs.register(collecting([]), job=Ping)
    jobs.hooks(Hooks(on_dead=lambda record, _: dead.append(record.id)))
    handle: Any = jobs.enqueue(Ping())
    hold_all(jobs, "dead", Lane(group="e2e.Ping", on_lost_dead=True))
    jobs.start()
    assert jobs.worker is not None

    jobs.worker.take_over("dead", lambda: None)

    eventually(lambda: dead == [handle.id])


def test_a_drain_waits_for_it(jobs: WorkingJobs) -> None:
    """B53: what is to be taken over is left to do."""
    ran: list[int] = []
    jobs.register(collecting(ran), job=Ping)
    jobs.enqueue_many([Ping(n) for n in range(3)])
    hold_all(jobs, "dead", Lane(group="e2e.Ping"))
    jobs.start()
    assert jobs.worker is not None

    jobs.worker.take_over("dead", lambda: None)

    assert jobs.drain().succeeded == 3
