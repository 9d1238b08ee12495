"""Statistics: what becomes of attempts, counted in all and by the minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from msgspec.structs import replace

from jobkit.stats import DURATION_BOUNDS
from jobkit.store import (
    MINUTE_LENGTH,
    MINUTES_KEPT,
    OTHER_TYPES,
    TYPES_COUNTED,
    Bounds,
    Cancel,
    Capability,
    Delete,
    ForgetStatistics,
    Lane,
    Queues,
    Settlement,
    Statistics,
    StoredCounts,
    StoredJob,
    StoredStatistics,
    Succeed,
    TakeOver,
    bucket_of,
    counts_of,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    SETTLEMENTS,
    START,
    a_job,
    bury,
    lanes,
    lease_of,
    release,
    retry,
    snooze,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

ONE = {bucket_of(7): 1, "u": 7}  # an attempt of the builders
FAILED = {**ONE, "f": 1}
DROPPED = Bounds(finished_for=0, finished_max=0, dead_for=0, dead_max=0)

# What every way to end an attempt adds.
COUNTED: Mapping[str, Mapping[str, int]] = {
    "succeed": ONE,
    "retry": {**FAILED, "r": 1},
    "time out": {**ONE, "t": 1, "r": 1},
    "snooze": {},
    "bury": {**FAILED, "d": 1},
    "discard": {**ONE, "c": 1},
    "release": {},
}


def bury_given_up(job: StoredJob) -> Settlement:
    """Build the death of a job whose handler said so."""
    return bury(job, "dead")


def bury_timed_out(job: StoredJob) -> Settlement:
    """Build the death of a job by one timeout too many, without a record."""
    return bury(job, "timed_out", keep=False)


def looked_at(bench: Bench, *, queue: str = QUEUE, minutes: int = MINUTES_KEPT) -> StoredStatistics:
    """Read everything; the totals must be what they were for every reader."""
    found = bench.run(Statistics(queue=queue, minutes=minutes, totals=True))
    part = bench.run(Statistics(queue=queue, minutes=minutes))
    assert part == replace(found, totals={})
    return found


def expected(**groups: Mapping[str, int]) -> dict[str, StoredCounts]:
    """Build what is counted by group."""
    return {group: counts_of(numbers) for group, numbers in groups.items()}


def minute_of(instant: int) -> int:
    """Return when the minute of an instant begins."""
    return instant // MINUTE_LENGTH * MINUTE_LENGTH


@only_with(Capability.STATISTICS)
class StatisticsKept:
    """Tests of `Statistics`."""

    def test_nothing_is_counted_before_anything_ends(self, bench: Bench) -> None:
        """B49: nor does a look bring a queue into being."""
        nothing = StoredStatistics(now=START, totals={}, minutes={})
        assert bench.run(Statistics(queue="nowhere", minutes=3, totals=True)) == nothing
        assert bench.run(Queues()) == ()

        bench.push(a_job(), a_job())
        bench.worker().take_one()

        assert looked_at(bench) == nothing

    @pytest.mark.parametrize("how", SETTLEMENTS)
    def test_each_end_is_counted_once(self, bench: Bench, how: str) -> None:
        """B49: in its minute and in all, also if the settlement is sent again."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(SECOND)
        settlement = SETTLEMENTS[how][0](job)

        ann.settle(settlement, settlement)
        ann.settle(settlement)

        counted = expected(A=COUNTED[how]) if COUNTED[how] else {}
        found = looked_at(bench)
        assert found == StoredStatistics(
            now=bench.now,
            totals=counted,
            minutes={minute_of(bench.now): counted} if counted else {},
        )

    @pytest.mark.parametrize(
        ("death", "counted"),
        [(bury_given_up, {**FAILED, "d": 1}), (bury_timed_out, {**ONE, "t": 1, "d": 1})],
    )
    def test_each_death_is_counted(
        self, bench: Bench, death: Callable[[StoredJob], Settlement], counted: Mapping[str, int]
    ) -> None:
        """B49, B36: a job that keeps no record dies as well."""
        bench.push(a_job())
        ann = bench.worker()

        ann.settle(death(ann.take_one()))

        assert looked_at(bench).totals == expected(A=counted)

    @only_with(Capability.CANCELS)
    @pytest.mark.parametrize("how", SETTLEMENTS)
    def test_the_run_of_a_cancelled_job_counts_as_cancelled(self, bench: Bench, how: str) -> None:
        """B49, B44: whatever its settlement says; a hand-back took the time since its start."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(Cancel(queue=QUEUE, id=job.id))
        bench.advance(SECOND)

        ann.settle(SETTLEMENTS[how][0](job))

        took = SECOND if how == "release" else 7
        counted = {bucket_of(took): 1, "u": took, "c": 1}
        assert looked_at(bench).totals == expected(A=counted)

    @only_with(Capability.PREFETCH, Capability.CANCELS)
    def test_a_cancel_before_the_start_is_no_attempt(self, bench: Bench) -> None:
        """B49, B44: of a waiting job, and of one that was prefetched and handed back."""
        first, _ = bench.push(a_job(), a_job())
        ann = bench.worker()
        bench.run(Cancel(queue=QUEUE, id=first))
        job = ann.claim(0, prefetch=1).jobs[0]
        bench.run(Cancel(queue=QUEUE, id=job.id))

        ann.settle(release(job))

        assert looked_at(bench).totals == {}

    def test_a_batch_is_counted_by_type_and_duration(self, bench: Bench) -> None:
        """B49: aliases count with the type that they name (B1)."""
        types = ["A", "B", "Old", "A", "A", "B"]
        bench.push(*map(a_job, types))
        ann = bench.worker("ann", lanes("A", "B", Old=Lane(group="B")))
        a1, b1, old, a2, a3, b2 = ann.take(6)

        ann.settle(
            succeed(a1, duration=0),
            succeed(b1, duration=1_500),
            retry(old, duration=9),
            succeed(a2, duration=1),
            bury(a3, duration=70_000_000),
            snooze(b2),
        )

        assert looked_at(bench).totals == expected(
            A={"A": 2, "V": 1, "u": 70_000_001, "f": 1, "d": 1},
            B={bucket_of(1_500): 1, bucket_of(9): 1, "u": 1_509, "f": 1, "r": 1},
        )

    def test_every_duration_has_its_bucket(self, bench: Bench) -> None:
        """B49: up to each bound, and beyond it."""
        durations = [0, *(d + more for d in DURATION_BOUNDS for more in (0, 1))]
        bench.push(*[a_job() for _ in durations])
        ann = bench.worker()
        jobs = ann.take(len(durations))

        pairs = zip(jobs, durations, strict=True)
        ann.settle(*[succeed(job, duration=duration) for job, duration in pairs])

        found = looked_at(bench).totals["A"]
        assert found.buckets == (*[2] * 21, 1)
        assert found.busy == sum(durations)

    @only_with(Capability.DELETES)
    def test_a_refused_settlement_counts_nothing(self, bench: Bench) -> None:
        """B49, B38, B46: of a lost lease, and of a job that was deleted."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        first, second = ann.take(2)
        bench.run(Delete(queue=QUEUE, id=first.id))

        ann.settle(
            succeed(first),
            Succeed(lease=replace(lease_of(second), fence=second.fence + 1), duration=7),
        )

        assert looked_at(bench).totals == {}

    def test_a_loss_counts_where_it_is_found(self, bench: Bench) -> None:
        """B49, B37: in the minute of the claim that takes the lease back, once."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        bench.live(LEASE + SECOND, bob)
        claim = bob.claiming(0)
        bench.run(claim)
        bench.run(claim)

        counted = expected(A={"l": 1})
        found = looked_at(bench)
        assert (found.totals, found.minutes) == (counted, {minute_of(bench.now): counted})

    @only_with(Capability.PREFETCH)
    def test_a_loss_before_the_start_is_none(self, bench: Bench) -> None:
        """B49, B37: a prefetched job has lost nothing."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.claim(0, prefetch=1)
        bench.live(LEASE + SECOND, bob)

        bob.claim(0)

        assert looked_at(bench).totals == {}

    @only_with(Capability.ON_LOST, Capability.TAKE_OVER)
    @pytest.mark.parametrize("keep", [True, False])
    def test_poison_counts_as_dead(self, bench: Bench, keep: bool) -> None:
        """B49, B37: with its record or without."""
        served = lanes(A=Lane(group="A", on_lost_dead=True, keep_dead=keep))
        bench.push(a_job(), a_job())
        bench.worker("ann", served).take(2)

        bench.run(TakeOver(queue=QUEUE, worker="ann"))
        bench.run(TakeOver(queue=QUEUE, worker="ann"))

        assert looked_at(bench).totals == expected(A={"l": 2, "d": 2})

    @only_with(Capability.RETENTION)
    def test_counts_outlive_their_jobs(self, bench: Bench) -> None:
        """B49: pruned, deleted or run again."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        first, second = ann.take(2)

        ann.settle(succeed(first), bury(second), bounds=DROPPED)
        bench.advance(SECOND)
        ann.settle(bounds=DROPPED)

        assert bench.find(first.id) is None
        assert looked_at(bench).totals == expected(A={bucket_of(7): 2, "u": 14, "f": 1, "d": 1})

    def test_minutes_stand_apart(self, bench: Bench) -> None:
        """B49: to the millisecond at which one ends."""
        ann = bench.worker()
        begin = minute_of(START) + MINUTE_LENGTH
        for instant in (begin - 1, begin, begin + MINUTE_LENGTH - 1, begin + 5 * MINUTE_LENGTH):
            bench.now = instant
            bench.push(a_job())
            ann.beat()
            ann.settle(succeed(ann.take_one()))

        found = looked_at(bench)
        last = looked_at(bench, minutes=5)

        numbers = {at: sum(types["A"].buckets) for at, types in found.minutes.items()}
        assert numbers == {
            begin - MINUTE_LENGTH: 1,
            begin: 2,
            begin + 5 * MINUTE_LENGTH: 1,
        }
        assert [*found.minutes] == sorted(found.minutes)
        assert [*last.minutes] == [begin + 5 * MINUTE_LENGTH]
        assert last.totals == found.totals == expected(A={bucket_of(7): 4, "u": 28})

    def test_old_minutes_go_and_the_totals_stay(self, bench: Bench) -> None:
        """B49: once the ring has gone round, by writing over them."""
        ann = bench.worker("ann", lanes("A", "B"))
        bench.push(a_job("A"), a_job("B"))
        ann.settle(*map(succeed, ann.take(2)))
        bench.advance((MINUTES_KEPT - 1) * MINUTE_LENGTH)
        before = looked_at(bench)

        bench.advance(MINUTE_LENGTH)
        after = looked_at(bench)
        ann.beat()
        bench.push(a_job("A"))
        ann.settle(*map(succeed, ann.take(1)))
        again = looked_at(bench)

        one = expected(A=ONE, B=ONE)
        assert (before.totals, [*before.minutes.values()]) == (one, [one])
        assert (after.totals, after.minutes) == (one, {})
        assert again.totals == expected(A={bucket_of(7): 2, "u": 14}, B=ONE)
        assert again.minutes == {minute_of(bench.now): expected(A=ONE)}

    def test_a_clock_that_was_set_back_loses_no_count(self, bench: Bench) -> None:
        """B49: minutes that are yet to come are not shown; the totals have them."""
        ann = bench.worker()
        bench.push(a_job(), a_job())
        bench.advance(10 * MINUTE_LENGTH)
        ann.beat()
        ann.settle(succeed(ann.take_one()))

        bench.advance(-8 * MINUTE_LENGTH)
        ann.beat()
        ann.settle(succeed(ann.take_one()))

        found = looked_at(bench)
        assert found.totals == expected(A={bucket_of(7): 2, "u": 14})
        assert found.minutes == {minute_of(bench.now): expected(A=ONE)}

    def test_of_too_many_types_the_later_ones_are_counted_together(self, bench: Bench) -> None:
        """B49: bounded whatever names there are; a known type stays known."""
        names = [f"T{number:03}" for number in range(TYPES_COUNTED + 3)]
        bench.push(*map(a_job, names))
        ann = bench.worker("ann", lanes(*names))
        ann.settle(*map(succeed, ann.take(TYPES_COUNTED - 1)))

        ann.settle(*map(succeed, ann.take(4)))
        bench.push(*map(a_job, (names[0], names[-1])))
        ann.settle(*map(succeed, ann.take(2)))

        totals = looked_at(bench).totals
        assert len(totals) == TYPES_COUNTED + 1
        assert {name: sum(counts.buckets) for name, counts in totals.items()} == {
            **dict.fromkeys(names[:TYPES_COUNTED], 1),
            names[0]: 2,
            OTHER_TYPES: 4,
        }

    def test_of_many_at_once_those_that_are_known_stay_known(self, bench: Bench) -> None:
        """B49: also in the first settlement of a minute."""
        names = [f"T{number:03}" for number in range(TYPES_COUNTED + 60)]
        bench.push(*map(a_job, names))
        ann = bench.worker("ann", lanes(*names))
        ann.settle(*map(succeed, ann.take(TYPES_COUNTED)))
        bench.advance(MINUTE_LENGTH)
        ann.beat()

        for _ in range(2):
            bench.push(*map(a_job, names[:50]))
            ann.settle(*(succeed(job, duration=7) for job in ann.take(100)))

        found = looked_at(bench)
        assert len(found.totals) == TYPES_COUNTED + 1
        assert found.totals[OTHER_TYPES] == counts_of({bucket_of(7): 60, "u": 420})
        assert found.minutes[minute_of(bench.now)][names[0]] == counts_of(
            {bucket_of(7): 2, "u": 14}
        )
        assert sum(sum(counts.buckets) for counts in found.totals.values()) == TYPES_COUNTED + 160

    def test_each_queue_counts_its_own(self, bench: Bench) -> None:
        """B49"""
        bench.push(a_job(), a_job(queue="mail"))
        for queue in (QUEUE, "mail"):
            worker = bench.worker("ann", queue=queue)
            worker.settle(succeed(worker.take_one(), duration=len(queue)))

        assert looked_at(bench).totals["A"].busy == 1
        assert looked_at(bench, queue="mail").totals["A"].busy == 4

    def test_statistics_begin_anew(self, bench: Bench) -> None:
        """B49: and whatever comes then is counted; other queues keep theirs."""
        bench.push(a_job(), a_job(), a_job(queue="mail"))
        ann, bob = bench.worker("ann"), bench.worker("bob", queue="mail")
        ann.settle(succeed(ann.take_one()))
        bob.settle(succeed(bob.take_one()))

        bench.run(ForgetStatistics(queue=QUEUE))

        found = looked_at(bench)
        assert (dict(found.totals), dict(found.minutes)) == ({}, {})
        assert sum(looked_at(bench, queue="mail").totals["A"].buckets) == 1
        ann.settle(succeed(ann.take_one()))
        assert sum(looked_at(bench).totals["A"].buckets) == 1
