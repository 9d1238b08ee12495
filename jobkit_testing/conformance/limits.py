"""How many jobs of a type may run at once."""

from __future__ import annotations

from collections.abc import Callable

from jobkit.record import JobState
from jobkit.store import Cancel, Capability, Delete, Lane, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    a_job,
    bury,
    lanes,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.settling import each_settlement

ONE_OF_L = lanes("A", L=Lane(group="L", limit=1))
TWO_OF_L = lanes("A", L=Lane(group="L", limit=2))


@only_with(Capability.LIMITS)
class Limits:
    """Tests of the limits of lanes."""

    @only_with(Capability.PRIORITIES)
    def test_a_claim_takes_one_of_a_type_with_one_slot_left_and_others(self, bench: Bench) -> None:
        """B23, B26: a claim of 16 is not cut short by a full type."""
        bench.push(*[a_job("L", priority=-1) for _ in range(20)], *[a_job() for _ in range(20)])
        ann = bench.worker("ann", TWO_OF_L)
        first = ann.take(1)

        second = ann.claim(16)

        assert [job.type for job in first] == ["L"]
        assert [job.type for job in second.jobs] == ["L", *["A"] * 15]

    def test_a_limit_holds_over_all_workers(self, bench: Bench) -> None:
        """B26: and is never exceeded."""
        bench.push(*[a_job("L") for _ in range(10)])
        workers = [bench.worker(name, TWO_OF_L) for name in ("ann", "bob", "cid")]

        taken = [len(worker.take(1)) for worker in workers]

        assert taken == [1, 1, 0]
        assert bench.count().running == 2

    def test_a_full_lane_is_no_reason_to_come_back(self, bench: Bench) -> None:
        """B13, B26: `more` is what could be taken at once."""
        bench.push(a_job("L"), a_job("L"))

        claimed = bench.worker("ann", ONE_OF_L).claim(5)

        assert (len(claimed.jobs), claimed.more) == (1, False)

    @only_with(Capability.PRIORITIES)
    def test_a_full_lane_blocks_nobody_behind_it(self, bench: Bench) -> None:
        """B26: better jobs that may not run are passed over."""
        bench.push(*[a_job("L", priority=-9) for _ in range(50)])
        other = bench.push_one(a_job("A", priority=9))
        bench.worker("ann", ONE_OF_L).take(1)

        taken = bench.worker("bob", ONE_OF_L).take(1)

        assert [job.id for job in taken] == [other]

    @only_with(Capability.PRIORITIES)
    def test_many_full_lanes_block_nobody_behind_them(self, bench: Bench) -> None:
        """B26, B50: each is one look-up."""
        limited = {f"L{i}": Lane(group=f"L{i}", limit=1) for i in range(60)}
        bench.push(*[a_job(name, priority=-9) for name in limited for _ in range(2)])
        other = bench.push_one(a_job("A", priority=9))
        ann = bench.worker("ann", lanes("A", **limited))

        taken = ann.take(61)

        assert sorted(job.type for job in taken) == sorted([*limited, "A"])
        assert taken[-1].id == other

    def test_aliases_share_a_limit(self, bench: Bench) -> None:
        """B1, B26: the group is the type's own name."""
        both = lanes(New=Lane(group="New", limit=2), Old=Lane(group="New", limit=2))
        bench.push(a_job("Old"), a_job("New"), a_job("Old"), a_job("New"))

        claimed = bench.worker("ann", both).claim(4)

        assert [job.type for job in claimed.jobs] == ["Old", "New"]
        assert not claimed.more

    def test_limits_are_counted_for_each_queue(self, bench: Bench) -> None:
        """B26: per queue."""
        bench.push(a_job("L", queue="mail"), a_job("L", queue="reports"))

        taken = [bench.worker(q, ONE_OF_L, queue=q).take(1) for q in ("mail", "reports")]

        assert [len(jobs) for jobs in taken] == [1, 1]

    def test_the_limit_of_the_claimer_applies(self, bench: Bench) -> None:
        """B26: a new version with another limit is not bound by the old one."""
        bench.push(*[a_job("L") for _ in range(5)])
        old, new = bench.worker("old", ONE_OF_L), bench.worker("new", TWO_OF_L)

        taken = [len(worker.take(5)) for worker in (old, new, old, new)]

        assert taken == [1, 1, 0, 0]

    def test_jobs_claimed_without_a_limit_count_for_those_who_have_one(self, bench: Bench) -> None:
        """B26: all running jobs of the group count."""
        bench.push(*[a_job("L") for _ in range(5)])
        free, bound = bench.worker("free", lanes("L")), bench.worker("bound", TWO_OF_L)

        taken = [len(free.take(2)), len(bound.take(2)), len(free.take(1))]

        assert taken == [2, 0, 1]

    @only_with(Capability.PRIORITIES)
    @each_settlement
    def test_a_slot_is_free_again_after_every_settlement(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B26: no way to end an attempt leaks a slot."""
        bench.push(a_job("L", priority=1), a_job("L", priority=2))
        ann = bench.worker("ann", ONE_OF_L)
        held = ann.take_one()
        full = ann.take()

        ann.settle(settlement(held))

        assert full == []
        assert len(ann.take(5)) == 1

    @only_with(Capability.CANCELS)
    @each_settlement
    def test_a_slot_is_free_again_after_a_cancelled_run(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B26, B44: the same when the job was marked."""
        bench.push(a_job("L"), a_job("L"))
        ann = bench.worker("ann", ONE_OF_L)
        held = ann.take_one()
        bench.run(Cancel(queue=QUEUE, id=held.id))
        marked = ann.take()

        ann.settle(settlement(held))

        assert marked == []
        assert len(ann.take(5)) == 1

    @only_with(Capability.RETENTION)
    def test_a_slot_is_free_again_after_a_burial_without_a_record(self, bench: Bench) -> None:
        """B26, B36: `keep_dead=False` drops the job, and its slot with it."""
        bench.push(a_job("L"), a_job("L"))
        ann = bench.worker("ann", ONE_OF_L)

        ann.settle(bury(ann.take_one(), keep=False))

        assert len(ann.take(5)) == 1

    @only_with(Capability.RETENTION)
    def test_a_slot_is_free_again_after_a_success_without_retention(self, bench: Bench) -> None:
        """B26, B36: likewise a job that is dropped at its end."""
        bench.push(a_job("L", retention=0), a_job("L"))
        ann = bench.worker("ann", ONE_OF_L)

        ann.settle(succeed(ann.take_one()))

        assert len(ann.take(5)) == 1

    @only_with(Capability.DELETES)
    def test_a_slot_is_free_again_after_a_delete(self, bench: Bench) -> None:
        """B26, B46: a deleted job counts nowhere."""
        bench.push(a_job("L"), a_job("L"))
        ann = bench.worker("ann", ONE_OF_L)
        held = ann.take_one()

        bench.run(Delete(queue=QUEUE, id=held.id))

        assert len(ann.take(5)) == 1

    @only_with(Capability.PRIORITIES)
    def test_a_slot_is_a_lease(self, bench: Bench) -> None:
        """B26, B37: held while that lives, and free again with the claim that reclaims it."""
        bench.push(a_job("L", priority=1), a_job("L", priority=2))
        ann, bob = bench.worker("ann", ONE_OF_L), bench.worker("bob", ONE_OF_L)
        lost = ann.take_one()

        bench.live(LEASE - 1, bob)
        full = bob.take(5)
        bench.advance(1)
        taken = bob.take(5)

        assert full == []
        assert [job.id for job in taken] == [lost.id]

    @only_with(Capability.ON_LOST)
    def test_a_slot_is_free_again_after_a_loss_that_ends_the_job(self, bench: Bench) -> None:
        """B26, B37: poison leaves its slot too."""
        once = lanes(L=Lane(group="L", limit=1, on_lost_dead=True))
        bench.push(a_job("L"), a_job("L"))
        ann, bob = bench.worker("ann", once), bench.worker("bob", once)
        lost = ann.take_one()
        bench.live(LEASE, bob)

        taken = bob.take(5)

        assert len(taken) == 1
        assert taken[0].id != lost.id
        assert bench.get(lost.id).state is JobState.DEAD

    @only_with(Capability.PREFETCH)
    def test_prefetched_jobs_count_for_the_limit(self, bench: Bench) -> None:
        """B26: a slot is taken with the claim, not with the start."""
        bench.push(*[a_job("L") for _ in range(5)])
        ann, bob = bench.worker("ann", TWO_OF_L), bench.worker("bob", TWO_OF_L)

        claimed = ann.claim(1, prefetch=4)

        assert len(claimed.jobs) == 2
        assert bob.take(5) == []
