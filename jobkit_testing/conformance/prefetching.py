"""Jobs that are claimed ahead: held, and not started."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobkit.record import JobState
from jobkit.store import Capability, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    SETTLEMENTS,
    START,
    a_job,
    discard,
    release,
    succeed,
)
from jobkit_testing.conformance.capable import only_with


class Prefetching:
    """Tests of `Claim.prefetch` and `Heartbeat.started`."""

    @only_with(Capability.PREFETCH)
    def test_prefetched_jobs_come_after_those_in_slots(self, bench: Bench) -> None:
        """B13: the best jobs get the slots."""
        ids = bench.push(*[a_job() for _ in range(6)])

        claimed = bench.worker().claim(2, prefetch=3)

        assert [job.id for job in claimed.jobs] == list(ids[:5])
        assert claimed.started == 2
        assert claimed.more

    @only_with(Capability.PREFETCH)
    def test_a_prefetched_job_is_running_and_not_started(self, bench: Bench) -> None:
        """B37: held under a lease, but nothing of it has begun."""
        bench.push(a_job())

        (job,) = bench.worker("ann").claim(0, prefetch=1).jobs

        assert (job.state, job.worker) == (JobState.RUNNING, "ann")
        assert (job.starts, job.started_at) == (0, None)
        assert bench.get(job.id) == job

    def test_nothing_is_prefetched_unless_asked(self, bench: Bench) -> None:
        """B13: by default a claim takes only what has a free slot."""
        bench.push(a_job(), a_job())

        assert len(bench.worker().claim(1).jobs) == 1

    @only_with(Capability.PREFETCH)
    def test_a_heartbeat_reports_the_start_of_a_prefetched_job(self, bench: Bench) -> None:
        """B37: from then on it counts as started."""
        bench.push(a_job())
        ann = bench.worker()
        (job,) = ann.claim(0, prefetch=1).jobs
        bench.advance(250)

        ann.beat(job, started=(job,))

        assert (bench.get(job.id).starts, bench.get(job.id).started_at) == (1, START + 250)

    @only_with(Capability.PREFETCH)
    def test_a_start_that_is_reported_twice_counts_once(self, bench: Bench) -> None:
        """B37: heartbeats may be sent again."""
        bench.push(a_job())
        ann = bench.worker()
        (job,) = ann.claim(0, prefetch=1).jobs
        ann.beat(job, started=(job,))
        before = bench.get(job.id)
        bench.advance(10)

        ann.beat(job, started=(job,))

        assert bench.get(job.id) == before

    @only_with(Capability.PREFETCH)
    def test_the_start_of_a_job_in_a_slot_need_not_be_reported(self, bench: Bench) -> None:
        """B37: a job claimed into a free slot is taken as started."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(10)

        ann.beat(job, started=(job,))

        assert bench.get(job.id) == job

    @only_with(Capability.PREFETCH)
    def test_nobody_reports_the_start_of_another_ones_job(self, bench: Bench) -> None:
        """B38: only under the lease."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        (job,) = ann.claim(0, prefetch=1).jobs

        bob.beat(started=(job,))

        assert bench.get(job.id) == job

    @only_with(Capability.PREFETCH)
    def test_the_loss_of_a_job_that_had_not_started_counts_nothing(self, bench: Bench) -> None:
        """B37: it is as if it had never been claimed."""
        (job_id,) = bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.claim(0, prefetch=1)

        bench.live(LEASE, bob)
        taken = bob.take_one()

        assert taken.id == job_id
        assert (taken.starts, taken.losses, taken.attempts) == (1, 0, ())

    @only_with(Capability.PREFETCH)
    def test_the_loss_of_a_prefetched_job_that_had_started_counts(self, bench: Bench) -> None:
        """B37: once the start was reported."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        (job,) = ann.claim(0, prefetch=1).jobs
        ann.beat(job, started=(job,))

        bench.live(LEASE, bob)
        taken = bob.take_one()

        assert (taken.starts, taken.losses) == (2, 1)
        assert [attempt.outcome for attempt in taken.attempts] == ["lost"]

    @only_with(Capability.PREFETCH)
    def test_a_job_lost_before_its_start_is_a_suspect_all_the_same(self, bench: Bench) -> None:
        """B37: it may have killed its worker before the start was told; never prefetch it."""
        (job_id,) = bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.claim(0, prefetch=1)

        bench.live(LEASE, bob)
        ahead = bob.claim(0, prefetch=1)
        taken = bob.take_one()

        assert ahead.jobs == ()
        assert (taken.id, taken.losses, taken.suspect) == (job_id, 0, True)

    @pytest.mark.parametrize(
        ("settlement", "state"),
        [
            pytest.param(made, state, id=name)
            for name, (made, state) in SETTLEMENTS.items()
            if name != "release"
        ],
    )
    @only_with(Capability.PREFETCH)
    def test_settling_a_job_whose_start_was_not_reported_counts_one(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement], state: JobState
    ) -> None:
        """B37: an end needs a start, whatever the heartbeat had time for."""
        bench.push(a_job())
        ann = bench.worker()
        (job,) = ann.claim(0, prefetch=1).jobs
        bench.advance(100)

        ann.settle(settlement(job))

        after = bench.get(job.id)
        assert (after.state, after.starts) == (state, 1)
        assert after.started_at == bench.now - 7  # by the duration of the settlement

    @only_with(Capability.PREFETCH)
    def test_settling_a_job_whose_start_was_reported_counts_no_other(self, bench: Bench) -> None:
        """B37: one start an attempt."""
        bench.push(a_job())
        ann = bench.worker()
        (job,) = ann.claim(0, prefetch=1).jobs
        ann.beat(job, started=(job,))

        ann.settle(succeed(job))

        assert (bench.get(job.id).starts, bench.get(job.id).started_at) == (1, START)

    @only_with(Capability.PREFETCH)
    def test_a_prefetched_job_that_is_handed_back_has_spent_nothing(self, bench: Bench) -> None:
        """B52: as if it had never been claimed."""
        bench.push(a_job())
        ann = bench.worker()
        (job,) = ann.claim(0, prefetch=1).jobs

        ann.settle(release(job))

        after = bench.get(job.id)
        assert (after.state, after.starts, after.attempts) == (JobState.QUEUED, 0, ())

    @only_with(Capability.PREFETCH)
    def test_each_attempt_reports_its_own_start(self, bench: Bench) -> None:
        """B37: prefetched again after a start, a job is again not started."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        first = ann.take_one()
        ann.settle(release(first))
        (second,) = ann.claim(0, prefetch=1).jobs

        bench.live(LEASE, bob)
        third = bob.take_one()

        assert (second.starts, second.started_at) == (1, None)
        assert (third.starts, third.losses) == (2, 0)

    @only_with(Capability.PREFETCH)
    def test_a_prefetched_job_that_ends_cancelled_has_its_attempt(self, bench: Bench) -> None:
        """B44: a discard tells that the run had begun."""
        bench.push(a_job())
        ann = bench.worker()
        (job,) = ann.claim(0, prefetch=1).jobs

        ann.settle(discard(job))

        assert [attempt.outcome for attempt in bench.get(job.id).attempts] == ["discarded"]
