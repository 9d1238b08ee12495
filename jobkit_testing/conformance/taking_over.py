"""What a dead worker held, taken back at once on the word of somebody who saw it die."""

from __future__ import annotations

from jobkit.record import JobState
from jobkit.store import (
    MAX_LOSSES,
    TAKEN_OVER_AT_ONCE,
    Bounds,
    Cancel,
    Capability,
    Lane,
    LaneSet,
    StoredJob,
    TakenOver,
    TakeOver,
)
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    a_job,
    lanes,
    lease_of,
    succeed,
)
from jobkit_testing.conformance.capable import only_with


def take_over(bench: Bench, worker: BenchWorker) -> TakenOver:
    """Say that a worker is dead."""
    return bench.run(TakeOver(queue=worker.queue, worker=worker.name))


def held(bench: Bench, served: LaneSet | None = None) -> tuple[BenchWorker, StoredJob]:
    """Store a job and let a worker claim it."""
    bench.push(a_job())
    ann = bench.worker("ann", served)
    return ann, ann.take_one()


@only_with(Capability.TAKE_OVER)
class TakingOver:
    """Tests of `TakeOver`."""

    def test_a_dead_workers_job_can_be_claimed_at_once(self, bench: Bench) -> None:
        """B37: without waiting for the lease, and counted as lost."""
        ann, job = held(bench)
        bob = bench.worker("bob")

        taken = take_over(bench, ann)

        assert (taken.count, taken.ended, taken.more) == (1, (), False)
        again = bob.take_one()
        assert (again.id, again.losses, again.suspect) == (job.id, 1, True)
        assert [attempt.outcome for attempt in again.attempts] == ["lost"]
        assert again.attempts[0].worker == "ann"

    def test_nobody_waits_for_the_end_of_a_holiday(self, bench: Bench) -> None:
        """B37: the supervisor saw it die; a silence of the queue makes no difference."""
        ann, job = held(bench)
        bench.advance(LEASE)
        bob = bench.worker("bob")  # after such a silence nobody reclaims for a lease

        take_over(bench, ann)

        assert bob.take_one().id == job.id

    def test_it_keeps_its_place_at_the_front(self, bench: Bench) -> None:
        """B9, B37: priority, due time and arrival stay."""
        ann, job = held(bench)
        bench.advance(SECOND)
        later = bench.push_one(a_job())
        bob = bench.worker("bob")

        take_over(bench, ann)

        assert [taken.id for taken in bob.take(2)] == [job.id, later]

    @only_with(Capability.PREFETCH)
    def test_a_prefetched_job_that_had_not_begun_counts_no_loss(self, bench: Bench) -> None:
        """B37: a suspect all the same."""
        bench.push(a_job(), a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        begun, waiting = ann.claim(0, prefetch=2).jobs
        ann.beat(begun, waiting, started=(begun,))

        take_over(bench, ann)

        taken = {job.id: job for job in bob.take(2, suspects=2)}
        assert (taken[begun.id].losses, taken[waiting.id].losses) == (1, 0)
        assert taken[waiting.id].suspect

    def test_the_third_loss_buries_the_job(self, bench: Bench) -> None:
        """B37: poison, told as `ended`."""
        job_id = bench.push_one(a_job())
        ended: list[tuple[str, ...]] = []
        for number in range(MAX_LOSSES):
            worker = bench.worker(f"w{number}")
            worker.take_one()
            ended.append(take_over(bench, worker).ended)

        assert ended == [(), (), (job_id,)]
        assert bench.get(job_id).state is JobState.DEAD

    @only_with(Capability.ON_LOST)
    def test_on_lost_dead_buries_it_at_the_first(self, bench: Bench) -> None:
        """B37: at most once."""
        ann, job = held(bench, lanes(A=Lane(group="A", on_lost_dead=True)))

        assert take_over(bench, ann).ended == (job.id,)
        assert bench.get(job.id).state is JobState.DEAD

    @only_with(Capability.CANCELS)
    def test_a_cancelled_job_ends_cancelled(self, bench: Bench) -> None:
        """B44: it is not run again."""
        ann, job = held(bench)
        bench.run(Cancel(queue=QUEUE, id=job.id))

        assert take_over(bench, ann).ended == (job.id,)
        assert bench.get(job.id).state is JobState.CANCELLED

    def test_a_copy_changes_nothing(self, bench: Bench) -> None:
        """B37: a lost reply is asked for again; the next holder keeps the job."""
        ann, _ = held(bench)
        bob = bench.worker("bob")
        take_over(bench, ann)
        job = bob.take_one()

        copy = take_over(bench, ann)

        assert (copy.count, copy.ended) == (0, ())
        assert bench.get(job.id) == job
        assert bob.settle_one(succeed(job)).verdict == "ok"

    def test_what_others_hold_stays_theirs(self, bench: Bench) -> None:
        """B23: also of a worker whose name begins alike."""
        bench.push(a_job(), a_job())
        ann, anne = bench.worker("ann"), bench.worker("ann.e")
        ann.take_one()
        job = anne.take_one()

        assert take_over(bench, ann).count == 1
        assert bench.get(job.id) == job

    def test_other_queues_are_left_alone(self, bench: Bench) -> None:
        """B12: one call a queue."""
        bench.push(a_job(queue="mail"))
        job = bench.worker("ann", queue="mail").take_one()
        ann = bench.worker("ann")

        assert take_over(bench, ann).count == 0
        assert bench.get(job.id, queue="mail") == job

    def test_the_dead_cannot_settle(self, bench: Bench) -> None:
        """B38: should it live after all, what it held is lost to it."""
        ann, job = held(bench)
        take_over(bench, ann)

        assert ann.settle_one(succeed(job)).verdict == "lost"
        assert ann.beat(job).lost == (job.id,)

    def test_the_dead_are_forgotten(self, bench: Bench) -> None:
        """B37: a claim of theirs that was under way takes nothing."""
        ann, _ = held(bench)

        take_over(bench, ann)

        assert ann.claim().lanes_unknown

    @only_with(Capability.WAKING)
    def test_somebody_idle_is_woken(self, bench: Bench) -> None:
        """B13: by a hint, as by an enqueue."""
        ann, _ = held(bench)
        bob = bench.worker("bob")
        waiter = bench.store.waiter("bob")
        bob.claim(idle=True)

        take_over(bench, ann)

        assert waiter.wait([QUEUE], timeout=5)
        waiter.close()

    @only_with(Capability.LIMITS)
    def test_a_limit_counts_them_no_longer(self, bench: Bench) -> None:
        """B26: the slot is free at once."""
        served = lanes(A=Lane(group="A", limit=1))
        ann, _ = held(bench, served)
        bob = bench.worker("bob", served)

        take_over(bench, ann)

        assert len(bob.take(2)) == 1

    def test_a_worker_that_nobody_knows_held_nothing(self, bench: Bench) -> None:
        """B37: it died before it claimed, or left in order."""
        job = bench.push_one(a_job())
        bob = bench.worker("bob")

        taken = bench.run(TakeOver(queue=QUEUE, worker="nobody"))

        assert (taken.count, taken.ended, taken.more) == (0, (), False)
        assert bob.take_one().id == job

    def test_very_many_are_taken_back_by_and_by(self, bench: Bench) -> None:
        """B37: each call is bounded."""
        for _ in range(2):
            bench.push(*[a_job() for _ in range(TAKEN_OVER_AT_ONCE // 2 + 5)])
        ann = bench.worker("ann")
        ann.take(TAKEN_OVER_AT_ONCE + 10)

        first, second = take_over(bench, ann), take_over(bench, ann)

        assert (first.count, first.more) == (TAKEN_OVER_AT_ONCE, True)
        assert (second.count, second.more) == (10, False)
        assert bench.count().running == 0

    @only_with(Capability.RETENTION, Capability.ON_LOST)
    def test_what_has_ended_is_trimmed(self, bench: Bench) -> None:
        """B36: as by each call that ends jobs."""
        bounds = Bounds(dead_for=SECOND)
        served = lanes(A=Lane(group="A", on_lost_dead=True))
        ann, old = held(bench, served)
        take_over(bench, ann)
        bench.advance(SECOND)
        bob = bench.worker("bob", served)

        bench.run(TakeOver(queue=QUEUE, worker=bob.name, bounds=bounds))

        assert bench.find(old.id) is None

    def test_the_lease_of_the_dead_is_no_longer_known(self, bench: Bench) -> None:
        """B38: the next claim has another fence."""
        ann, job = held(bench)
        bob = bench.worker("bob")
        take_over(bench, ann)

        assert lease_of(bob.take_one()).fence > lease_of(job).fence
