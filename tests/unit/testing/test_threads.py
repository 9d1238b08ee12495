"""Enqueueing from many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.unit.testing.samples import Audit, SendMail, done, jobs_of


def _in_threads(count: int, work: Callable[[int], object]) -> None:
    barrier = threading.Barrier(count)

    def begin(number: int) -> None:
        barrier.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(begin, range(count)))


def test_every_job_of_every_thread_is_kept() -> None:
    """B58"""
    jobs = jobs_of(done)

    _in_threads(8, lambda n: [jobs.enqueue(SendMail(n * 1000 + k)) for k in range(250)])

    found = jobs.assert_queued(SendMail, 2000)
    assert len({mail.user_id for mail in found.jobs}) == 2000
    assert len(set(found.ids)) == 2000
    assert len(jobs.timeline.events) == 2000
    assert jobs.drain().succeeded == 2000


def test_threads_may_enqueue_while_jobs_run() -> None:
    """B58"""
    jobs = jobs_of()

    @jobs.register
    def parent(job: SendMail) -> None:
        _in_threads(4, lambda n: [jobs.enqueue(Audit(f"{n} {k}")) for k in range(50)])

    jobs.register(done, job=Audit)
    jobs.enqueue(SendMail(1))

    assert jobs.drain().succeeded == 201


def test_threads_may_enqueue_inside_of_one_block() -> None:
    jobs = jobs_of(done)

    with jobs.inline(), jobs.enqueued_by() as found:
        _in_threads(4, lambda n: [jobs.enqueue(SendMail(n * 100 + k)) for k in range(25)])

    jobs.assert_performed(SendMail, 100)
    assert len(found) == 100


def test_runs_in_two_threads_share_the_work() -> None:
    jobs = jobs_of(done)
    jobs.enqueue_many([SendMail(n) for n in range(200)])
    reports: list[int] = []

    _in_threads(2, lambda n: reports.append(jobs.drain().succeeded))

    assert sum(reports) == 200
