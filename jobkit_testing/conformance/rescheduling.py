"""Moving jobs by hand: another time, another priority, another life after the end."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest
from msgspec.structs import replace

from jobkit.record import ENDED, WAITING, JobState
from jobkit.store import Capability, Reschedule, SetPriority
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    QUEUE,
    SECOND,
    a_job,
    bury,
    lanes,
    retry,
    succeed,
    time_out,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.spans import ENDINGS, Happening, settling
from jobkit_testing.conformance.states import STATES, a_job_in
from jobkit_testing.conformance.waking import HEARD, waiting

ANY = WAITING | ENDED
WAITS = ("scheduled", "queued", "retrying", "due", "suspect")
ENDS = ("succeeded", "dead", "cancelled")
GONE = ("dies and is dropped", "is deleted while it waits", "is deleted while it runs")
LEAVES_A_RECORD: Mapping[str, Happening] = {
    "succeeds with a result": settling(partial(succeed, result=b"1")),
    **{name: happening for name, happening in ENDINGS.items() if name not in GONE},
}


class Rescheduling:
    """Tests of `Reschedule` and `SetPriority`."""

    @only_with(Capability.RESCHEDULES)
    @pytest.mark.parametrize("where", [*WAITS, *ENDS])
    def test_a_rescheduled_job_waits_for_its_new_time(self, bench: Bench, where: str) -> None:
        """B45: it starts then, and not a millisecond earlier."""
        before = a_job_in(bench, where)
        due = bench.now + 5 * SECOND
        ann = bench.worker()

        state = bench.run(Reschedule(queue=QUEUE, id=before.id, of=ANY, run_at=due))

        after = bench.get(before.id)
        assert state is STATES[where]
        expected = JobState.RETRYING if where == "retrying" else JobState.SCHEDULED
        assert (after.state, after.run_at, after.arrival) == (expected, due, before.arrival)
        bench.advance(5 * SECOND - 1)
        assert ann.claim(1).jobs == ()
        bench.advance(1)
        assert ann.take_one().id == before.id

    @only_with(Capability.RESCHEDULES)
    @pytest.mark.parametrize("where", [*WAITS, *ENDS])
    def test_a_job_made_due_now_is_ready_at_once(self, bench: Bench, where: str) -> None:
        """B45: without a time it is now."""
        before = a_job_in(bench, where)

        bench.run(Reschedule(queue=QUEUE, id=before.id, of=ANY))

        after = bench.get(before.id)
        assert (after.state, after.run_at, after.due) == (JobState.QUEUED, bench.now, True)

    @only_with(Capability.RESCHEDULES)
    def test_a_job_whose_state_is_not_asked_for_stays_as_it_is(self, bench: Bench) -> None:
        """B45: and neither does a running one move; the answer tells."""
        running, queued = a_job_in(bench, "running"), a_job_in(bench, "queued")
        before = bench.snapshot()

        states = [
            bench.run(Reschedule(queue=QUEUE, id=running.id, of=ANY)),
            bench.run(Reschedule(queue=QUEUE, id=queued.id, of=ENDED)),
            bench.run(Reschedule(queue=QUEUE, id="0" * 26, of=ANY)),
        ]

        assert states == [JobState.RUNNING, JobState.QUEUED, None]
        assert bench.snapshot() == before

    @only_with(Capability.RESCHEDULES)
    def test_an_ended_job_begins_anew(self, bench: Bench) -> None:
        """B45: no attempts, losses or error; but every start stays counted."""
        job_id = bench.push_one(a_job())
        ann = bench.worker()
        ann.settle_one(retry(ann.take_one(), delay=0))
        ann.settle_one(time_out(ann.take_one()))
        bench.advance(60 * SECOND)
        ann.settle_one(bury(ann.take_one()))

        bench.run(Reschedule(queue=QUEUE, id=job_id, of=ENDED))

        after = bench.get(job_id)
        assert (after.failures, after.timeouts, after.losses, after.starts) == (0, 0, 0, 3)
        assert (after.attempts, after.result) == ((), None)
        assert (after.worker, after.version, after.fence, after.started_at) == (None, None, 0, None)
        assert (after.timed_out_at, after.cancel_requested_at, after.finished_at) == (None,) * 3
        assert ann.take_one().starts == 4

    @only_with(Capability.RESCHEDULES)
    @pytest.mark.parametrize("ending", LEAVES_A_RECORD)
    def test_nothing_of_its_end_stays_with_a_job_that_begins_anew(
        self, bench: Bench, ending: str
    ) -> None:
        """B45: it is as it was when it was enqueued, but for its starts and its new time."""
        job_id = bench.push_one(a_job())
        fresh = bench.get(job_id)
        ann = bench.worker()
        LEAVES_A_RECORD[ending](ann, ann.take_one())
        ended = bench.get(job_id)

        bench.run(Reschedule(queue=QUEUE, id=job_id, of=ENDED))

        again = replace(fresh, starts=ended.starts, run_at=bench.now)
        assert (ended.state in ENDED, bench.get(job_id)) == (True, again)

    @only_with(Capability.PRIORITIES, Capability.RESCHEDULES)
    def test_a_priority_that_was_set_is_kept_by_a_job_that_begins_anew(self, bench: Bench) -> None:
        """B45: it belongs to the job, as its arrival does."""
        job_id = bench.push_one(a_job(priority=5))
        bench.run(SetPriority(queue=QUEUE, id=job_id, priority=2))
        ann = bench.worker()
        ann.settle_one(bury(ann.take_one()))

        bench.run(Reschedule(queue=QUEUE, id=job_id, of=ENDED))

        other = bench.push_one(a_job(priority=3))
        assert [job.id for job in ann.take(2)] == [job_id, other]

    @only_with(Capability.RESCHEDULES)
    def test_the_last_worker_cannot_settle_a_job_that_began_anew(self, bench: Bench) -> None:
        """B38: the copy of an old settlement does not end the new life."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        ann.settle_one(succeed(job))
        bench.run(Reschedule(queue=QUEUE, id=job.id, of=ENDED))

        again = ann.settle_one(succeed(job))

        assert again.verdict == "lost"
        assert bench.get(job.id).state is JobState.QUEUED

    @only_with(Capability.PRIORITIES)
    @pytest.mark.parametrize("where", WAITS)
    def test_a_new_priority_counts_at_the_next_claim(self, bench: Bench, where: str) -> None:
        """B9, B45: and stays with the job through failures."""
        moved = a_job_in(bench, where)
        other = bench.push_one(a_job(priority=5))
        ann = bench.worker()

        state = bench.run(SetPriority(queue=QUEUE, id=moved.id, priority=9))

        assert state is STATES[where]
        assert bench.get(moved.id).priority == 9
        bench.advance(120 * SECOND)
        first, second = ann.claim(1).jobs[0], ann.claim(1).jobs[0]
        assert [first.id, second.id] == [other, moved.id]
        ann.settle_one(retry(second, delay=0))
        assert bench.get(moved.id).priority == 9

    @only_with(Capability.PRIORITIES)
    @pytest.mark.parametrize("where", ["running", *ENDS])
    def test_a_job_that_does_not_wait_keeps_its_priority(self, bench: Bench, where: str) -> None:
        """B45"""
        job = a_job_in(bench, where)

        state = bench.run(SetPriority(queue=QUEUE, id=job.id, priority=-7))

        assert state is STATES[where]
        assert bench.get(job.id) == job

    @only_with(Capability.PRIORITIES)
    def test_the_index_of_heads_follows_a_move(self, bench: Bench) -> None:
        """B45: from the front of one lane to behind another's."""
        a, b = bench.push(a_job("A"), a_job("B"))
        ann = bench.worker("ann", lanes("A", "B"))

        bench.run(SetPriority(queue=QUEUE, id=a, priority=1))

        assert [job.id for job in ann.take(2)] == [b, a]

    @only_with(Capability.RESCHEDULES, Capability.WAKING)
    def test_a_move_wakes_an_idle_worker(self, bench: Bench) -> None:
        """B13: as an enqueue would."""
        job_id = bench.push_one(a_job(delay=60 * SECOND))
        ann = bench.worker()
        with waiting(bench, ann) as (waiter,):
            bench.run(Reschedule(queue=QUEUE, id=job_id, of=ANY))

            assert waiter.wait([QUEUE], HEARD)
