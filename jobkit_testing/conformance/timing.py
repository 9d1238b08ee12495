"""When a job may start: never early, and as soon as a worker looks."""

from __future__ import annotations

import pytest

from jobkit.record import JobState
from jobkit.store import PROMOTED_PER_CLAIM, Capability
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    SECOND,
    START,
    a_job,
    lanes,
    release,
    retry,
    snooze,
)
from jobkit_testing.conformance.capable import only_with


class Timing:
    """Tests of due times and promotion."""

    def test_a_job_is_not_started_a_millisecond_early(self, bench: Bench) -> None:
        """B8: `run_at` is exact."""
        job_id = bench.push_one(a_job(run_at=START + SECOND))
        ann = bench.worker()
        bench.advance(SECOND - 1)

        early = ann.claim()
        bench.advance(1)
        on_time = ann.claim()

        assert early.jobs == ()
        assert early.next_due == START + SECOND
        assert [job.id for job in on_time.jobs] == [job_id]

    def test_a_delay_runs_by_the_clock_of_the_store(self, bench: Bench) -> None:
        """B8: from the instant of the push."""
        bench.advance(123)
        job_id = bench.push_one(a_job(delay=SECOND))
        ann = bench.worker()
        bench.advance(SECOND - 1)

        early = ann.take()
        bench.advance(1)
        on_time = ann.take()

        assert early == []
        assert [job.id for job in on_time] == [job_id]
        assert bench.get(job_id).run_at == START + 123 + SECOND

    def test_a_job_for_later_is_scheduled(self, bench: Bench) -> None:
        """B8, B42: and ready only once a claim finds it due."""
        job_id = bench.push_one(a_job(run_at=START + 1))

        assert bench.get(job_id).state is JobState.SCHEDULED

    @pytest.mark.parametrize("run_at", [START, START - 1, START - 86_400_000, 0])
    def test_a_job_that_is_due_starts_at_once(self, bench: Bench, run_at: int) -> None:
        """B8: now or in the past; the time that was given is kept."""
        job_id = bench.push_one(a_job(run_at=run_at))

        assert bench.get(job_id).state is JobState.QUEUED
        assert bench.get(job_id).run_at == run_at
        assert [job.id for job in bench.worker().take()] == [job_id]

    def test_run_at_wins_over_delay(self, bench: Bench) -> None:
        """B8: the delay is for jobs without a time."""
        job_id = bench.push_one(a_job(run_at=START, delay=SECOND))

        assert bench.get(job_id).run_at == START

    def test_a_far_future_is_exact(self, bench: Bench) -> None:
        """B8: the year 2286 in milliseconds still fits."""
        far = 9_999_999_999_999
        job_id = bench.push_one(a_job(run_at=far))

        claimed = bench.worker().claim()

        assert claimed.next_due == far
        assert bench.get(job_id).run_at == far

    def test_a_retry_is_not_started_early(self, bench: Bench) -> None:
        """B8: a retry waits to the millisecond too."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        ann.settle(retry(job, at=bench.now + SECOND))
        bench.advance(SECOND - 1)

        early = ann.claim()
        bench.advance(1)
        on_time = ann.claim()

        assert early.jobs == ()
        assert early.next_due == START + SECOND
        assert [taken.id for taken in on_time.jobs] == [job.id]

    @only_with(Capability.PRIORITIES)
    def test_next_due_is_the_earliest_over_scheduled_and_retrying(self, bench: Bench) -> None:
        """B13: an idle worker sleeps exactly until then."""
        bench.push(a_job(priority=-1), a_job(delay=3 * SECOND))
        ann = bench.worker()
        ann.settle(retry(ann.take_one(), delay=2 * SECOND))

        first = ann.claim()
        bench.advance(2 * SECOND)
        second = ann.claim()
        bench.advance(SECOND)
        third = ann.claim()

        assert first.next_due == START + 2 * SECOND
        assert second.next_due == START + 3 * SECOND
        assert third.next_due is None

    def test_next_due_covers_types_that_the_worker_does_not_serve(self, bench: Bench) -> None:
        """B13: no mover process, so whoever lives promotes for all."""
        job_id = bench.push_one(a_job("B", delay=SECOND))
        ann = bench.worker("ann", lanes("A"))

        first = ann.claim()
        bench.advance(SECOND)
        second = ann.claim()

        assert first.next_due == START + SECOND
        assert second.jobs == ()
        assert bench.get(job_id).state is JobState.QUEUED

    def test_a_claim_without_slots_promotes_nevertheless(self, bench: Bench) -> None:
        """B13: promotion does not depend on who has room."""
        job_id = bench.push_one(a_job(delay=SECOND))
        ann = bench.worker()
        bench.advance(SECOND)

        claimed = ann.claim(0)

        assert claimed.jobs == ()
        assert bench.get(job_id).state is JobState.QUEUED

    def test_a_backlog_that_becomes_due_at_once_is_made_ready_in_due_order(
        self, bench: Bench
    ) -> None:
        """B9: at least 1,000 a claim, earliest first, then in order of arrival."""
        jobs = [bench.named(a_job(run_at=START + 1 + (i * 7919) % 500)) for i in range(2_500)]
        bench.push(*jobs)
        ann = bench.worker()
        bench.advance(SECOND)

        taken = ann.take(400)
        ready = sum(bench.count().queued.values()) + len(taken)
        while batch := ann.take(400):
            taken += batch

        assert ready >= PROMOTED_PER_CLAIM
        in_due_order = sorted(jobs, key=lambda job: job.run_at or 0)  # stable: by arrival
        assert [job.id for job in taken] == [job.id for job in in_due_order]

    def test_scheduled_and_retrying_jobs_are_made_ready_in_one_due_order(
        self, bench: Bench
    ) -> None:
        """B9: what is due first is ready first, whichever way it waits."""
        bench.push(*[a_job() for _ in range(700)])
        ann = bench.worker()
        ann.settle(*[retry(job, at=START + 10) for job in ann.take(700)])
        bench.push(*[a_job(run_at=START + 5) for _ in range(350)])
        bench.push(*[a_job(run_at=START + 20) for _ in range(350)])
        bench.advance(SECOND)

        ann.claim(0)
        retrying, scheduled = bench.page(JobState.RETRYING), bench.page(JobState.SCHEDULED)
        ann.claim(0)

        assert {job.run_at for job in scheduled} <= {START + 20}
        assert retrying == [] or len(scheduled) == 350
        assert bench.count().queued == {"A": 1_400}

    def test_a_claim_says_that_promotion_is_not_finished(self, bench: Bench) -> None:
        """B13: `next_due` in the past sends the worker back at once."""
        bench.push(*[a_job(delay=1) for _ in range(2_500)])
        ann = bench.worker()
        bench.advance(SECOND)

        claims = [ann.claim(0) for _ in range(3)]

        assert claims[0].next_due == START + 1
        assert claims[-1].next_due is None
        assert bench.count().queued == {"A": 2_500}

    def test_a_retry_gets_a_new_due_time_and_keeps_its_arrival(self, bench: Bench) -> None:
        """B9: among jobs due at the same moment the older one is first."""
        bench.push(a_job())
        ann = bench.worker()
        retried = ann.take_one()
        ann.settle(retry(retried, delay=SECOND))
        bench.advance(SECOND)
        newer = bench.push_one(a_job())

        taken = ann.take(2)

        assert [job.id for job in taken] == [retried.id, newer]
        assert (taken[0].run_at, taken[0].arrival) == (START + SECOND, retried.arrival)

    def test_a_retry_lines_up_behind_what_was_due_before(self, bench: Bench) -> None:
        """B9: its new due time is what counts."""
        bench.push(a_job())
        ann = bench.worker()
        retried = ann.take_one()
        bench.advance(SECOND - 1)
        newer = bench.push_one(a_job())
        ann.settle(retry(retried, delay=1))
        bench.advance(1)

        taken = ann.take(2)

        assert [job.id for job in taken] == [newer, retried.id]

    def test_a_snooze_gets_a_new_due_time_and_keeps_its_arrival(self, bench: Bench) -> None:
        """B9: like a retry."""
        bench.push(a_job())
        ann = bench.worker()
        first = ann.take_one()
        bench.advance(5)
        ann.settle(snooze(first, SECOND))
        bench.advance(SECOND)

        second = ann.take_one()

        assert (second.run_at, second.arrival) == (START + 5 + SECOND, first.arrival)

    @only_with(Capability.PRIORITIES)
    def test_a_released_job_keeps_its_place(self, bench: Bench) -> None:
        """B9, B52: priority, due time and arrival; so it is first again."""
        bench.push(a_job(priority=3), a_job(priority=3))
        ann = bench.worker()
        first = ann.take_one()
        bench.advance(SECOND)
        ann.settle(release(first))

        again = ann.take_one()

        assert again.id == first.id
        assert (again.priority, again.run_at, again.arrival) == (3, START, first.arrival)
