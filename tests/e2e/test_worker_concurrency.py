"""How many jobs run at once, where, and in which worker."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextvars import ContextVar
from datetime import timedelta

import pytest

from jobkit import JobState, MemoryJobs
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import calling, do_nothing, looking
from tests.e2e.jobtypes import Alone, Mailed, Ping, Pong
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)
LAST: ContextVar[int | None] = ContextVar("LAST", default=None)


def test_threads_never_run_more_than_the_concurrency(jobs: WorkingJobs) -> None:
    """B13, B23"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    handles = jobs.enqueue_many([Ping(n) for n in range(20)])

    jobs.start(concurrency=4)
    gate.wait_for(4)
    gate.open()
    states = {handle.wait(MINUTE).state for handle in handles}

    assert states == {JobState.SUCCEEDED}
    assert gate.most == 4
    assert gate.passed == 20


def test_tasks_never_run_more_than_the_concurrency(jobs: WorkingJobs) -> None:
    """B13, B23"""
    inside = Counter[str]()
    together = asyncio.Event()

    @jobs.register
    async def run(job: Ping) -> None:
        inside["now"] += 1
        inside["most"] = max(inside["most"], inside["now"])
        if inside["most"] == 4:
            together.set()
        await together.wait()  # the first four wait for each other
        await asyncio.sleep(0)
        inside["now"] -= 1

    handles = jobs.enqueue_many([Ping(n) for n in range(20)])

    jobs.start(concurrency=4)
    states = {handle.wait(MINUTE).state for handle in handles}

    assert states == {JobState.SUCCEEDED}
    assert inside["most"] == 4


def test_threads_and_tasks_share_the_slots(jobs: WorkingJobs) -> None:
    """B13, B23"""
    lock = threading.Lock()
    inside = Counter[str]()
    together = threading.Event()

    def enter(kind: str) -> None:
        with lock:
            inside[kind] += 1
            inside["most"] = max(inside["most"], inside["sync"] + inside["async"])
            if inside["sync"] and inside["async"] and inside["most"] == 3:
                together.set()

    def leave(kind: str) -> None:
        with lock:
            inside[kind] -= 1

    @jobs.register
    def in_a_thread(job: Ping) -> None:
        enter("sync")
        together.wait(20)
        leave("sync")

    @jobs.register
    async def on_the_loop(job: Pong) -> None:
        enter("async")
        await asyncio.to_thread(together.wait, 20)
        leave("async")

    handles = jobs.enqueue_many([each(n) for n in range(15) for each in (Ping, Pong)])

    jobs.start(concurrency=3)
    states = {handle.wait(MINUTE).state for handle in handles}

    assert states == {JobState.SUCCEEDED}
    assert together.is_set()
    assert inside["most"] == 3


@pytest.mark.parametrize("where", ["thread", "loop"])
def test_a_job_does_not_see_what_another_one_set_in_its_context(where: str) -> None:
    """B25: neither does one that waited in line for the place of the other."""
    found: list[int | None] = []

    def note(job: Ping) -> None:
        found.append(LAST.get())
        LAST.set(job.n)

    async def note_on_loop(job: Ping) -> None:
        note(job)

    with MemoryJobs() as jobs:
        jobs.register(note if where == "thread" else note_on_loop)
        jobs.enqueue_many(Ping(n) for n in range(12))

        jobs.start(concurrency=2, prefetch=8)
        jobs.drain(timeout=MINUTE)

    assert found == [None] * 12


def test_a_blocked_thread_does_not_hold_up_the_others(jobs: WorkingJobs) -> None:
    """B12, B23"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    jobs.register(do_nothing, job=Pong)
    jobs.start(concurrency=2)
    blocked = jobs.enqueue(Ping())
    gate.wait_for(1)

    handles = jobs.enqueue_many([Pong(n) for n in range(30)])

    for handle in handles:
        assert handle.wait(MINUTE).state == "succeeded"
    assert blocked.record().state == "running"
    gate.open()
    assert blocked.wait(MINUTE).state == "succeeded"


def test_one_queue_full_of_work_does_not_hold_up_another(jobs: WorkingJobs) -> None:
    """B12"""
    order: list[str] = []

    def note(name: str) -> None:
        order.append(name)

    jobs.register(calling(lambda job: note("ping")), job=Ping)
    jobs.register(calling(lambda job: note("mailed")), job=Mailed)
    jobs.enqueue_many([Ping(n) for n in range(500)])
    jobs.enqueue_many([Mailed(n) for n in range(5)])

    jobs.start(concurrency=1)  # it knows of both queues from its first look on

    jobs.drain(timeout=MINUTE)
    assert len(order) == 505
    assert order[:20].count("mailed") == 5  # in turns, from the first job on


def test_many_queues_are_served_by_one_worker(jobs: WorkingJobs) -> None:
    """B12"""
    names = [f"q{n}" for n in range(30)]
    seen: list[str] = []
    jobs.register(looking(lambda ctx: seen.append(ctx.queue)), job=Ping)
    for name in names:
        jobs.enqueue_many([Ping(n) for n in range(3)], queue=name)

    jobs.start(queues=names, concurrency=2)
    jobs.drain(timeout=MINUTE)

    assert Counter(seen) == dict.fromkeys(names, 3)


def test_a_worker_leaves_other_queues_alone(jobs: WorkingJobs) -> None:
    """B24"""
    jobs.register(do_nothing, job=Ping)
    other = jobs.enqueue(Ping(), queue="other")
    mine = jobs.enqueue(Ping(), queue="mine")

    jobs.start(queues=["mine"])

    assert mine.wait(MINUTE).state == "succeeded"
    jobs.drain(timeout=MINUTE)
    assert other.record().state == "queued"


@pytest.mark.parametrize("prefetch", [1, 25])
def test_prefetched_jobs_wait_for_a_slot(jobs: WorkingJobs, prefetch: int) -> None:
    """B13"""
    gate = Gate()
    jobs.register(gate.handle, job=Ping)
    handles = jobs.enqueue_many([Ping(n) for n in range(40)])

    jobs.start(concurrency=2, prefetch=prefetch)
    gate.wait_for(2)
    eventually(lambda: sum(h.record().state == "running" for h in handles) == 2 + prefetch)
    started = sum(h.record().starts for h in handles)
    gate.open()
    records = [handle.wait(MINUTE) for handle in handles]

    assert started == 2
    assert gate.most == 2
    assert {(record.state, record.starts) for record in records} == {(JobState.SUCCEEDED, 1)}


def test_a_limited_type_runs_one_at_a_time(jobs: WorkingJobs) -> None:
    """B26"""
    gate = Gate()
    jobs.register(gate.handle, job=Alone)
    jobs.register(do_nothing, job=Ping)
    limited = jobs.enqueue_many([Alone(n) for n in range(5)])
    others = jobs.enqueue_many([Ping(n) for n in range(5)])

    jobs.start(concurrency=8)
    gate.wait_for(1)
    for handle in others:
        assert handle.wait(MINUTE).state == "succeeded"
    gate.open()
    for handle in limited:
        assert handle.wait(MINUTE).state == "succeeded"

    assert gate.most == 1


def test_enqueues_from_many_threads_are_all_kept(jobs: WorkingJobs) -> None:
    """B58"""
    seen = Counter[int]()
    jobs.register(calling(lambda job: seen.update([job.n])), job=Ping)
    jobs.start(concurrency=1)  # a counter is not for several threads
    handles: list[str] = []

    def produce(part: int) -> None:
        mine = [Ping(part * 100 + n) for n in range(50)]
        handles.extend(jobs.enqueue(job).id for job in mine[:25])
        handles.extend(handle.id for handle in jobs.enqueue_many(mine[25:]))

    threads = [threading.Thread(target=produce, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    jobs.drain(timeout=MINUTE)

    assert len(set(handles)) == 400
    assert seen == {part * 100 + n: 1 for part in range(8) for n in range(50)}


def test_several_workers_of_one_process_share_the_work(
    redis_make: MakeJobs,
) -> None:
    """B23, B51"""
    first, second = redis_make(), redis_make()
    gate = Gate()
    for jobs in (first, second):
        jobs.register(gate.handle, job=Ping)
        jobs.start(concurrency=2)
    handles = first.enqueue_many([Ping(n) for n in range(20)])

    gate.wait_for(4)
    gate.open()
    records = [handle.wait(MINUTE) for handle in handles]

    assert {record.starts for record in records} == {1}
    assert len({record.worker for record in records}) == 2
    assert gate.most == 4
