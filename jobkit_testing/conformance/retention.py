"""How long ended jobs are kept: by age and count, in small steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobkit.record import JobState
from jobkit.store import Bounds, Cancel, Capability, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    HOUR,
    QUEUE,
    SECOND,
    a_job,
    bury,
    discard,
    retry,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

ENDS: dict[str, Callable[[StoredJob], Settlement]] = {
    "succeeded": succeed,
    "cancelled": discard,
    "dead": bury,
}
each_end = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
FOR_A_SECOND = Bounds(finished_for=SECOND, dead_for=SECOND)
AT_MOST_3 = Bounds(finished_max=3, dead_max=3)


def end_jobs(
    bench: Bench,
    ann: BenchWorker,
    number: int,
    end: Callable[[StoredJob], Settlement],
    *,
    retention: int | None = None,
) -> list[str]:
    """Store jobs and end them one after the other, a millisecond apart; oldest first."""
    ended: list[str] = []
    for _ in range(number):
        bench.push(a_job(retention=retention))
        job = ann.take_one()
        ann.settle(end(job))
        ended.append(job.id)
        bench.advance(1)
    return ended


def tidy(bench: Bench, ann: BenchWorker, bounds: Bounds) -> None:
    """Claim with these bounds: a claim is what tidies an idle queue."""
    bench.run(ann.claiming(0, bounds=bounds))


@only_with(Capability.RETENTION)
class Retention:
    """Tests of `Bounds` and `NewJob.retention`."""

    @each_end
    def test_an_ended_job_is_kept_for_its_age(
        self, bench: Bench, end: Callable[[StoredJob], Settlement]
    ) -> None:
        """B36: and goes when that is over, to the millisecond."""
        ann = bench.worker()
        (job_id,) = end_jobs(bench, ann, 1, end)
        bench.advance(SECOND - 2)

        tidy(bench, ann, FOR_A_SECOND)
        kept = bench.find(job_id)
        bench.advance(1)
        tidy(bench, ann, FOR_A_SECOND)

        assert kept is not None
        assert bench.find(job_id) is None
        assert bench.page(kept.state) == []

    def test_the_dead_are_kept_by_bounds_of_their_own(self, bench: Bench) -> None:
        """B36: 30 days, where others have an hour."""
        ann = bench.worker()
        (succeeded,) = end_jobs(bench, ann, 1, succeed)
        (cancelled,) = end_jobs(bench, ann, 1, discard)
        (dead,) = end_jobs(bench, ann, 1, bury)
        bench.advance(24 * HOUR)
        ann.beat()

        tidy(bench, ann, Bounds())
        after_a_day = [bench.find(job_id) is not None for job_id in (succeeded, cancelled, dead)]
        bench.advance(30 * 24 * HOUR)
        ann.beat()
        tidy(bench, ann, Bounds())

        assert after_a_day == [False, False, True]
        assert bench.find(dead) is None

    @each_end
    def test_only_so_many_ended_jobs_are_kept(
        self, bench: Bench, end: Callable[[StoredJob], Settlement]
    ) -> None:
        """B36: the latest."""
        ann = bench.worker()
        ids = end_jobs(bench, ann, 7, end)

        tidy(bench, ann, AT_MOST_3)

        assert [bench.find(job_id) is not None for job_id in ids] == [False] * 4 + [True] * 3

    def test_the_bound_of_the_finished_is_not_that_of_the_dead(self, bench: Bench) -> None:
        """B36: each has its own number."""
        ann = bench.worker()
        finished = end_jobs(bench, ann, 4, succeed)
        dead = end_jobs(bench, ann, 4, bury)

        tidy(bench, ann, Bounds(finished_max=3, dead_max=1))

        assert bench.ids(JobState.SUCCEEDED) == set(finished[-3:])
        assert bench.ids(JobState.DEAD) == set(dead[-1:])

    def test_each_settlement_tidies(self, bench: Bench) -> None:
        """B36: a busy queue never grows past its bounds."""
        ann = bench.worker()
        bench.push(*[a_job() for _ in range(40)])

        for _ in range(40):
            ann.settle(succeed(ann.take_one()), bounds=AT_MOST_3)

            assert bench.count().succeeded <= 3

    def test_a_batch_of_settlements_tidies_after_itself(self, bench: Bench) -> None:
        """B36: however many end at once."""
        ann = bench.worker()
        bench.push(*[a_job() for _ in range(100)])

        ann.settle(*[succeed(job) for job in ann.take(100)], bounds=AT_MOST_3)

        assert bench.count().succeeded == 3

    @only_with(Capability.CANCELS)
    def test_a_cancel_tidies(self, bench: Bench) -> None:
        """B36: also where no worker runs."""
        for job_id in bench.push(*[a_job() for _ in range(10)]):
            bench.run(Cancel(queue=QUEUE, id=job_id, bounds=AT_MOST_3))
            bench.advance(1)

            assert bench.count().cancelled <= 3

    @each_end
    def test_an_explicit_retention_is_by_age_alone(
        self, bench: Bench, end: Callable[[StoredJob], Settlement]
    ) -> None:
        """B36: neither the count nor the age of the queue's bounds shortens it."""
        ann = bench.worker()
        (job_id,) = end_jobs(bench, ann, 1, end, retention=HOUR)
        end_jobs(bench, ann, 5, end)
        bench.advance(HOUR // 2)
        tight = Bounds(finished_for=SECOND, finished_max=1, dead_for=SECOND, dead_max=1)
        ann.beat()

        tidy(bench, ann, tight)
        kept = bench.find(job_id)
        bench.advance(HOUR // 2)
        ann.beat()
        tidy(bench, ann, tight)

        assert kept is not None
        assert bench.ids(kept.state) == set()

    @each_end
    def test_an_explicit_retention_may_be_shorter_than_the_bounds(
        self, bench: Bench, end: Callable[[StoredJob], Settlement]
    ) -> None:
        """B36: counted from the end of the job, to the millisecond before it is over."""
        ann = bench.worker()
        (job_id,) = end_jobs(bench, ann, 1, end, retention=SECOND)
        bench.advance(SECOND - 2)

        tidy(bench, ann, Bounds())
        kept = bench.find(job_id)
        bench.advance(2)
        tidy(bench, ann, Bounds())

        assert kept is not None
        assert bench.find(job_id) is None

    def test_jobs_with_a_retention_do_not_count_against_the_others(self, bench: Bench) -> None:
        """B36: the number is for those without."""
        ann = bench.worker()
        plain = end_jobs(bench, ann, 3, succeed)
        explicit = end_jobs(bench, ann, 5, succeed, retention=HOUR)

        tidy(bench, ann, AT_MOST_3)

        assert bench.ids(JobState.SUCCEEDED) == {*plain, *explicit}

    @each_end
    def test_a_job_without_retention_is_gone_at_once(
        self, bench: Bench, end: Callable[[StoredJob], Settlement]
    ) -> None:
        """B36: with the settlement that ends it."""
        ann = bench.worker()
        (job_id,) = end_jobs(bench, ann, 1, end, retention=0)

        assert bench.find(job_id) is None
        assert bench.count().succeeded + bench.count().cancelled + bench.count().dead == 0

    @only_with(Capability.CANCELS)
    def test_a_waiting_job_without_retention_is_gone_when_cancelled(self, bench: Bench) -> None:
        """B36, B44: that is its end."""
        job_id = bench.push_one(a_job(retention=0))

        state = bench.run(Cancel(queue=QUEUE, id=job_id))

        assert state is JobState.QUEUED
        assert bench.find(job_id) is None

    def test_retention_begins_with_the_end_and_not_with_a_retry(self, bench: Bench) -> None:
        """B36: a job that waits again is not ended."""
        bench.push(a_job(retention=0))
        ann = bench.worker()
        job = ann.take_one()

        ann.settle(retry(job, delay=SECOND), bounds=Bounds(finished_for=0, finished_max=0))

        assert bench.get(job.id).state is JobState.RETRYING

    def test_tidying_is_bounded_and_comes_to_an_end(self, bench: Bench) -> None:
        """B36: a little with each call, so that no call is slow."""
        ann = bench.worker()
        bench.push(*[a_job() for _ in range(1_500)])
        for _ in range(3):
            ann.settle(*[succeed(job) for job in ann.take(500)])
        bench.advance(2 * SECOND)

        left: list[int] = []
        while not left or left[-1]:
            tidy(bench, ann, FOR_A_SECOND)
            left.append(bench.count().succeeded)
            assert len(left) <= 1_500

        assert 0 < left[0] < 1_500
        assert left == sorted(set(left), reverse=True)

    @only_with(Capability.PRIORITIES)
    def test_tidying_leaves_everything_else_alone(self, bench: Bench) -> None:
        """B36: what waits and what runs is never old."""
        ann = bench.worker()
        bench.push(a_job(), a_job(), a_job(priority=9), a_job(delay=2 * HOUR))
        running, retrying = ann.take(2)
        ann.settle(retry(retrying, delay=2 * HOUR))
        bench.advance(HOUR)
        ann.beat(running)

        tidy(bench, ann, Bounds(finished_for=0, finished_max=0, dead_for=0, dead_max=0))

        counts = bench.count()
        assert (counts.queued, counts.running) == ({"A": 1}, 1)
        assert (counts.retrying, counts.scheduled) == (1, 1)
