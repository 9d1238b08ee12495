"""How jobs come into a store, once each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from jobkit.errors import NotSupported
from jobkit.record import JobState
from jobkit.store import REPLAY_WINDOW, Bounds, Capability, Delete, NewJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import HOUR, QUEUE, START, a_job, lanes, succeed
from jobkit_testing.conformance.capable import only_with


class Pushing:
    """Tests of `Push`."""

    @only_with(Capability.PRIORITIES, Capability.RETENTION)
    def test_a_pushed_job_reads_back_as_it_was_given(self, bench: Bench) -> None:
        """B43: the record has what was pushed, and nothing has happened to the job yet."""
        new = bench.named(
            a_job(
                "app.mail.Send",
                payload=b'{"user_id":7}',
                priority=-5,
                options=b'{"max_retries":3}',
                metadata=b'{"user":"7"}',
                retention=HOUR,
            )
        )

        bench.push(new)

        job = bench.get(new.id)
        assert (job.id, job.queue, job.type) == (new.id, QUEUE, "app.mail.Send")
        assert (job.payload, job.options, job.metadata) == (new.payload, new.options, new.metadata)
        assert (job.priority, job.retention) == (-5, HOUR)
        assert (job.state, job.run_at, job.enqueued_at) == (JobState.QUEUED, START, START)
        assert (job.fence, job.starts, job.failures, job.timeouts, job.losses) == (0, 0, 0, 0, 0)
        assert (job.started_at, job.finished_at, job.duration) == (None, None, None)
        assert (job.worker, job.version, job.attempts, job.result) == (None, None, (), None)
        assert (job.cancel_requested_at, job.timed_out_at) == (None, None)

    def test_a_push_returns_the_ids_in_the_order_of_its_jobs(self, bench: Bench) -> None:
        """B4: a batch keeps its order."""
        jobs = [bench.named(a_job(type_name)) for type_name in "BACAB"]

        ids = bench.push(*jobs)

        assert ids == tuple(job.id for job in jobs)

    def test_jobs_of_a_batch_arrive_in_its_order(self, bench: Bench) -> None:
        """B4, B9: the first of a batch is the first to run."""
        first = bench.push(*[a_job() for _ in range(20)])
        second = bench.push(*[a_job() for _ in range(20)])

        taken = bench.worker().take(40)

        assert [job.id for job in taken] == [*first, *second]
        arrivals = [job.arrival for job in taken]
        assert arrivals == sorted(set(arrivals))

    def test_a_batch_is_stored_over_all_its_queues(self, bench: Bench) -> None:
        """B4: one push may name several queues."""
        ids = bench.push(a_job(queue="mail"), a_job(queue="reports"), a_job("B", queue="mail"))

        assert bench.get(ids[0], queue="mail").type == "A"
        assert bench.get(ids[1], queue="reports").queue == "reports"
        assert bench.count("mail").queued == {"A": 1, "B": 1}
        assert bench.count("reports").queued == {"A": 1}

    def test_a_push_reaches_as_far_as_the_store_says(self, bench: Bench) -> None:
        """B4, B40: over all queues or over one; a push over more is refused, not torn."""
        push = bench.pushing(a_job(queue="mail"), a_job(queue="reports"))

        if bench.store.atomic_over == "queue":
            with pytest.raises(NotSupported, match="several queues"):
                bench.run(push)
        else:
            bench.run(push)

        stored = [bench.find(job.id, queue=job.queue) is not None for job in push.jobs]
        assert stored == [bench.store.atomic_over == "store"] * 2

    def test_a_large_batch_is_stored_whole(self, bench: Bench) -> None:
        """B4: thousands of jobs in one push."""
        ids = bench.push(*[a_job("AB"[i % 2]) for i in range(5_000)])

        assert len(set(ids)) == 5_000
        assert bench.count().queued == {"A": 2_500, "B": 2_500}

    def test_a_push_seen_again_stores_nothing(self, bench: Bench) -> None:
        """B6: the copy of a push answers like the original."""
        push = bench.pushing(a_job(), a_job("B"), request=1)
        ids = bench.run(push)
        before = bench.snapshot()

        again = bench.run(push)

        assert again == ids
        assert bench.snapshot() == before

    def test_a_push_over_several_queues_seen_again_stores_nothing(self, bench: Bench) -> None:
        """B6: recognised as a whole, not queue by queue."""
        if bench.store.atomic_over == "queue":
            pytest.skip("there is no such push: see test_a_push_reaches_as_far_as_the_store_says")
        push = bench.pushing(a_job(queue="mail"), a_job(queue="reports"), request=1)
        bench.run(push)
        bench.advance(10)
        before = bench.snapshot()

        bench.run(push)

        assert bench.snapshot() == before

    def test_a_push_seen_again_after_its_job_ended_stores_nothing(self, bench: Bench) -> None:
        """B6: also when the job is not waiting any more."""
        push = bench.pushing(a_job(), request=1)
        bench.run(push)
        ann = bench.worker()
        ann.settle(succeed(ann.take_one()))

        bench.run(push)

        assert bench.count().queued == {}
        assert ann.take() == []

    @only_with(Capability.DELETES)
    def test_a_push_seen_again_after_its_job_was_deleted_stores_nothing(self, bench: Bench) -> None:
        """B6: a deleted job does not come back."""
        push = bench.pushing(a_job(), request=1)
        bench.run(push)
        (job_id,) = (new.id for new in push.jobs)
        bench.run(Delete(queue=QUEUE, id=job_id))

        ids = bench.run(push)

        assert ids == (job_id,)
        assert bench.find(job_id) is None

    @only_with(Capability.RETENTION)
    def test_a_push_seen_again_after_its_job_was_pruned_stores_nothing(self, bench: Bench) -> None:
        """B6: nor does one whose retention is over."""
        push = bench.pushing(a_job(retention=0), request=1)
        bench.run(push)
        (job_id,) = (new.id for new in push.jobs)
        ann = bench.worker()
        ann.settle(succeed(ann.take_one()))

        bench.run(push)

        assert bench.find(job_id) is None
        assert bench.count().queued == {}

    def test_an_older_request_that_arrives_late_stores_nothing(self, bench: Bench) -> None:
        """B6: a channel counts up, so a smaller number is a copy from the past."""
        old = bench.pushing(a_job(), a_job(), request=1)
        ids = bench.run(old)
        bench.run(bench.pushing(a_job(), request=2))
        before = bench.snapshot()

        again = bench.run(old)

        assert again == ids
        assert bench.snapshot() == before

    def test_the_next_request_of_a_channel_is_stored(self, bench: Bench) -> None:
        """B6: only copies are left out."""
        bench.run(bench.pushing(a_job(), channel="c", request=1))
        bench.run(bench.pushing(a_job(), channel="c", request=2))

        assert bench.count().queued == {"A": 2}

    def test_another_channel_is_not_taken_for_a_copy(self, bench: Bench) -> None:
        """B6: the same request number of another client is another push."""
        bench.run(bench.pushing(a_job(), channel="c", request=1))
        bench.run(bench.pushing(a_job(), channel="d", request=1))

        assert bench.count().queued == {"A": 2}

    @pytest.mark.parametrize(
        ("later", "stored"), [(REPLAY_WINDOW, 1), (REPLAY_WINDOW + 1, 2)], ids=["within", "after"]
    )
    def test_a_request_is_remembered_for_the_replay_window(
        self, bench: Bench, later: int, stored: int
    ) -> None:
        """B6: within 60 s, and not for ever."""
        bench.run(bench.pushing(a_job(), request=1))
        bench.advance(later)

        bench.run(bench.pushing(a_job(), request=1))

        assert bench.count().queued == {"A": stored}

    def test_pushes_from_many_threads_keep_every_job(self, bench: Bench) -> None:
        """B58: nothing is overwritten."""
        batches: list[tuple[NewJob, ...]] = [
            tuple(bench.named(a_job()) for _ in range(10)) for _ in range(40)
        ]

        def push_all(channel: int) -> None:
            for request, batch in enumerate(batches[channel::4], start=1):
                bench.run(bench.pushing(*batch, channel=f"c{channel}", request=request))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(push_all, range(4)))

        assert bench.count().queued == {"A": 400}
        assert bench.ids(JobState.QUEUED) == {job.id for batch in batches for job in batch}

    def test_a_push_in_one_queue_leaves_the_others_untouched(self, bench: Bench) -> None:
        """B12: queues know nothing of each other."""
        bench.push(a_job(queue="mail"))
        before = bench.snapshot()["mail"]

        bench.push(*[a_job(queue="reports") for _ in range(100)])

        assert bench.snapshot()["mail"] == before

    @only_with(Capability.RETENTION)
    def test_a_job_with_retention_zero_waits_like_any_other(self, bench: Bench) -> None:
        """B36: retention counts from the end of a job."""
        job_id = bench.push_one(a_job(retention=0, delay=10))
        ann = bench.worker("ann", lanes("A"))
        bench.advance(10)

        claimed = bench.run(ann.claiming(1, bounds=Bounds(finished_for=0, finished_max=0)))

        assert [job.id for job in claimed.jobs] == [job_id]
