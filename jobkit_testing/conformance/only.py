"""Claims of one job by its id."""

from __future__ import annotations

import pytest

from jobkit.record import JobState
from jobkit.store import Cancel, Capability, Lane
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    lanes,
    release,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.states import STATES, a_job_in
from jobkit_testing.conformance.suspects import suspects


class Only:
    """Tests of `Claim.only`."""

    @only_with(Capability.PRIORITIES)
    def test_a_claim_of_one_job_takes_it_past_all_others(self, bench: Bench) -> None:
        """B55: in a lane and over lanes; the others stay where they are."""
        bench.push(*[a_job("AB"[i % 2], priority=-5) for i in range(20)])
        wanted = bench.push_one(a_job("A", priority=5))
        bench.push(a_job("A", priority=9))
        ann = bench.worker("ann", lanes("A", "B"))
        bench.advance(5)

        claimed = bench.run(ann.claiming(1, only=wanted))

        assert [job.id for job in claimed.jobs] == [wanted]
        assert (claimed.started, claimed.more) == (1, True)
        (job,) = claimed.jobs
        assert (job.state, job.starts, job.started_at) == (JobState.RUNNING, 1, START + 5)
        assert bench.count().queued == {"A": 11, "B": 10}

    @pytest.mark.parametrize("front", [0, 1, 2])
    def test_a_claim_of_one_job_keeps_the_order_of_the_others(
        self, bench: Bench, front: int
    ) -> None:
        """B9: from the front, the middle and the end of a line."""
        ids = list(bench.push(a_job(), a_job(), a_job()))
        ann = bench.worker()
        wanted = ids.pop(front)

        bench.run(ann.claiming(1, only=wanted))

        assert [job.id for job in ann.take(5)] == ids

    @only_with(Capability.PRIORITIES)
    @pytest.mark.parametrize("where", sorted(set(STATES) - {"queued", "due", "suspect"}))
    def test_a_job_that_is_not_ready_is_not_taken(self, bench: Bench, where: str) -> None:
        """B8, B23: nor is any other job in its place."""
        bench.push(a_job(priority=9))
        wanted = a_job_in(bench, where)
        bob = bench.worker("bob")

        claimed = bench.run(bob.claiming(1, only=wanted.id))

        assert (claimed.jobs, claimed.started) == ((), 0)
        assert bench.get(wanted.id) == wanted

    def test_an_unknown_job_is_not_taken(self, bench: Bench) -> None:
        """B43: and the others wait on."""
        bench.push(a_job())

        claimed = bench.run(bench.worker().claiming(1, only="0" * 26))

        assert (claimed.jobs, claimed.more) == ((), True)

    def test_a_job_that_has_become_due_is_promoted_and_taken(self, bench: Bench) -> None:
        """B8: the claim promotes first."""
        wanted = a_job_in(bench, "due")

        claimed = bench.run(bench.worker().claiming(1, only=wanted.id))

        assert [job.id for job in claimed.jobs] == [wanted.id]

    def test_a_job_of_a_type_that_is_not_served_is_not_taken(self, bench: Bench) -> None:
        """B24: whatever is asked for."""
        wanted = bench.push_one(a_job("B"))

        claimed = bench.run(bench.worker("ann", lanes("A")).claiming(1, only=wanted))

        assert claimed.jobs == ()

    @only_with(Capability.LIMITS)
    def test_a_job_of_a_full_lane_is_not_taken(self, bench: Bench) -> None:
        """B26: limits hold."""
        limited = lanes(L=Lane(group="L", limit=1))
        bench.push(a_job("L"))
        wanted = bench.push_one(a_job("L"))
        ann = bench.worker("ann", limited)
        held = ann.take_one()

        full = bench.run(ann.claiming(1, only=wanted))
        ann.settle(release(held))
        free = bench.run(ann.claiming(1, only=wanted))

        assert (full.jobs, full.more) == ((), False)
        assert [job.id for job in free.jobs] == [wanted]
        assert not free.more  # the lane is full again

    def test_a_suspect_may_be_asked_for(self, bench: Bench) -> None:
        """B37: in its own line."""
        bob = bench.worker("bob")
        _, wanted, _ = suspects(bench, bob, 3)

        claimed = bench.run(bob.claiming(1, only=wanted.id))

        assert [job.id for job in claimed.jobs] == [wanted.id]
        assert bench.count().queued == {"A": 2}

    @only_with(Capability.PREFETCH)
    def test_a_claim_of_one_job_without_a_slot_prefetches_it(self, bench: Bench) -> None:
        """B13: it has not started."""
        wanted = bench.push_one(a_job())
        ann = bench.worker()

        claimed = bench.run(ann.claiming(0, prefetch=1, only=wanted))

        assert (len(claimed.jobs), claimed.started) == (1, 0)
        assert bench.get(wanted).starts == 0

    def test_a_job_that_was_asked_for_and_lost_is_a_suspect_like_any_other(
        self, bench: Bench
    ) -> None:
        """B37: nothing of its old place among the others is left, whoever stood before it."""
        first = bench.push_one(a_job())
        wanted = bench.push_one(a_job())
        bench.run(bench.worker("ann").claiming(1, only=wanted))
        bob = bench.worker("bob")
        bench.live(LEASE, bob)

        taken = [job.id for job in bob.take(2, suspects=0)]

        assert taken == [first]
        assert bench.count().queued == {"A": 1}

    def test_a_claim_of_one_job_seen_again_returns_it(self, bench: Bench) -> None:
        """B23: like any claim."""
        bench.push(a_job())
        wanted = bench.push_one(a_job())
        claim = bench.worker().claiming(1, only=wanted)
        first = bench.run(claim)
        before = bench.snapshot()

        again = bench.run(claim)

        assert again.jobs == first.jobs
        assert bench.snapshot() == before

    @only_with(Capability.CANCELS)
    def test_a_job_that_was_asked_for_can_go_round_again(self, bench: Bench) -> None:
        """B9: handed back and asked for again, it stands in its line once."""
        bench.push(a_job())
        wanted = bench.push_one(a_job())
        ann = bench.worker()
        for _ in range(3):
            (job,) = bench.run(ann.claiming(1, only=wanted)).jobs
            ann.settle(release(job))
        bench.advance(SECOND)

        taken = ann.take(5)

        assert len(taken) == 2
        assert taken[1].starts == 4
        assert bench.run(Cancel(queue=QUEUE, id=wanted)) is JobState.RUNNING
