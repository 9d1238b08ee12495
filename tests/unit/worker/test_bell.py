"""A bell ends one wait, whoever rings it and however often."""

from __future__ import annotations

import threading

from jobkit.worker.bell import Bell

LONG = 20.0  # seconds; what is waited for takes microseconds


def test_a_ring_ends_the_wait_of_another_thread() -> None:
    bell, woken = Bell(), threading.Event()

    def sleep() -> None:
        if bell.wait(LONG):
            woken.set()

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    bell.set()
    sleeper.join()

    assert woken.is_set()


def test_what_rang_before_the_wait_ends_it_once() -> None:
    bell = Bell()
    for _ in range(3):
        bell.set()

    assert bell.wait(LONG)
    assert not bell.wait(0.001)


def test_a_bell_that_was_cleared_is_silent_until_it_rings_again() -> None:
    bell = Bell()
    bell.clear()
    bell.set()
    bell.clear()

    assert not bell.wait(0.001)
    bell.set()
    assert bell.wait(LONG)
