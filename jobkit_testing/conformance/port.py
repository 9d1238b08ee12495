"""The port itself: batches of operations, operations that a store does not know, closing."""

from __future__ import annotations

import pytest

from jobkit.errors import NotSupported
from jobkit.record import JobState
from jobkit.store import Cancel, Capability, Count, Get, Operation, Push
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import QUEUE, a_job
from jobkit_testing.conformance.capable import only_with


class Unheard(Operation[None], frozen=True):
    """An operation that no store knows."""


class Port:
    """Tests of `Store.run`, `run_many` and `close`."""

    @only_with(Capability.CANCELS)
    def test_operations_run_in_the_order_in_which_they_are_given(self, bench: Bench) -> None:
        """B43: each sees what those before it did, and the answers are in order."""
        push: Push = bench.pushing(a_job())
        job_id = push.jobs[0].id

        ids, cancelled, job, counts = bench.store.run_many(
            [push, Cancel(queue=QUEUE, id=job_id), Get(queue=QUEUE, id=job_id), Count(queue=QUEUE)],
            now=bench.now,
        )

        assert ids == (job_id,)
        assert cancelled is JobState.QUEUED
        assert job.state is JobState.CANCELLED
        assert counts.cancelled == 1

    def test_operations_of_one_trip_may_be_on_several_queues(self, bench: Bench) -> None:
        """B11: one claim a queue, sent together."""
        bench.push(*[a_job(queue=queue) for queue in ("mail", "reports", "mail")])
        workers = [bench.worker("ann", queue=queue) for queue in ("mail", "reports")]

        answers = bench.store.run_many([w.claiming(5) for w in workers], now=bench.now)

        assert [[job.queue for job in answer.jobs] for answer in answers] == [
            ["mail", "mail"],
            ["reports"],
        ]

    def test_no_operations_are_no_error(self, bench: Bench) -> None:
        """B53: an empty trip."""
        assert bench.store.run_many([], now=bench.now) == []

    def test_an_unknown_operation_is_refused_by_name(self, bench: Bench) -> None:
        """B57: and never ignored."""
        with pytest.raises(NotSupported, match="Unheard"):
            bench.run(Unheard())

    def test_a_failed_operation_does_not_stop_the_others(self, bench: Bench) -> None:
        """B57: its exception stands in its place."""
        before, after = bench.pushing(a_job()), bench.pushing(a_job())

        first, failed, last = bench.store.run_many([before, Unheard(), after], now=bench.now)

        assert first == (before.jobs[0].id,)
        assert isinstance(failed, NotSupported)
        assert last == (after.jobs[0].id,)
        assert bench.count().queued == {"A": 2}

    def test_without_an_instant_the_store_takes_its_own(self, bench: Bench) -> None:
        """B8: `now` is for tests; production gives none."""
        push = bench.pushing(a_job(delay=86_400_000))
        bench.store.run(push)

        job = bench.store.run(Get(queue=QUEUE, id=push.jobs[0].id))

        assert job is not None
        assert job.run_at == job.enqueued_at + 86_400_000

    def test_closing_twice_is_fine(self, bench: Bench) -> None:
        """B52: idempotent; the suite closes once more."""
        bench.push(a_job())
        assert bench.breaches() == []

        bench.close()
