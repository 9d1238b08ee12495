"""What becomes of jobs whose worker has died."""

from __future__ import annotations

from jobkit.record import JobState
from jobkit.store import (
    MAX_LOSSES,
    RECLAIMED_PER_CLAIM,
    Cancel,
    Capability,
    Claimed,
    Lane,
    MarkTimedOut,
)
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    lanes,
    lease_of,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

ONCE = lanes(A=Lane(group="A", on_lost_dead=True))
ONCE_DROPPED = lanes(A=Lane(group="A", on_lost_dead=True, keep_dead=False))
DROPPED = lanes(A=Lane(group="A", keep_dead=False))


def lose(bench: Bench, keeper: BenchWorker, times: int) -> list[Claimed]:
    """Let workers take one job and die, one after the other, and return their claims."""
    claims: list[Claimed] = []
    for _ in range(times):
        number = len(claims) + 1
        claims.append(bench.worker(f"victim-{number}", keeper.lanes).claim())
        bench.live(LEASE, keeper)
    return claims


class Leases:
    """Tests of expiry, reclaiming and poison."""

    def test_a_lease_runs_out_to_the_millisecond(self, bench: Bench) -> None:
        """B37: the job of a dead worker is claimable after its lease, not before."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        lost = ann.take_one()

        bench.live(LEASE - 1, bob)
        early = bob.take()
        bench.advance(1)
        on_time = bob.take()

        assert early == []
        assert [job.id for job in on_time] == [lost.id]

    def test_a_lost_job_is_counted_as_lost_and_not_as_an_error(self, bench: Bench) -> None:
        """B37: its attempt says so, and the next run repeats the number."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", version="1"), bench.worker("bob", version="2")
        ann.take_one()
        bench.live(LEASE, bob)

        again = bob.take_one()

        assert (again.starts, again.failures, again.timeouts, again.losses) == (2, 0, 0, 1)
        (attempt,) = again.attempts
        assert (attempt.number, attempt.outcome) == (1, "lost")
        assert (attempt.started_at, attempt.finished_at) == (START, START + LEASE)
        assert (attempt.worker, attempt.version) == ("ann", "1")
        assert (again.worker, again.started_at) == ("bob", START + LEASE)

    def test_a_lost_job_shows_its_last_claim_until_the_next(self, bench: Bench) -> None:
        """B43: fence, worker, version and start are those of the run that was lost."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", version="1"), bench.worker("bob", version="2")
        lost = ann.take_one()
        bench.live(LEASE, bob)
        bob.claim(0)

        waiting = bench.get(lost.id)

        assert waiting.state is JobState.QUEUED
        assert (waiting.fence, waiting.worker, waiting.version) == (lost.fence, "ann", "1")
        assert (waiting.started_at, waiting.finished_at) == (START, None)

    @only_with(Capability.PRIORITIES)
    def test_a_lost_job_waits_at_the_front_of_its_priority(self, bench: Bench) -> None:
        """B37: before those that came after it, behind better priorities."""
        bench.push(a_job(), a_job(), a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        lost = ann.take_one()
        better = bench.push_one(a_job(priority=-1))
        bench.live(LEASE, bob)

        taken = bob.take(2)

        assert [job.id for job in taken] == [better, lost.id]

    def test_a_heartbeat_extends_the_leases_that_it_names(self, bench: Bench) -> None:
        """B37: from its own instant on, and no others."""
        bench.push(a_job(), a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        kept, lost = ann.take(2)
        bench.live(10 * SECOND, bob)
        ann.beat(kept)

        bench.live(20 * SECOND, bob)
        first = bob.take(5)
        bench.live(10 * SECOND - 1, bob)
        early = bob.take(5)
        bench.advance(1)
        second = bob.take(5)

        assert [job.id for job in first] == [lost.id]
        assert early == []
        assert [job.id for job in second] == [kept.id]

    def test_a_worker_that_beats_keeps_its_job_for_ever(self, bench: Bench) -> None:
        """B37: a long run is no loss."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()

        for _ in range(30):
            bench.advance(LEASE // 3)
            ann.beat(job)
            assert bob.take() == []

        assert ann.settle_one(succeed(job)).verdict == "ok"
        assert bench.get(job.id).losses == 0

    def test_an_expired_lease_that_nobody_reclaimed_can_be_extended(self, bench: Bench) -> None:
        """B37: late is better than lost."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.live(2 * LEASE, bob)

        beat = ann.beat(job)
        taken = bob.take()

        assert (beat.lost, taken) == ((), [])

    def test_a_worker_may_reclaim_what_it_lost_itself(self, bench: Bench) -> None:
        """B37: under a new fence."""
        bench.push(a_job())
        ann = bench.worker()
        first = ann.take_one()
        bench.live(LEASE, ann)

        second = ann.take_one()

        assert second.id == first.id
        assert second.fence > first.fence
        assert second.losses == 1

    @only_with(Capability.PREFETCH)
    def test_the_loser_of_a_lease_can_do_nothing_more(self, bench: Bench) -> None:
        """B38: neither settle nor extend nor mark; and it is told."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.live(LEASE, bob)
        bob.take_one()
        before = bench.snapshot()

        settled = ann.settle_one(succeed(job))
        beat = ann.beat(job, started=(job,))
        marked = bench.run(MarkTimedOut(queue=QUEUE, worker="ann", lease=lease_of(job)))

        assert (settled.verdict, beat.lost, marked) == ("lost", (job.id,), False)
        assert (beat.cancelled, beat.deleted) == ((), ())
        assert bench.snapshot() == before

    def test_a_heartbeat_of_the_loser_does_not_extend_the_new_lease(self, bench: Bench) -> None:
        """B38: which is another one's."""
        bench.push(a_job())
        ann, bob, cid = (bench.worker(name) for name in ("ann", "bob", "cid"))
        job = ann.take_one()
        bench.live(LEASE, cid)
        bob.take_one()

        bench.live(LEASE // 2, cid)
        ann.beat(job)
        bench.live(LEASE // 2, cid)

        assert [again.id for again in cid.take()] == [job.id]

    def test_a_claim_reclaims_a_bounded_number_oldest_first(self, bench: Bench) -> None:
        """B37: at most 100 a claim; the others with the next."""
        bench.push(*[a_job() for _ in range(2 * RECLAIMED_PER_CLAIM + 50)])
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take(50)
        bench.advance(1)
        ann.take(2 * RECLAIMED_PER_CLAIM)
        bench.live(LEASE + 1, bob)

        waiting: list[int] = []
        for _ in range(4):
            bob.claim(0)
            waiting.append(bench.count().queued.get("A", 0))

        assert waiting == [100, 200, 250, 250]

    def test_the_third_loss_makes_a_job_dead(self, bench: Bench) -> None:
        """B37: as poison; the claim that finds it says so, and nobody gets it again."""
        bench.push(a_job())
        keeper = bench.worker("keeper")

        claims = lose(bench, keeper, MAX_LOSSES)
        last = keeper.claim()

        job_id = claims[0].jobs[0].id
        dead = bench.get(job_id)
        assert [len(claim.jobs) for claim in claims] == [1, 1, 1]
        assert [claim.ended for claim in claims] == [(), (), ()]
        assert (last.jobs, last.ended) == ((), (job_id,))
        assert (dead.state, dead.finished_at) == (JobState.DEAD, bench.now)
        assert (dead.starts, dead.losses, dead.failures) == (3, 3, 0)
        assert [attempt.outcome for attempt in dead.attempts] == ["lost"] * 3
        assert [a.worker for a in dead.attempts] == ["victim-1", "victim-2", "victim-3"]
        assert keeper.claim().ended == ()

    @only_with(Capability.RETENTION)
    def test_poison_is_dropped_if_its_type_keeps_no_dead(self, bench: Bench) -> None:
        """B36, B37: `keep_dead=False`; it is reported all the same."""
        bench.push(a_job())
        keeper = bench.worker("keeper", DROPPED)

        claims = lose(bench, keeper, MAX_LOSSES)
        last = keeper.claim()

        job_id = claims[0].jobs[0].id
        assert last.ended == (job_id,)
        assert bench.find(job_id) is None
        assert bench.count().dead == 0

    @only_with(Capability.ON_LOST)
    def test_a_job_that_runs_once_at_most_is_dead_when_lost(self, bench: Bench) -> None:
        """B37: `on_lost="dead"`."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", ONCE), bench.worker("bob", ONCE)
        job = ann.take_one()
        bench.live(LEASE, bob)

        claimed = bob.claim()

        dead = bench.get(job.id)
        assert (claimed.jobs, claimed.ended) == ((), (job.id,))
        assert (dead.state, dead.starts, dead.losses) == (JobState.DEAD, 1, 1)
        assert [attempt.outcome for attempt in dead.attempts] == ["lost"]

    @only_with(Capability.RETENTION, Capability.ON_LOST)
    def test_a_job_that_runs_once_at_most_is_dropped_if_its_type_keeps_no_dead(
        self, bench: Bench
    ) -> None:
        """B36, B37: both options together."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", ONCE_DROPPED), bench.worker("bob", ONCE_DROPPED)
        job = ann.take_one()
        bench.live(LEASE, bob)

        claimed = bob.claim()

        assert claimed.ended == (job.id,)
        assert bench.find(job.id) is None

    @only_with(Capability.PREFETCH, Capability.ON_LOST)
    def test_a_prefetched_job_that_runs_once_at_most_may_be_given_to_another(
        self, bench: Bench
    ) -> None:
        """B37: it has not run, so it is not lost."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", ONCE), bench.worker("bob", ONCE)
        ann.claim(0, prefetch=1)
        bench.live(LEASE, bob)

        claimed = bob.claim()

        assert (len(claimed.jobs), claimed.ended) == (1, ())

    @only_with(Capability.ON_LOST)
    def test_how_a_lost_job_ends_is_the_word_of_the_worker_that_ran_it(self, bench: Bench) -> None:
        """B37: read when the job is claimed, not when it is found lost."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", ONCE), bench.worker("bob", lanes("A"))
        job = ann.take_one()
        bench.live(LEASE, bob)

        claimed = bob.claim()

        assert claimed.ended == (job.id,)
        assert bench.get(job.id).state is JobState.DEAD

    @only_with(Capability.CANCELS)
    def test_a_job_that_was_to_be_cancelled_is_cancelled_when_lost(self, bench: Bench) -> None:
        """B44: it is not run again."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.run(Cancel(queue=QUEUE, id=job.id))
        bench.live(LEASE, bob)

        claimed = bob.claim()

        assert (claimed.jobs, claimed.ended) == ((), (job.id,))
        assert bench.get(job.id).state is JobState.CANCELLED
        assert bench.get(job.id).finished_at == bench.now

    @only_with(Capability.PREFETCH, Capability.CANCELS)
    def test_a_cancelled_job_that_had_not_started_is_cancelled_when_lost(
        self, bench: Bench
    ) -> None:
        """B44: likewise, without an attempt."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        (job,) = ann.claim(0, prefetch=1).jobs
        bench.run(Cancel(queue=QUEUE, id=job.id))
        bench.live(LEASE, bob)

        claimed = bob.claim()

        assert claimed.ended == (job.id,)
        assert (bench.get(job.id).losses, bench.get(job.id).attempts) == (0, ())

    def test_a_claim_reclaims_types_that_its_worker_does_not_serve(self, bench: Bench) -> None:
        """B37: any living worker of the queue does it for all."""
        bench.push(a_job("B"))
        ann, bob = bench.worker("ann", lanes("B")), bench.worker("bob", lanes("A"))
        lost = ann.take_one()
        bench.live(LEASE, bob)

        claimed = bob.claim()

        assert (claimed.jobs, claimed.more) == ((), False)
        assert bench.get(lost.id).state is JobState.QUEUED

    def test_nothing_is_reclaimed_from_another_queue(self, bench: Bench) -> None:
        """B12: leases are of their queue."""
        bench.push(a_job(queue="mail"))
        ann, bob = bench.worker("ann", queue="mail"), bench.worker("bob", queue="reports")
        job = ann.take_one()
        bench.live(2 * LEASE, bob)

        bob.claim(5)

        assert bench.get(job.id, queue="mail") == job
