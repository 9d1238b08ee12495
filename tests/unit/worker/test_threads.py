"""The pool of threads: who runs what is handed in, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from jobkit.worker.threads import ThreadPool
from tests.e2e.waiting import eventually

SOON = 20.0  # seconds; it takes microseconds


class Steps:
    """Notes what was done, and in which thread; each step can be waited for."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.threads: dict[str, threading.Thread] = {}
        self._more = threading.Condition()

    def step(self, name: str) -> None:
        """Be a task."""
        with self._more:
            self.done.append(name)
            self.threads[name] = threading.current_thread()
            self._more.notify_all()

    def wait_for(self, *names: str) -> None:
        """Wait until these are done."""
        with self._more:
            found = self._more.wait_for(lambda: set(names) <= set(self.done), SOON)
            assert found, self.done


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    """Give a pool of two threads."""
    made = ThreadPool(2, "test")
    yield made
    made.close()


def test_a_task_that_waits_lets_those_go_first_that_have_work_to_do() -> None:
    pool, steps = ThreadPool(1, "test"), Steps()

    def begin() -> None:
        pool.lend(partial(steps.step, "listening"))
        pool.add([partial(steps.step, "job")])

    pool.submit([begin])
    steps.wait_for("listening", "job")
    pool.close()

    assert steps.done == ["job", "listening"]


def test_nobody_who_has_ended_a_job_waits_for_the_end_of_one_that_waits() -> None:
    """What ended is told at once unless other jobs are about to begin."""
    pool, seen, looked = ThreadPool(1, "test"), list[bool](), threading.Event()

    def end() -> None:
        pool.lend(lambda: None)
        seen.append(pool.has_waiting)
        looked.set()

    pool.submit([end])

    assert looked.wait(SOON)
    assert seen == [False]
    pool.close()


def test_a_task_that_waits_leaves_the_other_threads_to_others(pool: ThreadPool) -> None:
    steps, may_end = Steps(), threading.Event()

    def listen() -> None:
        steps.step("listening")
        assert may_end.wait(SOON)
        steps.step("heard")

    pool.lend(listen)
    pool.submit([partial(steps.step, "one"), partial(steps.step, "two")])
    steps.wait_for("listening", "one", "two")
    may_end.set()
    steps.wait_for("heard")


def test_a_thread_goes_on_with_what_its_task_has_handed_in(pool: ThreadPool) -> None:
    steps = Steps()

    def listen() -> None:
        steps.step("listening")
        pool.add([partial(steps.step, "job")])

    pool.lend(listen)
    steps.wait_for("job")

    assert steps.threads["job"] is steps.threads["listening"]


def test_a_thread_whose_task_was_slow_lets_another_one_start(pool: ThreadPool) -> None:
    steps, may_end = Steps(), threading.Event()

    def slow() -> None:
        pool.add([partial(steps.step, "its next one"), partial(steps.step, "one more")])
        pool.grow()
        may_end.wait(SOON)

    pool.submit([slow])

    steps.wait_for("its next one", "one more")
    may_end.set()


def test_no_thread_is_started_for_what_this_one_does_next(pool: ThreadPool) -> None:
    steps = Steps()

    def slow() -> None:
        steps.step("slow")
        pool.add([partial(steps.step, "its next one")])
        pool.grow()

    pool.submit([slow])
    steps.wait_for("slow", "its next one")

    assert steps.threads["its next one"] is steps.threads["slow"]


def test_what_was_added_waits_until_somebody_takes_part_or_a_thread_is_woken(
    pool: ThreadPool,
) -> None:
    """B23"""
    steps = Steps()

    pool.add([partial(steps.step, "one"), partial(steps.step, "two")])
    assert (steps.done, pool.has_waiting) == ([], True)
    pool.take_part()
    assert (steps.done, pool.has_waiting) == (["one", "two"], False)
    assert set(steps.threads.values()) == {threading.current_thread()}
    pool.add([partial(steps.step, "three")])
    pool.wake()
    steps.wait_for("three")

    assert steps.threads["three"] is not threading.current_thread()


def test_who_takes_part_does_all_that_waits_and_an_error_ends_one_task_only(
    pool: ThreadPool, caplog: pytest.LogCaptureFixture
) -> None:
    """B13, B23: who gets a slot that this thread passes on has nobody else who is awake."""
    steps = Steps()

    def fail() -> None:
        raise SystemExit("an error of a task")

    def add_more() -> None:
        steps.step("job")
        pool.add([partial(steps.step, "another")])

    pool.add([fail, add_more])
    pool.take_part()

    assert (steps.done, pool.has_waiting) == (["job", "another"], False)
    assert "a worker thread's task failed" in caplog.text


def test_who_takes_part_leaves_what_waits_long_to_the_pool(pool: ThreadPool) -> None:
    """B23: or the pump would listen, and settle nothing meanwhile."""
    steps, may_go = Steps(), threading.Event()
    for _ in range(2):  # both threads are at work
        pool.submit([partial(may_go.wait, SOON)])  # type: ignore[list-item]  # its result is nobody's
    eventually(lambda: not pool.has_waiting)

    pool.lend(partial(steps.step, "listening"))
    pool.add([partial(steps.step, "job")])
    pool.take_part()

    assert steps.done == ["job"]
    may_go.set()
    steps.wait_for("listening")


def test_a_thread_that_was_woken_to_wait_and_finds_work_wakes_one_that_waits(
    pool: ThreadPool,
) -> None:
    """B13: somebody listens while a job runs."""
    steps, may_end = Steps(), threading.Event()

    def job() -> None:
        steps.step("job")
        may_end.wait(SOON)

    pool.add([job])
    pool.lend(partial(steps.step, "listening"))
    steps.wait_for("job", "listening")

    may_end.set()
