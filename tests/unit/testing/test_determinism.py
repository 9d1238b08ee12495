"""The same seed and start give the same timeline, byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import time_machine
from freezegun import freeze_time

from jobkit_testing import VirtualClock
from tests.unit.testing.samples import HOUR, SECOND, START, SendMail, done, jobs_of
from tests.unit.testing.story import tell

ROOT = Path(__file__).parents[3]


def test_two_runs_are_the_same() -> None:
    """B56"""
    assert tell(seed=7) == tell(seed=7)


def test_another_seed_gives_other_ids_and_times() -> None:
    """B56: ids, and jitter by them, depend on the seed."""
    assert tell(seed=7) != tell(seed=8)


def test_processes_with_other_hash_seeds_tell_the_same() -> None:
    """B56"""
    told = {_tell_in_a_process(hash_seed) for hash_seed in ("0", "1", "4242")}

    assert told == {tell(seed=7)}


def test_the_system_s_time_does_not_matter() -> None:
    """B56"""
    told = tell(seed=7)

    with freeze_time("2001-01-01"):
        assert tell(seed=7) == told
    with time_machine.travel("2002-02-02", tick=False):
        assert tell(seed=7) == told


def test_ids_are_the_same_for_the_same_seed_and_start() -> None:
    """B6, B56"""
    first, second, other = (jobs_of(seed=seed) for seed in (1, 1, 2))

    ids = [[jobs.enqueue(SendMail(n)).id for n in range(3)] for jobs in (first, second, other)]

    assert ids[0] == ids[1]
    assert set(ids[0]).isdisjoint(ids[2])


def test_parallel_tests_do_not_disturb_each_other() -> None:
    """B56: each has its own clock, store and ids."""
    one, other = jobs_of(done), jobs_of(done)

    one.clock.advance(HOUR)
    one.enqueue(SendMail(1))

    other.assert_empty()
    assert other.clock.now() == START


@pytest.mark.parametrize("how", ["freezegun", "time_machine"])
def test_with_frozen_time_nothing_hangs(how: str) -> None:
    """B56: sync and async handlers, and sleeps of an hour."""
    freezer = (
        freeze_time("2030-01-01") if how == "freezegun" else time_machine.travel(START, tick=False)
    )

    with freezer:
        assert tell(seed=7) == tell(seed=7)


def test_domain_code_that_asks_the_frozen_system_agrees_with_the_clock() -> None:
    with freeze_time("2030-06-01T12:00:00Z"):
        from datetime import UTC, datetime

        jobs = jobs_of(done, clock=None)
        jobs.enqueue(SendMail(1), run_at=datetime.now(UTC))  # noqa: TID251
        jobs.enqueue(SendMail(2), run_at=datetime.now(UTC) + SECOND)  # noqa: TID251

        assert jobs.drain().ran.jobs == (SendMail(1),)
        assert jobs.run_for(SECOND).ran.jobs == (SendMail(2),)


def test_a_clock_that_follows_the_system_makes_jobs_due_when_the_system_says_so() -> None:
    with freeze_time("2030-01-01") as frozen:
        jobs = jobs_of(done, clock=VirtualClock.follow_system())
        jobs.enqueue(SendMail(1), delay=HOUR)
        before = jobs.drain()
        frozen.tick(HOUR)
        after = jobs.drain()
        jobs.enqueue(SendMail(2), delay=HOUR)

        assert (before.succeeded, after.succeeded) == (0, 1)
        assert jobs.run_for(HOUR).ran.jobs == (SendMail(2),)
        assert jobs.clock.now() == START + 2 * HOUR


def _tell_in_a_process(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    words = [sys.executable, "-W", "error", "-m", "tests.unit.testing.story"]
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
