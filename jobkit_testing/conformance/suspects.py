"""Jobs that were lost before: run again, but one at a time."""

from __future__ import annotations

from collections.abc import Callable

from jobkit.store import Capability, Lane, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    SECOND,
    a_job,
    lanes,
    release,
    retry_soon,
    snooze,
    succeed,
)
from jobkit_testing.conformance.capable import only_with


def suspects(
    bench: Bench, keeper: BenchWorker, number: int, type_name: str = "A"
) -> list[StoredJob]:
    """Store jobs, lose them once, and let the keeper reclaim them into their line."""
    bench.push(*[a_job(type_name) for _ in range(number)])
    lost = bench.worker("victim", keeper.lanes).take(number)
    assert len(lost) == number
    bench.live(LEASE, keeper)
    keeper.claim(0)
    return lost


class Suspects:
    """Tests of `Claim.suspects`."""

    def test_a_claim_takes_one_suspect(self, bench: Bench) -> None:
        """B37: a process that dies of it takes no other one along."""
        bob = bench.worker("bob")
        lost = suspects(bench, bob, 3)

        taken = [[job.id for job in bob.take(5)] for _ in range(3)]

        assert taken == [[job.id] for job in lost]

    def test_a_claim_says_that_it_left_a_suspect(self, bench: Bench) -> None:
        """B37: the next one can have it."""
        bob = bench.worker("bob")
        suspects(bench, bob, 2)

        assert [bob.claim(5).more for _ in range(2)] == [True, False]

    def test_a_claim_may_be_told_to_take_no_suspect(self, bench: Bench) -> None:
        """B37: a process that runs one already asks for none."""
        bob = bench.worker("bob")
        suspects(bench, bob, 1)

        none = bob.claim(5, suspects=0)
        one = bob.claim(5, suspects=1)

        assert (none.jobs, none.more) == ((), False)
        assert len(one.jobs) == 1

    def test_a_claim_may_be_told_to_take_several_suspects(self, bench: Bench) -> None:
        """B37: the number is the worker's."""
        bob = bench.worker("bob")
        suspects(bench, bob, 3)

        assert len(bob.take(5, suspects=2)) == 2

    @only_with(Capability.PREFETCH)
    def test_suspects_are_not_prefetched(self, bench: Bench) -> None:
        """B37: a slot for each."""
        bob = bench.worker("bob")
        lost = suspects(bench, bob, 1)
        fresh = bench.push_one(a_job())

        claimed = bob.claim(0, prefetch=5, suspects=5)

        assert [job.id for job in claimed.jobs] == [fresh]
        assert [job.id for job in bob.take()] == [lost[0].id]

    @only_with(Capability.PREFETCH)
    def test_suspects_are_not_prefetched_behind_slots(self, bench: Bench) -> None:
        """B37: the second one of a claim waits for the next claim."""
        bob = bench.worker("bob")
        lost = suspects(bench, bob, 2)
        fresh = bench.push(a_job(), a_job())

        claimed = bob.claim(1, prefetch=5, suspects=2)

        assert [job.id for job in claimed.jobs] == [lost[0].id, *fresh]
        assert claimed.started == 1

    def test_suspects_block_nobody_behind_them(self, bench: Bench) -> None:
        """B37: others of the type and of other types are taken past them."""
        bob = bench.worker("bob", lanes("A", "B"))
        lost = suspects(bench, bob, 4)
        fresh = bench.push(a_job("A"), a_job("B"), a_job("A"))

        taken = bob.take(10)

        assert [job.id for job in taken] == [lost[0].id, *fresh]

    @only_with(Capability.PRIORITIES)
    def test_a_suspect_has_no_better_place_than_its_own(self, bench: Bench) -> None:
        """B9: it is compared with all others by priority, due time and arrival."""
        bob = bench.worker("bob", lanes("A", "B"))
        lost = suspects(bench, bob, 1)
        better = bench.push(a_job("A", priority=-1), a_job("B", priority=-2))
        worse = bench.push_one(a_job("A", priority=0))

        taken = bob.take(10)

        assert [job.id for job in taken] == [better[1], better[0], lost[0].id, worse]

    @only_with(Capability.LIMITS)
    def test_suspects_count_for_the_limit_of_their_type(self, bench: Bench) -> None:
        """B26: like others."""
        two = lanes(A=Lane(group="A", limit=2))
        bob = bench.worker("bob", two)
        suspects(bench, bob, 2)
        bench.push(*[a_job() for _ in range(5)])

        claimed = bob.claim(10, suspects=5)

        assert len(claimed.jobs) == 2
        assert not claimed.more

    def test_suspects_are_counted_and_listed_with_their_type(self, bench: Bench) -> None:
        """B47: readers see one type."""
        bob = bench.worker("bob")
        lost = suspects(bench, bob, 2)
        fresh = bench.push_one(a_job())

        assert bench.count().queued == {"A": 3}
        queued = bench.page(lost[0].state.QUEUED, limit=2)
        assert {job.id for job in queued} == {fresh, *(job.id for job in lost)}
        assert {job.type for job in queued} == {"A"}

    def test_a_suspect_stays_one_over_retries_snoozes_and_hand_backs(self, bench: Bench) -> None:
        """B37: until it has ended."""
        bob = bench.worker("bob")
        suspects(bench, bob, 1)

        ways: list[Callable[[StoredJob], Settlement]] = [release, retry_soon, snooze]
        for way in ways:
            job = bob.take_one()
            bob.settle(way(job))
            bench.advance(SECOND)
            assert bob.take(5, suspects=0) == []

        last = bob.take_one()
        assert last.losses == 1
        assert bob.settle_one(succeed(last)).verdict == "ok"

    def test_two_workers_run_two_suspects(self, bench: Bench) -> None:
        """B37: one a process, not one a queue."""
        bob = bench.worker("bob")
        lost = suspects(bench, bob, 2)
        cid = bench.worker("cid")

        taken = [*bob.take(5), *cid.take(5)]

        assert [job.id for job in taken] == [job.id for job in lost]
