"""The line of hooks: when the worker waits for it, and when it does not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from jobkit.options import worker_settings
from jobkit.worker.hookline import HANG, HookLine
from tests.e2e.waiting import PATIENCE, Gate, eventually


class Bench:
    """A line of one thread, whose calls wait at a gate, and a clock that is moved by hand."""

    def __init__(self, prefetch: int = 0) -> None:
        self.now = 100.0
        self.made: list[int] = []
        self.rang = threading.Event()
        self.steps = threading.Semaphore(0)
        self.line = HookLine(
            worker_settings({"concurrency": 1, "prefetch": prefetch}),
            "bench",
            monotonic=lambda: self.now,
            on_few=self.rang.set,
        )

    def submit(self, number: int) -> int:
        """Put so many calls in line; return how many of them will be made."""
        return sum(self.line.submit(partial(self._call, n)) for n in range(number))

    def _call(self, n: int) -> None:
        assert self.steps.acquire(timeout=PATIENCE)
        self.made.append(n)

    def let_return(self, number: int) -> None:
        """Let so many calls return, and wait until they have."""
        expected = len(self.made) + number
        self.steps.release(number)
        eventually(lambda: len(self.made) >= expected)

    def is_full(self) -> bool:
        """Tell whether claims should wait."""
        return self.line.is_full

    def fill(self) -> None:
        """Put as many calls in line as there may be."""
        assert self.submit(self.line.most) == self.line.most


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.steps.release(10_000)
    made.line.close()


def test_a_line_is_full_until_there_is_room_for_a_batch() -> None:
    """B13: who waits for room is told; claims are not made for one job at a time."""
    bench = Bench(prefetch=9)
    bench.submit(bench.line.most - 1)
    assert not bench.is_full()
    bench.submit(1)
    assert bench.is_full()

    bench.let_return(9)
    assert not bench.rang.is_set()
    assert bench.is_full()
    bench.let_return(1)

    assert bench.rang.wait(PATIENCE)
    assert not bench.is_full()
    bench.steps.release(10_000)
    eventually(bench.line.are_made)
    bench.line.close()


def test_nobody_is_rung_for_a_line_that_was_not_full(bench: Bench) -> None:
    """B13: else each hook would wake the pump."""
    bench.submit(bench.line.most - 1)

    bench.let_return(bench.line.most - 1)

    assert not bench.rang.is_set()
    eventually(bench.line.are_made)


def test_hooks_that_are_slow_do_not_hang(bench: Bench) -> None:
    """B30: as long as one returns now and then, all are called."""
    bench.fill()

    for _ in range(3):
        bench.now += HANG - 1
        assert not bench.line.hang()
        bench.let_return(1)
        eventually(lambda: not bench.is_full())
        assert bench.submit(1) == 1
        assert bench.is_full()


def test_a_full_line_hangs_from_the_last_return_on(bench: Bench) -> None:
    bench.submit(bench.line.most - 1)
    bench.now += 2 * HANG  # long before it was full
    bench.submit(1)
    assert not bench.line.hang()
    bench.now += HANG

    assert bench.line.hang()


def test_when_hooks_hang_jobs_go_on_without_until_half_the_line_is_called(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """B30: at most once. What ends meanwhile is counted and told."""
    bench.fill()
    bench.now += HANG

    assert bench.line.hang()
    assert bench.submit(7) == 0
    bench.let_return(bench.line.most // 2 - 1)
    assert bench.line.hang()
    assert bench.submit(1) == 0
    bench.let_return(1)
    eventually(bench.rang.is_set)

    assert not bench.line.hang()
    assert not bench.is_full()
    assert bench.submit(1) == 1
    errors = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert len(errors) == 1
    assert f"{bench.line.most} are in line" in errors[0]
    assert "8 calls were not made" in caplog.text


def test_that_hooks_hold_the_worker_back_is_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        bench.fill()
        bench.let_return(bench.line.most)
        eventually(bench.line.are_made)

    assert caplog.text.count("no faster than they return") == 1


def test_what_is_in_line_when_it_closes_is_told_and_never_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """B30, B52"""
    bench, gate = Bench(), Gate()
    bench.line.submit(gate.hold)
    gate.wait_for(1)
    bench.submit(4)

    bench.line.close()
    late = bench.submit(1)
    gate.open()
    eventually(lambda: gate.passed == 1)

    assert "4 calls of hooks were not made, and 1 have not returned" in caplog.text
    assert (late, bench.made) == (0, [])


def test_a_line_whose_calls_have_returned_closes_silently(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.submit(5)
    bench.let_return(5)
    eventually(bench.line.are_made)

    bench.line.close()

    assert caplog.records == []


def test_a_call_that_raises_has_returned(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """B30: hooks of the user are caught; this would be an error of jobkit's."""

    def fail() -> None:
        raise KeyboardInterrupt

    bench.line.submit(fail)

    eventually(bench.line.are_made)
    eventually(lambda: "failed" in caplog.text)


def test_a_hook_does_not_wait_for_itself(bench: Bench) -> None:
    """B52: one that shuts the worker down."""
    seen: list[bool] = []
    bench.line.submit(lambda: seen.append(bench.line.are_made()))

    eventually(lambda: seen == [True])
