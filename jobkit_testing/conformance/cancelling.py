"""Cancelling jobs: at once while they wait, by a mark while they run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobkit.record import JobState
from jobkit.store import Cancel, Capability, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    QUEUE,
    SECOND,
    START,
    a_job,
    bury,
    lanes,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.settling import each_settlement
from jobkit_testing.conformance.states import STATES, a_job_in

WAITING = ("scheduled", "queued", "retrying", "due", "suspect")
ENDED = ("succeeded", "dead", "cancelled")


@only_with(Capability.CANCELS)
class Cancelling:
    """Tests of `Cancel`."""

    @pytest.mark.parametrize("where", WAITING)
    def test_a_waiting_job_is_cancelled_at_once(self, bench: Bench, where: str) -> None:
        """B44: and the answer is the state that it was in."""
        before = a_job_in(bench, where)
        bench.advance(3)

        state = bench.run(Cancel(queue=QUEUE, id=before.id))

        after = bench.get(before.id)
        assert state is STATES[where]
        assert (after.state, after.finished_at) == (JobState.CANCELLED, bench.now)
        assert after.attempts == before.attempts
        assert bench.ids(before.state) == set()
        assert bench.ids(JobState.CANCELLED) == {before.id}

    @pytest.mark.parametrize("where", WAITING)
    def test_a_cancelled_job_is_never_claimed(self, bench: Bench, where: str) -> None:
        """B44: neither now nor when it would have been due."""
        job = a_job_in(bench, where)
        ann = bench.worker()
        bench.run(Cancel(queue=QUEUE, id=job.id))

        first = ann.claim(5)
        bench.advance(10 * SECOND)
        second = ann.claim(5)

        assert (first.jobs, first.more, first.next_due) == ((), False, None)
        assert (second.jobs, second.more, second.next_due) == ((), False, None)

    def test_a_cancelled_job_leaves_the_others_in_their_order(self, bench: Bench) -> None:
        """B44: from the front, the middle and the end of a line."""
        ids = bench.push(*[a_job("AB"[i % 2]) for i in range(7)])
        for index in (0, 3, 6):
            bench.run(Cancel(queue=QUEUE, id=ids[index]))

        taken = bench.worker("ann", lanes("A", "B")).take(7)

        assert [job.id for job in taken] == [ids[1], ids[2], ids[4], ids[5]]

    def test_a_running_job_is_marked(self, bench: Bench) -> None:
        """B44: its handler is told by the next heartbeat."""
        job = a_job_in(bench, "running")
        bench.advance(3)

        state = bench.run(Cancel(queue=QUEUE, id=job.id))

        after = bench.get(job.id)
        assert state is JobState.RUNNING
        assert (after.state, after.cancel_requested_at) == (JobState.RUNNING, START + 3)

    def test_the_first_mark_of_a_running_job_stays(self, bench: Bench) -> None:
        """B44: cancelling again changes nothing."""
        job = a_job_in(bench, "running")
        bench.run(Cancel(queue=QUEUE, id=job.id))
        before = bench.get(job.id)
        bench.advance(3)

        state = bench.run(Cancel(queue=QUEUE, id=job.id))

        assert state is JobState.RUNNING
        assert bench.get(job.id) == before

    @pytest.mark.parametrize("where", ENDED)
    def test_an_ended_job_stays_as_it_is(self, bench: Bench, where: str) -> None:
        """B44: who reaches the store first wins."""
        job = a_job_in(bench, where)
        before = bench.snapshot()

        state = bench.run(Cancel(queue=QUEUE, id=job.id))

        assert state is STATES[where]
        assert bench.snapshot() == before

    def test_cancelling_an_unknown_job_finds_none(self, bench: Bench) -> None:
        """B44: in a queue that exists, and in one that does not."""
        bench.push(a_job())

        states = [bench.run(Cancel(queue=q, id="0" * 26)) for q in (QUEUE, "nowhere")]

        assert states == [None, None]

    @only_with(Capability.DELETES)
    def test_a_job_is_looked_for_in_its_queue_only(self, bench: Bench) -> None:
        """B12: an id of another queue is unknown here."""
        job_id = bench.push_one(a_job(queue="mail"))

        state = bench.run(Cancel(queue=QUEUE, id=job_id))

        assert state is None
        assert bench.get(job_id, queue="mail").state is JobState.QUEUED

    @each_settlement
    def test_a_marked_job_ends_cancelled_however_its_handler_ends(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B44: whatever the settlement says."""
        job = a_job_in(bench, "running")
        bench.run(Cancel(queue=QUEUE, id=job.id))
        ann = bench.worker()
        bench.advance(3)

        settled = ann.settle_one(settlement(job))

        after = bench.get(job.id)
        assert (settled.verdict, settled.state) == ("ok", JobState.CANCELLED)
        assert (settled.at, settled.due) == (START + 3, None)
        assert (after.state, after.finished_at) == (JobState.CANCELLED, START + 3)
        assert [attempt.outcome for attempt in after.attempts] == ["cancelled"]
        assert (after.failures, after.timeouts) == (0, 0)
        assert ann.take() == []

    @each_settlement
    def test_the_settlement_of_a_marked_job_seen_again_changes_nothing(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B38, B44: a copy is a copy."""
        job = a_job_in(bench, "running")
        bench.run(Cancel(queue=QUEUE, id=job.id))
        settle = bench.worker().settling(settlement(job))
        bench.run(settle)
        before = bench.snapshot()

        (again,) = bench.run(settle)

        assert (again.verdict, again.state) == ("ok", JobState.CANCELLED)
        assert bench.snapshot() == before

    def test_the_result_of_a_marked_job_is_dropped(self, bench: Bench) -> None:
        """B44: it did not succeed."""
        job = a_job_in(bench, "running")
        bench.run(Cancel(queue=QUEUE, id=job.id))

        bench.worker().settle(succeed(job, result=b"1"))

        assert bench.get(job.id).result is None

    @only_with(Capability.RETENTION)
    def test_a_marked_job_that_is_buried_without_a_record_ends_cancelled(
        self, bench: Bench
    ) -> None:
        """B44: `keep_dead` is about the dead."""
        job = a_job_in(bench, "running")
        bench.run(Cancel(queue=QUEUE, id=job.id))

        bench.worker().settle(bury(job, keep=False))

        assert bench.get(job.id).state is JobState.CANCELLED

    @only_with(Capability.PRIORITIES)
    def test_a_cancel_and_a_success_in_either_order_have_one_winner(self, bench: Bench) -> None:
        """B44: and both are told who."""
        first, second = (bench.push_one(a_job(priority=n)) for n in (1, 2))
        ann = bench.worker()
        jobs = ann.take(2)

        cancel_first = bench.run(Cancel(queue=QUEUE, id=first))
        settled = ann.settle(*[succeed(job) for job in jobs])
        cancel_late = bench.run(Cancel(queue=QUEUE, id=second))

        assert (cancel_first, cancel_late) == (JobState.RUNNING, JobState.SUCCEEDED)
        assert [v.state for v in settled] == [JobState.CANCELLED, JobState.SUCCEEDED]
