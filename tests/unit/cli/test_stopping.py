"""Signals that come at bad moments."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from datetime import timedelta

from jobkit import JobState, MemoryJobs
from jobkit.worker.signals import stop_signals

PATIENCE = 20.0  # seconds


@dataclass(frozen=True)
class Hold:
    """Runs for ever."""


def test_a_signal_may_come_while_the_main_thread_is_inside_of_the_event() -> None:
    """B52: its handler must not wait for a lock that the code below it holds."""
    with stop_signals(lambda: None) as stop:
        with vars(stop)["_cond"]:
            os.kill(os.getpid(), signal.SIGTERM)

        assert stop.wait(PATIENCE)


def test_a_later_sigint_hurries_and_a_later_sigterm_does_not() -> None:
    """B52."""
    hurried = threading.Event()

    with stop_signals(hurried.set) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGTERM)
        assert not hurried.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        assert hurried.wait(PATIENCE)


def test_a_hurry_that_comes_just_before_the_shutdown_is_not_lost() -> None:
    """B52."""
    began = threading.Event()

    def hold(job: Hold) -> None:
        began.set()
        threading.Event().wait()

    with MemoryJobs() as jobs:
        jobs.register(hold)
        handle = jobs.enqueue(Hold())
        jobs.start()
        assert began.wait(PATIENCE)

        jobs.hurry()
        jobs.shutdown(timeout=timedelta(hours=1))

        assert jobs.handed_back == 1
        assert handle.record().state is JobState.QUEUED
