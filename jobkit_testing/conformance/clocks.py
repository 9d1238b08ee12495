"""Silences and clocks that step: nobody loses a lease for them."""

from __future__ import annotations

from jobkit.record import JobState
from jobkit.store import CLOCK_SLACK
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import LEASE, SECOND, START, a_job, lanes, release

DAY = 86_400_000


class Clocks:
    """Tests of the holiday and of the watermark."""

    def test_after_a_silence_nobody_reclaims_for_one_lease(self, bench: Bench) -> None:
        """B37: after an outage every lease looks expired, also those of the living."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.advance(2 * LEASE)

        bob.beat()
        at_once = bob.take()
        bench.live(LEASE - 1, bob)
        early = bob.take()
        bench.advance(1)
        after = bob.take()

        assert (at_once, early) == ([], [])
        assert [again.id for again in after] == [job.id]

    def test_a_claim_begins_a_holiday_too(self, bench: Bench) -> None:
        """B37: whichever comes first after the silence."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.advance(2 * LEASE)

        at_once = bob.take()
        bench.live(LEASE - 1, bob)
        early = bob.take()
        bench.advance(1)
        after = bob.take()

        assert (at_once, early, len(after)) == ([], [], 1)

    def test_a_worker_that_was_cut_off_keeps_its_job_over_a_silence(self, bench: Bench) -> None:
        """B37: without the holiday a live job would run twice."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.advance(10 * LEASE)

        taken = bob.take()
        bench.advance(SECOND)
        beat = ann.beat(job)
        bench.live(LEASE - 1, bob)
        still = bob.take()

        assert (taken, beat.lost, still) == ([], (), [])

    def test_half_a_lease_is_no_silence(self, bench: Bench) -> None:
        """B37: only what is longer."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.advance(LEASE // 2)
        bob.beat()
        bench.advance(LEASE // 2)

        assert len(bob.take()) == 1

    def test_more_than_half_a_lease_is_a_silence(self, bench: Bench) -> None:
        """B37: by a millisecond."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.advance(LEASE // 2 + 1)
        bob.beat()
        bench.live(LEASE - 1, bob)

        early = bob.take()
        bench.advance(1)
        after = bob.take()

        assert (len(early), len(after)) == (0, 1)

    def test_a_dead_worker_is_no_silence_while_another_beats(self, bench: Bench) -> None:
        """B37: its job is claimable when the lease is over."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.live(LEASE, bob)

        assert len(bob.take()) == 1

    def test_claims_are_signs_of_life_too(self, bench: Bench) -> None:
        """B37: a worker that claims is alive."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()

        counts: list[int] = []
        for _ in range(3):
            bench.advance(LEASE // 3)
            counts.append(len(bob.take()))

        assert counts == [0, 0, 1]

    def test_a_silence_without_a_live_lease_begins_no_holiday(self, bench: Bench) -> None:
        """B37: an idle queue has nobody to protect, and a shorter lease ends before a holiday."""
        bench.worker("ann")
        bench.advance(DAY)
        bench.push(a_job())
        bob, ann = bench.worker("bob"), bench.worker("ann", lease=LEASE // 2)
        ann.take_one()
        bench.live(LEASE // 2, bob)

        assert len(bob.take()) == 1

    def test_a_holiday_stops_no_other_work(self, bench: Bench) -> None:
        """B37: what waits is promoted and claimed as ever."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        ready, later = bench.push(a_job(), a_job(delay=LEASE))
        bench.advance(2 * LEASE)

        taken = bob.take(5)

        assert [job.id for job in taken] == [ready, later]

    def test_a_holiday_of_one_queue_is_none_of_another(self, bench: Bench) -> None:
        """B12: each queue has its own sense of time."""
        bench.push(a_job(queue="mail"), a_job(queue="reports"))
        for queue in ("mail", "reports"):
            bench.worker("ann", queue=queue).take_one()
        mail = bench.worker("bob", queue="mail")
        bench.live(LEASE, mail)

        reports = bench.worker("bob", queue="reports")

        assert (len(mail.take()), len(reports.take())) == (1, 0)

    def test_a_clock_a_little_behind_stands_still(self, bench: Bench) -> None:
        """B37: after a failover to a server whose clock is slightly late."""
        ann = bench.worker("ann")
        bench.advance(10 * SECOND)
        ann.beat()
        mark = bench.now
        bench.advance(-CLOCK_SLACK)

        claimed = ann.claim()
        job_id = bench.push_one(a_job(delay=SECOND))

        assert claimed.now == mark
        assert bench.get(job_id).enqueued_at == mark
        assert bench.get(job_id).run_at == mark + SECOND

    def test_a_clock_a_little_behind_costs_nobody_a_lease(self, bench: Bench) -> None:
        """B37: leases run by the queue's instant."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.live(LEASE - 1, bob)
        bench.advance(-CLOCK_SLACK)

        while_still = bob.take()
        bench.advance(CLOCK_SLACK + 1)
        on_time = bob.take()

        assert (len(while_still), len(on_time)) == (0, 1)

    def test_a_clock_far_behind_is_believed(self, bench: Bench) -> None:
        """B37: somebody has corrected it; waiting for it would stop everything."""
        ann = bench.worker("ann")
        bench.advance(DAY)
        ann.beat()
        bench.advance(-CLOCK_SLACK - 1)

        claimed = ann.claim()

        assert claimed.now == bench.now

    def test_a_clock_set_back_begins_a_holiday_of_one_lease(self, bench: Bench) -> None:
        """B37: and the watermark follows it."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        bench.advance(DAY)
        ann.beat()
        job = ann.take_one()
        bench.live(LEASE - 1, bob)
        bench.advance(-DAY // 2)

        bob.beat()
        bench.live(LEASE - 1, bob)
        early = bob.take()
        bench.advance(1)
        after = bob.take()

        assert early == []
        assert [again.id for again in after] == [job.id]

    def test_leases_keep_their_remaining_time_when_the_clock_is_set_back(
        self, bench: Bench
    ) -> None:
        """B37: a job of a dead worker does not wait for half a day."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", lease=2 * LEASE), bench.worker("bob")
        job = ann.take_one()
        bench.advance(10 * SECOND)
        bob.beat()
        bench.advance(-DAY // 2)

        bob.beat()
        bench.live(2 * LEASE - 10 * SECOND - 1, bob)
        early = bob.take()
        bench.advance(1)
        after = bob.take()

        assert early == []
        assert [again.id for again in after] == [job.id]

    def test_a_job_claimed_when_the_clock_was_ahead_can_be_settled_after(
        self, bench: Bench
    ) -> None:
        """B38: the lease counts, not the time."""
        bench.push(a_job())
        ann = bench.worker()
        bench.advance(DAY)
        ann.beat()
        job = ann.take_one()
        bench.advance(-DAY)

        beat = ann.beat(job)

        assert beat.lost == ()
        assert beat.now == START

    def test_a_job_handed_back_after_the_clock_was_set_back_is_ready(self, bench: Bench) -> None:
        """B52: it was due when it was claimed, and goes to the front of its line."""
        job_id = bench.push_one(a_job(run_at=START + DAY))
        ann = bench.worker()
        bench.advance(DAY)
        job = ann.take_one()
        bench.advance(-DAY)
        ann.beat(job)

        settled = ann.settle_one(release(job))

        assert (settled.verdict, settled.state, settled.due) == ("ok", JobState.QUEUED, START + DAY)
        assert [again.id for again in ann.take()] == [job_id]

    def test_scheduled_jobs_keep_their_time_when_the_clock_is_set_back(self, bench: Bench) -> None:
        """B8: an instant is an instant."""
        job_id = bench.push_one(a_job(run_at=START + 10 * SECOND))
        ann = bench.worker("ann", lanes("A"))
        bench.advance(9 * SECOND)
        ann.beat()
        bench.advance(-8 * SECOND)

        early = ann.take()
        bench.advance(9 * SECOND)
        on_time = ann.take()

        assert early == []
        assert [job.id for job in on_time] == [job_id]
