"""What can be read, and that reading changes nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from jobkit.record import JobState
from jobkit.store import Capability, Count, Get, Lease, Page, Queues, Release, Settle
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    bury,
    discard,
    lanes,
    retry,
    snooze,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.states import STATES, a_job_in

each_state = pytest.mark.parametrize("state", list(JobState))
each_place = pytest.mark.parametrize("where", STATES)


def fill(bench: Bench, state: JobState, number: int) -> set[str]:
    """Bring jobs of two types into a state, and some of them into every other one."""
    for other in JobState:
        if other is not state:
            a_job_in(bench, other.value, type_name=f"other-{other}")
    return {a_job_in(bench, state.value, type_name="AB"[n % 2]).id for n in range(number)}


class Reading:
    """Tests of `Get`, `Page`, `Count` and `Queues`."""

    def test_an_unknown_job_is_not_found(self, bench: Bench) -> None:
        """B43: neither in a queue that exists, nor in one that does not."""
        bench.push(a_job())

        assert bench.find("0" * 26) is None
        assert bench.find("0" * 26, queue="nowhere") is None

    @each_place
    def test_a_page_shows_jobs_as_get_does(self, bench: Bench, where: str) -> None:
        """B47: the whole record."""
        job = a_job_in(bench, where)

        assert bench.page(STATES[where]) == [job]

    @each_state
    @pytest.mark.parametrize("limit", [1, 2, 4, 5, 6, 100])
    def test_pages_show_every_job_of_a_state_once(
        self, bench: Bench, state: JobState, limit: int
    ) -> None:
        """B47: complete, without duplicates, whatever the size of a page."""
        ids = fill(bench, state, 5)

        jobs = bench.page(state, limit=limit)

        assert len(jobs) == 5
        assert {job.id for job in jobs} == ids
        assert {job.state for job in jobs} == {state}

    @each_state
    def test_pages_are_in_one_order_whatever_their_size(
        self, bench: Bench, state: JobState
    ) -> None:
        """B47: stable."""
        fill(bench, state, 5)

        orders = [[job.id for job in bench.page(state, limit=limit)] for limit in (100, 1, 2, 100)]

        assert orders == [orders[0]] * 4

    @each_state
    def test_a_page_is_full_or_the_last(self, bench: Bench, state: JobState) -> None:
        """B47: and only the last one has no cursor."""
        fill(bench, state, 5)

        first = bench.run(Page(queue=QUEUE, state=state, limit=3))
        second = bench.run(Page(queue=QUEUE, state=state, limit=3, cursor=first.cursor))
        exact = bench.run(Page(queue=QUEUE, state=state, limit=5))

        assert first.cursor is not None
        assert (len(first.jobs), len(second.jobs)) == (3, 2)
        assert second.cursor is None
        assert (len(exact.jobs), exact.cursor) == (5, None)

    @each_state
    def test_an_empty_state_is_one_empty_page(self, bench: Bench, state: JobState) -> None:
        """B47: also of a queue that nobody has used."""
        pages = [bench.run(Page(queue=q, state=state)) for q in (QUEUE, "nowhere")]

        assert [(page.jobs, page.cursor) for page in pages] == [((), None)] * 2

    def test_pages_are_complete_where_many_jobs_share_an_instant(self, bench: Bench) -> None:
        """B47: a cursor is more than a time."""
        ids = bench.push(*[a_job(run_at=START + 1) for _ in range(230)])
        ann = bench.worker()

        scheduled = [job.id for job in bench.page(JobState.SCHEDULED)]
        bench.advance(1)
        ann.settle(*[succeed(job) for job in ann.take(230)])
        succeeded = [job.id for job in bench.page(JobState.SUCCEEDED)]

        assert sorted(scheduled) == sorted(ids)
        assert sorted(succeeded) == sorted(ids)

    @only_with(Capability.RETENTION)
    def test_pages_of_ended_jobs_show_those_with_and_without_retention(self, bench: Bench) -> None:
        """B36, B47: however they are kept."""
        bench.push(*[a_job(retention=(None, 10_000, 20_000)[n % 3]) for n in range(9)])
        ann = bench.worker()
        jobs = ann.take(9)
        ann.settle(*[succeed(job) for job in jobs])

        shown = bench.page(JobState.SUCCEEDED, limit=2)

        assert sorted(job.id for job in shown) == sorted(job.id for job in jobs)

    def test_a_page_shows_its_own_queue_only(self, bench: Bench) -> None:
        """B12: queues are apart."""
        bench.push(a_job(queue="mail"), a_job(queue="reports"))

        assert [job.queue for job in bench.page(JobState.QUEUED, queue="mail")] == ["mail"]

    def test_counts_are_by_state(self, bench: Bench) -> None:
        """B47: each job is counted once."""
        bench.push(*[a_job() for _ in range(10)], a_job(delay=5 * SECOND))
        ann = bench.worker()
        first, second, third, fourth, fifth, sixth, seventh, _ = ann.take(8)
        ann.settle(
            succeed(first),
            succeed(second),
            bury(third),
            discard(fourth),
            retry(fifth, delay=SECOND),
            snooze(sixth, 2 * SECOND),
            retry(seventh, "timed_out", delay=3 * SECOND),
        )

        counts = bench.count()

        assert counts.now == START
        assert counts.queued == {"A": 2}
        assert (counts.scheduled, counts.retrying, counts.running) == (2, 2, 1)
        assert (counts.succeeded, counts.dead, counts.cancelled) == (2, 1, 1)
        assert (counts.due, counts.next_due) == (0, START + SECOND)

    def test_an_unused_queue_counts_nothing(self, bench: Bench) -> None:
        """B47: and is no error."""
        counts = bench.count("nowhere")

        assert counts == replace(counts, queued={}, scheduled=0, retrying=0, due=0, running=0)
        assert (counts.succeeded, counts.dead, counts.cancelled) == (0, 0, 0)
        assert counts.next_due is None

    def test_ready_jobs_are_counted_by_stored_type(self, bench: Bench) -> None:
        """B47: under the name that they were pushed with; types without jobs are left out."""
        bench.push(a_job("Old"), a_job("New"), a_job("New"), a_job("Gone"), a_job("Later", delay=1))
        bench.worker("ann", lanes("Gone")).take_one()

        assert bench.count().queued == {"Old": 1, "New": 2}

    @pytest.mark.parametrize("where", ["scheduled", "retrying"])
    def test_a_job_whose_time_has_come_is_due_before_a_claim_promotes_it(
        self, bench: Bench, where: str
    ) -> None:
        """B42: reads show its state as it is, with `due` true, from its millisecond on."""
        job = a_job_in(bench, where)
        bench.advance(SECOND - 1)
        early, early_count = bench.get(job.id), bench.count()
        bench.advance(1)

        on_time, on_time_count = bench.get(job.id), bench.count()

        assert (early.state, early.due) == (STATES[where], False)
        assert (on_time.state, on_time.due) == (STATES[where], True)
        assert (early_count.due, on_time_count.due) == (0, 1)
        assert on_time_count.next_due == job.run_at
        assert [shown.due for shown in bench.page(STATES[where])] == [True]

    @pytest.mark.parametrize("where", ["running", "succeeded", "dead", "cancelled"])
    def test_a_job_that_does_not_wait_is_not_due(self, bench: Bench, where: str) -> None:
        """B42: whatever its time was."""
        job = a_job_in(bench, where)

        assert not bench.get(job.id).due

    def test_reads_change_nothing(self, bench: Bench) -> None:
        """B42: neither what is read, nor what the next claim does, nor the time."""
        for where in ("scheduled", "retrying", "succeeded", "dead", "cancelled", "running"):
            a_job_in(bench, where)
        bench.push(*[a_job(delay=2) for _ in range(5)], a_job())
        before = bench.snapshot()
        last = bench.now

        bench.advance(10 * LEASE)
        bench.snapshot()
        bench.advance(10 * LEASE)
        bench.snapshot()
        bench.now = last

        assert bench.snapshot() == before

    def test_reads_do_not_move_the_time(self, bench: Bench) -> None:
        """B37, B42: a reader is no sign of life."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ann.take_one()
        for _ in range(6):
            bench.advance(LEASE // 3)
            bench.snapshot()

        taken = bob.take()

        assert taken == []

    def test_pages_of_running_jobs_go_on_after_one_that_has_ended(self, bench: Bench) -> None:
        """B47: they stand in the order of their ids."""
        bench.push(*[a_job() for _ in range(4)])
        ann = bench.worker()
        jobs = sorted(ann.take(4), key=lambda job: job.id)
        first = bench.run(Page(queue=QUEUE, state=JobState.RUNNING, limit=2))
        ann.settle_one(succeed(jobs[1]))

        rest = bench.run(Page(queue=QUEUE, state=JobState.RUNNING, limit=2, cursor=first.cursor))

        assert [job.id for job in rest.jobs] == [job.id for job in jobs[2:]]

    def test_a_page_may_be_as_long_as_the_greatest_batch(self, bench: Bench) -> None:
        """B47: no limit of a store's own stands before the caller's."""
        bench.push(*[a_job() for _ in range(9_000)])

        page = bench.run(Page(queue=QUEUE, state=JobState.QUEUED, limit=10_000))

        assert (len(page.jobs), page.cursor) == (9_000, None)

    def test_the_queues_that_were_used_are_listed(self, bench: Bench) -> None:
        """B47: sorted; by jobs or by workers."""
        bench.push(a_job(queue="mail"), a_job(queue="Zeta"), a_job(queue="a.b-c_d"))
        bench.worker("ann", queue="reports")

        assert bench.run(Queues()) == ("Zeta", "a.b-c_d", "mail", "reports")

    def test_reads_make_no_queue(self, bench: Bench) -> None:
        """B42: looking for one does not bring it into being."""
        bench.run(Get(queue="nowhere", id="0" * 26))
        bench.run(Page(queue="nowhere", state=JobState.DEAD))
        bench.run(Count(queue="nowhere"))
        bench.store.audit("nowhere")

        assert bench.run(Queues()) == ()

    def test_settling_nothing_makes_no_queue(self, bench: Bench) -> None:
        """B42: nor does settling what nobody holds there."""
        settle = Settle(
            queue="nowhere",
            worker="ann",
            version="",
            settlements=(Release(lease=Lease(id="0" * 26, fence=1)),),
        )

        settled = bench.run(settle)

        assert [each.verdict for each in settled] == ["gone"]
        assert bench.run(Queues()) == ()
