"""Which settlements hold: those under the lease, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from jobkit.record import JobState
from jobkit.store import Capability, Lease, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    SECOND,
    START,
    a_job,
    bury,
    release,
    retry,
    retry_now,
    snooze_nothing,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.settling import each_settlement, each_settlement_and_state

UNKNOWN = "0" * 26


class Verdicts:
    """Tests of "ok", "lost" and "gone"."""

    @each_settlement_and_state
    def test_a_settlement_seen_again_changes_nothing(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement], state: JobState
    ) -> None:
        """B38: the copy of a request whose reply was lost answers like the original."""
        bench.push(a_job())
        ann = bench.worker()
        settle = ann.settling(settlement(ann.take_one()))
        (first,) = bench.run(settle)
        before = bench.snapshot()

        (again,) = bench.run(settle)

        assert (again.verdict, again.state, again.due) == ("ok", state, first.due)
        assert bench.snapshot() == before

    @each_settlement
    def test_a_settlement_under_another_fence_is_refused(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B38: no lease, no write."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        before = bench.snapshot()

        verdicts = [
            ann.settle_one(settlement(replace(job, fence=job.fence + offset))) for offset in (-1, 1)
        ]

        assert [(v.verdict, v.state) for v in verdicts] == [("lost", None)] * 2
        assert bench.snapshot() == before

    @each_settlement
    def test_a_settlement_of_another_worker_is_refused(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B38: a fence belongs to one worker."""
        bench.push(a_job())
        job = bench.worker("ann").take_one()
        bob = bench.worker("bob")
        before = bench.snapshot()

        settled = bob.settle_one(settlement(job))

        assert (settled.verdict, settled.state) == ("lost", None)
        assert bench.snapshot() == before

    @each_settlement
    def test_a_settlement_of_an_unknown_job_finds_it_gone(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B46: and stores nothing."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        before = bench.snapshot()

        settled = ann.settle_one(settlement(replace(job, id=UNKNOWN)))

        assert (settled.verdict, settled.state) == ("gone", None)
        assert bench.snapshot() == before

    def test_a_job_that_waits_cannot_be_settled(self, bench: Bench) -> None:
        """B38: nobody holds it."""
        job_id = bench.push_one(a_job())
        ann = bench.worker()
        before = bench.snapshot()

        settled = ann.settle_one(succeed(replace(bench.get(job_id), fence=1)))

        assert settled.verdict == "lost"
        assert bench.snapshot() == before

    @only_with(Capability.RETENTION)
    def test_a_dropped_job_is_gone_for_a_second_settlement(self, bench: Bench) -> None:
        """B36, B38: nothing is left that could answer."""
        bench.push(a_job())
        ann = bench.worker()
        settle = ann.settling(bury(ann.take_one(), keep=False))

        verdicts = [bench.run(settle)[0].verdict for _ in range(2)]

        assert verdicts == ["ok", "gone"]

    def test_another_end_of_an_ended_attempt_does_not_replace_the_first(self, bench: Bench) -> None:
        """B44: who reaches the store first wins."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        ann.settle(succeed(job, result=b"1"))
        before = bench.snapshot()

        ann.settle(retry(job))

        assert bench.snapshot() == before

    @pytest.mark.parametrize("way", [release, retry_now, snooze_nothing])
    def test_an_old_settlement_does_not_touch_the_next_attempt(
        self, bench: Bench, way: Callable[[StoredJob], Settlement]
    ) -> None:
        """B38: its copy comes when somebody else holds the job."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        settle = ann.settling(way(ann.take_one()))
        bench.run(settle)
        bob.take_one()
        before = bench.snapshot()

        (again,) = bench.run(settle)

        assert again.verdict == "lost"
        assert bench.snapshot() == before

    def test_an_old_settlement_does_not_touch_the_next_attempt_of_its_own_worker(
        self, bench: Bench
    ) -> None:
        """B38: the same worker has another fence."""
        bench.push(a_job())
        ann = bench.worker()
        settle = ann.settling(retry(ann.take_one()))
        bench.run(settle)
        ann.take_one()
        before = bench.snapshot()

        (again,) = bench.run(settle)

        assert again.verdict == "lost"
        assert bench.snapshot() == before

    def test_a_settlement_seen_again_after_promotion_changes_nothing(self, bench: Bench) -> None:
        """B38: the job has moved on by itself."""
        bench.push(a_job("A"))
        ann = bench.worker()
        settle = ann.settling(retry(ann.take_one(), delay=SECOND))
        bench.run(settle)
        bench.advance(SECOND)
        ann.claim(0)
        before = bench.snapshot()

        (again,) = bench.run(settle)

        assert again.verdict == "ok"
        assert bench.snapshot() == before

    def test_each_settlement_of_a_batch_is_judged_by_itself(self, bench: Bench) -> None:
        """B38: in order; one that is lost does not harm the others."""
        bench.push(*[a_job() for _ in range(4)])
        ann = bench.worker()
        a, b, c, d = ann.take(4)

        settled = ann.settle(
            succeed(a),
            succeed(replace(b, fence=b.fence + 100)),
            succeed(replace(c, id=UNKNOWN)),
            retry(c, delay=SECOND),
            bury(d),
        )

        assert [v.verdict for v in settled] == ["ok", "lost", "gone", "ok", "ok"]
        states = [bench.get(job.id).state for job in (a, b, c, d)]
        assert states == [JobState.SUCCEEDED, JobState.RUNNING, JobState.RETRYING, JobState.DEAD]

    def test_the_same_settlement_twice_in_a_batch_counts_once(self, bench: Bench) -> None:
        """B38: a copy is a copy wherever it comes."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle(retry(job, delay=SECOND), retry(job, delay=SECOND))

        assert [v.verdict for v in settled] == ["ok", "ok"]
        assert bench.get(job.id).failures == 1

    @only_with(Capability.RETENTION)
    def test_a_burial_that_drops_the_job_twice_in_a_batch_counts_once(self, bench: Bench) -> None:
        """B38: the copy gets the answer of the first."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle(bury(job, keep=False), bury(job, keep=False))

        assert [v.verdict for v in settled] == ["ok", "ok"]
        assert bench.find(job.id) is None

    @only_with(Capability.RETENTION)
    def test_an_old_lease_beside_the_one_that_drops_the_job_is_lost(self, bench: Bench) -> None:
        """B38: found by the differential machine in 12 steps: leases are compared before moves."""
        bench.push(a_job())
        ann, bob = bench.worker(), bench.worker("bob")
        old = ann.take_one()
        bench.live(2 * LEASE, bob)
        new = ann.take_one()

        settled = ann.settle(bury(new, keep=False), succeed(old))

        assert [v.verdict for v in settled] == ["ok", "lost"]

    def test_a_large_batch_is_settled_whole(self, bench: Bench) -> None:
        """B23: as many as a claim may take."""
        bench.push(*[a_job() for _ in range(600)])
        ann = bench.worker()
        jobs = ann.take(600)

        settled = ann.settle(*[succeed(job) for job in jobs])

        assert len(jobs) == 600
        assert {v.verdict for v in settled} == {"ok"}
        assert bench.count().succeeded == 600

    def test_nothing_to_settle_is_fine(self, bench: Bench) -> None:
        """B23: an empty batch."""
        assert bench.worker().settle() == []

    def test_a_late_settlement_holds_if_nobody_has_reclaimed_the_job(self, bench: Bench) -> None:
        """B39: late results are always offered; the store judges by the lease, not by time."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(10 * LEASE)

        settled = ann.settle_one(succeed(job))

        assert (settled.verdict, settled.state) == ("ok", JobState.SUCCEEDED)
        assert bench.get(job.id).finished_at == START + 10 * LEASE

    @each_settlement
    def test_the_settlement_of_a_lost_attempt_is_refused(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B38: whether the job waits again or runs elsewhere."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.live(LEASE, bob)

        bob.claim(0)
        while_waiting = ann.settle_one(settlement(job))
        bob.take_one()
        before = bench.snapshot()
        while_running = ann.settle_one(settlement(job))

        assert (while_waiting.verdict, while_running.verdict) == ("lost", "lost")
        assert bench.snapshot() == before

    def test_a_lease_is_named_by_job_and_fence(self, bench: Bench) -> None:
        """B38: the fence of one job is no key to another."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        a, b = ann.take_one(), ann.take_one()
        crossed = Lease(id=a.id, fence=b.fence)

        settled = ann.settle_one(replace(succeed(a), lease=crossed))

        assert settled.verdict == "lost"
        assert bench.count().running == 2
