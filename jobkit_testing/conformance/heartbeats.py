"""What a heartbeat tells, and what a worker may write while it holds a job."""

from __future__ import annotations

from msgspec.structs import replace

from jobkit.record import JobState
from jobkit.store import Cancel, Capability, Delete, MarkTimedOut
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    lease_of,
    retry,
)
from jobkit_testing.conformance.capable import only_with


class Heartbeats:
    """Tests of `Heartbeat` and `MarkTimedOut`."""

    def test_a_heartbeat_of_leases_that_hold_tells_nothing(self, bench: Bench) -> None:
        """B37: no news is good news."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        jobs = ann.take(2)
        bench.advance(SECOND)

        beat = ann.beat(*jobs)

        assert beat.now == START + SECOND
        assert (beat.lost, beat.cancelled, beat.deleted) == ((), (), ())

    @only_with(Capability.CANCELS, Capability.DELETES)
    def test_a_heartbeat_sorts_leases_by_what_befell_them(self, bench: Bench) -> None:
        """B38, B44, B46: each in one list, in the order in which they were named."""
        bench.push(*[a_job() for _ in range(7)])
        ann, bob = bench.worker("ann"), bench.worker("bob")
        lost_1, cancelled_1, deleted_1, fine, deleted_2, cancelled_2, lost_2 = ann.take(7)
        for job in (cancelled_1, cancelled_2):
            bench.run(Cancel(queue=QUEUE, id=job.id))
        for job in (deleted_1, deleted_2):
            bench.run(Delete(queue=QUEUE, id=job.id))
        bench.live(LEASE - SECOND, bob)
        ann.beat(cancelled_1, fine, cancelled_2)
        bench.live(SECOND, bob)
        bob.claim(0)

        beat = ann.beat(lost_2, cancelled_2, deleted_2, fine, deleted_1, cancelled_1, lost_1)

        assert beat.lost == (lost_2.id, lost_1.id)
        assert beat.cancelled == (cancelled_2.id, cancelled_1.id)
        assert beat.deleted == (deleted_2.id, deleted_1.id)

    @only_with(Capability.CANCELS)
    def test_a_cancel_is_told_with_every_heartbeat(self, bench: Bench) -> None:
        """B44: one lost reply loses nothing."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(Cancel(queue=QUEUE, id=job.id))

        beats = [ann.beat(job) for _ in range(3)]

        assert [beat.cancelled for beat in beats] == [(job.id,)] * 3

    @only_with(Capability.CANCELS)
    def test_a_job_that_is_to_be_cancelled_keeps_its_lease(self, bench: Bench) -> None:
        """B44: its handler may take its time."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.run(Cancel(queue=QUEUE, id=job.id))

        for _ in range(6):
            bench.advance(LEASE // 3)
            ann.beat(job)

        assert bob.claim().ended == ()
        assert bench.get(job.id).state is JobState.RUNNING

    def test_a_lease_of_another_worker_is_lost_for_this_one(self, bench: Bench) -> None:
        """B38: naming it does not extend it."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.live(LEASE - 1, bob)

        beat = bob.beat(job)
        bench.advance(1)

        assert beat.lost == (job.id,)
        assert [again.id for again in bob.take()] == [job.id]

    def test_a_heartbeat_of_many_leases_extends_them_all(self, bench: Bench) -> None:
        """B37: as many as a worker can hold."""
        bench.push(*[a_job() for _ in range(1_200)])
        ann, bob = bench.worker("ann"), bench.worker("bob")
        jobs = [*ann.take(600), *ann.take(600)]
        bench.live(LEASE // 2, bob)
        beat = ann.beat(*jobs)
        bench.live(LEASE // 2, bob)

        taken = bob.claim()

        assert (len(jobs), beat.lost) == (1_200, ())
        assert taken.jobs == ()

    def test_a_timed_out_attempt_shows_it_and_runs_on(self, bench: Bench) -> None:
        """B28: at once, under its lease."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(SECOND)

        marked = bench.run(MarkTimedOut(queue=QUEUE, worker="ann", lease=lease_of(job)))

        assert marked
        assert bench.get(job.id) == replace(job, timed_out_at=START + SECOND)

    def test_the_first_mark_of_an_attempt_stays(self, bench: Bench) -> None:
        """B28: marking again changes nothing."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        mark = MarkTimedOut(queue=QUEUE, worker="ann", lease=lease_of(job))
        bench.run(mark)
        bench.advance(SECOND)

        marked = bench.run(mark)

        assert marked
        assert bench.get(job.id).timed_out_at == START

    def test_only_the_holder_marks_an_attempt(self, bench: Bench) -> None:
        """B38: by worker and fence."""
        bench.push(a_job())
        job = bench.worker("ann").take_one()
        lease = lease_of(job)

        marked = [
            bench.run(MarkTimedOut(queue=QUEUE, worker="bob", lease=lease)),
            bench.run(
                MarkTimedOut(queue=QUEUE, worker="ann", lease=replace(lease, fence=lease.fence + 1))
            ),
            bench.run(
                MarkTimedOut(queue=QUEUE, worker="ann", lease=replace(lease, id="0" * 26)),
            ),
        ]

        assert marked == [False, False, False]
        assert bench.get(job.id) == job

    def test_an_ended_attempt_is_not_marked(self, bench: Bench) -> None:
        """B38: its lease is gone."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        ann.settle(retry(job, delay=SECOND))

        marked = bench.run(MarkTimedOut(queue=QUEUE, worker="ann", lease=lease_of(job)))

        assert not marked
        assert bench.get(job.id).timed_out_at is None

    def test_a_new_attempt_is_not_marked(self, bench: Bench) -> None:
        """B28: the mark belongs to its attempt, and is seen until the next begins."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(MarkTimedOut(queue=QUEUE, worker="ann", lease=lease_of(job)))
        ann.settle(retry(job, "timed_out"))

        waiting = bench.get(job.id)
        again = ann.take_one()

        assert waiting.timed_out_at == START
        assert again.timed_out_at is None
