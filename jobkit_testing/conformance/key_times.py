"""How long a unique key is held, and what a job that begins anew finds."""

from __future__ import annotations

from typing import Literal

import pytest

from jobkit.record import ENDED, WAITING, JobState
from jobkit.store import Capability, KeyTaken, Reschedule
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    HOUR,
    LEASE,
    QUEUE,
    SECOND,
    a_job,
    retry,
    succeed,
    unique,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.conflicts import KEY
from jobkit_testing.conformance.spans import ENDINGS, Happening


@only_with(Capability.UNIQUE_KEYS)
class KeyTimes:
    """Tests of the expiry of keys, and of jobs that are moved or begin anew."""

    # How long a key is held

    @pytest.mark.parametrize("delay", [0, HOUR])
    def test_a_key_is_held_from_the_push_until_its_ttl_after_the_due_time(
        self, bench: Bench, delay: int
    ) -> None:
        """B22: to the millisecond; then a newcomer takes it over."""
        key = unique(ttl=SECOND)
        first = bench.push_one(a_job(unique=key, delay=delay))
        bench.advance(delay + SECOND - 1)
        assert bench.push_one(a_job(unique=key)) == first
        bench.advance(1)

        second = bench.push_one(a_job(unique=key))

        assert second != first
        assert bench.push_one(a_job(unique=key)) == second

    @only_with(Capability.DELETES)
    def test_a_job_that_is_overdue_holds_its_key_from_now(self, bench: Bench) -> None:
        """B22: its time is counted from when it could start first."""
        key = unique(ttl=SECOND)
        first = bench.push_one(a_job(unique=key, run_at=bench.now - HOUR))

        bench.advance(SECOND - 1)

        assert bench.holder(key) == first
        bench.advance(1)
        assert bench.holder(key) is None

    def test_without_a_ttl_a_key_is_held_as_long_as_its_span(self, bench: Bench) -> None:
        """B22"""
        key = unique(ttl=None)
        first = bench.push_one(a_job(unique=key))

        bench.advance(1_000_000 * HOUR)

        assert bench.push_one(a_job(unique=key)) == first

    @only_with(Capability.PRIORITIES)
    @pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
    def test_the_end_of_an_old_owner_leaves_the_new_one_its_key(
        self, bench: Bench, ending: Happening
    ) -> None:
        """B22: the key had been taken over; only its owner frees it."""
        key = unique(until="done", ttl=1)
        bench.push_one(a_job(unique=key, priority=-1))
        ann = bench.worker()
        running = ann.take_one()
        bench.advance(1)
        heir = bench.push_one(a_job(unique=unique(until="done"), delay=1_000 * LEASE))

        ending(ann, running)

        assert bench.holder(key) == heir

    def test_an_old_owner_that_is_claimed_leaves_the_new_one_its_key(self, bench: Bench) -> None:
        """B22: the end of the span of "started"."""
        key = unique(ttl=1)
        bench.push_one(a_job(unique=key))
        bench.advance(1)
        heir = bench.push_one(a_job(unique=key, delay=SECOND))

        bench.worker().take_one()

        assert bench.holder(key) == heir

    @only_with(Capability.DELETES, Capability.RESCHEDULES)
    def test_a_waiting_job_that_is_moved_holds_its_key_from_its_new_time(
        self, bench: Bench
    ) -> None:
        """B22, B45: for longer, or for shorter."""
        later, sooner = unique("A|later", ttl=SECOND), unique("A|sooner", ttl=SECOND)
        first = bench.push_one(a_job(unique=later))
        second = bench.push_one(a_job(unique=sooner, delay=HOUR))

        bench.run(Reschedule(queue=QUEUE, id=first, of=WAITING, run_at=bench.now + HOUR))
        bench.run(Reschedule(queue=QUEUE, id=second, of=WAITING))

        bench.advance(SECOND)
        assert (bench.holder(later), bench.holder(sooner)) == (first, None)
        bench.advance(HOUR - 1)
        assert bench.holder(later) == first
        bench.advance(1)
        assert bench.holder(later) is None

    @only_with(Capability.RESCHEDULES)
    @pytest.mark.parametrize("taken_over", [False, True])
    def test_a_key_whose_time_is_over_does_not_come_back_by_a_move(
        self, bench: Bench, taken_over: bool
    ) -> None:
        """B22, B45: taken over by then or not."""
        key = unique(ttl=SECOND)
        first = bench.push_one(a_job(unique=key))
        bench.advance(SECOND)
        heir = bench.push_one(a_job(unique=key)) if taken_over else None

        bench.run(Reschedule(queue=QUEUE, id=first, of=WAITING, run_at=bench.now + HOUR))

        assert bench.holder(key) == heir

    # Jobs that have ended begin anew

    @only_with(Capability.DELETES, Capability.RESCHEDULES)
    @pytest.mark.parametrize("until", ["started", "done"])
    @pytest.mark.parametrize("delay", [None, HOUR])
    def test_an_ended_job_that_begins_anew_takes_its_key_again(
        self, bench: Bench, until: Literal["started", "done"], delay: int | None
    ) -> None:
        """B22: for its whole span, from its new due time."""
        key = unique(until=until, ttl=SECOND)
        job_id = bench.push_one(a_job(unique=key))
        ann = bench.worker()
        ann.settle(succeed(ann.take_one()))
        bench.advance(HOUR)

        run_at = None if delay is None else bench.now + delay
        state = bench.run(Reschedule(queue=QUEUE, id=job_id, of=ENDED, run_at=run_at))

        assert state is JobState.SUCCEEDED
        assert bench.holder(key) == job_id
        bench.live((delay or 0) + SECOND - 1, ann)
        assert bench.holder(key) == job_id
        running = ann.take_one()
        assert bench.holder(key) == (job_id if until == "done" else None)
        ann.settle(succeed(running))
        assert bench.holder(key) is None

    @only_with(Capability.RETENTION, Capability.RESCHEDULES)
    @pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
    def test_an_ended_job_stays_as_it_is_while_another_holds_its_key(
        self, bench: Bench, ending: Happening
    ) -> None:
        """B22: the answer names that one; dead, cancelled or succeeded, or gone."""
        job_id = bench.push_one(a_job(unique=KEY, retention=1_000 * LEASE))
        ann = bench.worker()
        ending(ann, ann.take_one())
        other = bench.push_one(a_job(unique=KEY))
        before = bench.snapshot()

        answer = bench.run(Reschedule(queue=QUEUE, id=job_id, of=WAITING | ENDED))

        gone = bench.find(job_id) is None
        assert answer == (None if gone else KeyTaken(holder=other))
        assert bench.snapshot() == before

    @only_with(Capability.RESCHEDULES)
    def test_a_job_that_waits_is_moved_though_another_holds_its_key(self, bench: Bench) -> None:
        """B22, B45: a retry does not ask for the key again, nor does moving it."""
        key = unique()
        first = bench.push_one(a_job(unique=key))
        ann = bench.worker()
        ann.settle(retry(ann.take_one(), delay=SECOND))
        other = bench.push_one(a_job(unique=key))

        state = bench.run(Reschedule(queue=QUEUE, id=first, of=WAITING))

        assert state is JobState.RETRYING
        assert bench.holder(key) == other
