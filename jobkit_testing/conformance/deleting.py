"""Deleting jobs: from everywhere, for good."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobkit.record import JobState
from jobkit.store import Capability, Delete, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import LEASE, QUEUE, SECOND, a_job, lanes
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.settling import each_settlement
from jobkit_testing.conformance.states import STATES, a_job_in

each_place = pytest.mark.parametrize("where", STATES)


@only_with(Capability.DELETES)
class Deleting:
    """Tests of `Delete`."""

    @each_place
    def test_a_deleted_job_is_in_no_index(self, bench: Bench, where: str) -> None:
        """B46: whatever its state was; and deleting again finds none."""
        job = a_job_in(bench, where)

        first = bench.run(Delete(queue=QUEUE, id=job.id))
        second = bench.run(Delete(queue=QUEUE, id=job.id))

        counts = bench.count()
        assert (first, second) == (True, False)
        assert bench.find(job.id) is None
        assert [bench.page(state) for state in JobState] == [[] for _ in JobState]
        assert (counts.queued, counts.next_due, counts.due) == ({}, None, 0)
        assert (counts.scheduled, counts.retrying, counts.running) == (0, 0, 0)
        assert (counts.succeeded, counts.dead, counts.cancelled) == (0, 0, 0)

    @each_place
    def test_a_deleted_job_is_never_claimed(self, bench: Bench, where: str) -> None:
        """B46: neither from its line, nor when due, nor by reclaiming."""
        job = a_job_in(bench, where)
        bob = bench.worker("bob")
        bench.run(Delete(queue=QUEUE, id=job.id))

        first = bob.claim(5)
        bench.live(LEASE, bob)
        second = bob.claim(5)

        assert (first.jobs, first.more, first.next_due, first.ended) == ((), False, None, ())
        assert (second.jobs, second.more, second.ended) == ((), False, ())

    @each_place
    def test_a_deleted_job_leaves_the_others_alone(self, bench: Bench, where: str) -> None:
        """B46: they stay, and keep their order."""
        job = a_job_in(bench, where)
        others = bench.push(a_job(), a_job(), a_job())
        bench.run(Delete(queue=QUEUE, id=job.id))

        taken = bench.worker("bob").take(5)

        assert [other.id for other in taken] == list(others)

    def test_deleting_an_unknown_job_finds_none(self, bench: Bench) -> None:
        """B46: in a queue that exists, and in one that does not."""
        bench.push(a_job())

        found = [bench.run(Delete(queue=q, id="0" * 26)) for q in (QUEUE, "nowhere")]

        assert found == [False, False]

    def test_a_job_is_looked_for_in_its_queue_only(self, bench: Bench) -> None:
        """B12: an id of another queue is unknown here."""
        job_id = bench.push_one(a_job(queue="mail"))

        found = bench.run(Delete(queue=QUEUE, id=job_id))

        assert not found
        assert bench.get(job_id, queue="mail").state is JobState.QUEUED

    @each_settlement
    def test_a_settlement_does_not_bring_a_deleted_job_back(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B46: a running worker's later writes find it gone."""
        job = a_job_in(bench, "running")
        bench.run(Delete(queue=QUEUE, id=job.id))
        before = bench.snapshot()

        settled = bench.worker().settle_one(settlement(job))

        assert (settled.verdict, settled.state) == ("gone", None)
        assert bench.snapshot() == before

    @only_with(Capability.PREFETCH)
    def test_a_heartbeat_tells_that_a_job_was_deleted(self, bench: Bench) -> None:
        """B46: so its handler can stop; the job stays away."""
        job = a_job_in(bench, "running")
        bench.run(Delete(queue=QUEUE, id=job.id))

        beat = bench.worker().beat(job, started=(job,))

        assert beat.deleted == (job.id,)
        assert (beat.lost, beat.cancelled) == ((), ())
        assert bench.find(job.id) is None

    def test_deleting_from_the_middle_of_a_line_keeps_the_order(self, bench: Bench) -> None:
        """B46: front, middle and end; ready and waiting."""
        ready = bench.push(*[a_job("AB"[i % 2]) for i in range(5)])
        later = bench.push(*[a_job("AB"[i % 2], delay=SECOND) for i in range(5)])
        for line in (ready, later):
            for index in (0, 2, 4):
                bench.run(Delete(queue=QUEUE, id=line[index]))
        ann = bench.worker("ann", lanes("A", "B"))
        bench.advance(SECOND)

        taken = ann.take(10)

        assert [job.id for job in taken] == [ready[1], ready[3], later[1], later[3]]

    def test_a_deleted_job_may_be_stored_again(self, bench: Bench) -> None:
        """B46: nothing of it is left that could be in the way."""
        new = bench.named(a_job(payload=b"1", delay=5))
        bench.push(new)
        bench.run(Delete(queue=QUEUE, id=new.id))

        bench.push(new)

        ann = bench.worker()
        bench.advance(5)
        assert [job.id for job in ann.take(5)] == [new.id]
        assert ann.take(5) == []
