"""Ticks: one makes exactly one job, whoever fires it and however often."""

from __future__ import annotations

import pytest

from jobkit.record import ENDED, JobState
from jobkit.store import (
    CAUGHT_UP_PER_MINUTE,
    Bounds,
    Cancel,
    Capability,
    Delete,
    Fire,
    Reschedule,
    SetPause,
    Settlement,
    Ticks,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    MINUTE,
    QUEUE,
    SECOND,
    a_job,
    a_schedule,
    bury,
    discard,
    lanes,
    release,
    retry,
    snooze,
    succeed,
)
from jobkit_testing.conformance.capable import only_with


@only_with(Capability.SCHEDULES)
class TickFiring:
    """Tests of `Fire` and `Ticks`."""

    def test_a_tick_makes_a_job_that_names_its_schedule(self, bench: Bench) -> None:
        """B17: an ordinary job, due at the tick, in the claims of all who serve its type."""
        ann = bench.worker()
        bench.put(a_schedule())
        tick = bench.now + MINUTE

        job_id = bench.fire()

        job = ann.take_one()
        assert (job.id, job.schedule, job.run_at, job.state) == (job_id, "s", tick, "running")
        stored = bench.schedule()
        assert (stored.tick, stored.last_tick, stored.last_job) == (tick + MINUTE, tick, job_id)
        assert (stored.unfinished, stored.last_outcome) == (1, None)

    def test_firing_sent_twice_makes_one_job(self, bench: Bench) -> None:
        """B16: the copy finds another tick; nothing depends on who sends it."""
        bench.put(a_schedule())
        bench.advance(MINUTE)
        fire = bench.firing(bench.now)

        assert bench.run(fire) == "fired"
        assert bench.run(fire) == "passed"

        assert len(bench.page(JobState.QUEUED)) == 1
        assert bench.schedule().tick == bench.now + MINUTE

    @only_with(Capability.DELETES)
    def test_a_late_copy_makes_no_job_when_the_first_is_gone(self, bench: Bench) -> None:
        """B16: also when the job has ended and been deleted meanwhile."""
        ann = bench.worker()
        bench.put(a_schedule())
        bench.advance(MINUTE)
        fire = bench.firing(bench.now)
        bench.run(fire)
        ann.settle(succeed(ann.take_one()))
        bench.run(Delete(queue=QUEUE, id=fire.job.id if fire.job else ""))
        bench.fire()

        assert bench.run(fire) == "passed"
        assert len(bench.page(JobState.QUEUED)) == 1

    def test_a_tick_that_comes_again_after_its_job_is_not_run_twice(self, bench: Bench) -> None:
        """B16: a schedule put anew by a clock that was set back brings an old tick again."""
        bench.put(a_schedule())
        tick = bench.now + MINUTE
        bench.fire()
        bench.put(a_schedule(grid="other"), first=tick)

        assert bench.run(bench.firing(tick)) == "skipped"

        assert len(bench.page(JobState.QUEUED)) == 1
        assert (bench.schedule().tick, bench.schedule().unfinished) == (tick + MINUTE, 0)

    def test_no_tick_is_fired_before_its_time(self, bench: Bench) -> None:
        """B16: not by a millisecond, whatever the clock of who fires it."""
        bench.put(a_schedule())
        fire = bench.firing(bench.now + MINUTE)
        bench.advance(MINUTE - 1)

        assert bench.run(fire) == "early"
        bench.advance(1)
        assert bench.run(fire) == "fired"

    def test_there_is_nothing_to_fire_without_a_schedule(self, bench: Bench) -> None:
        """B16: never there, removed, or ended."""
        bench.put(a_schedule(limit=1))
        bench.fire(next_in=None)

        assert bench.run(bench.firing(bench.now, name="none")) == "passed"
        assert bench.run(bench.firing(bench.now)) == "passed"

    def test_the_last_tick_ends_the_schedule(self, bench: Bench) -> None:
        """B14: a rule that has no more ticks ends; its job runs all the same."""
        ann = bench.worker()
        bench.put(a_schedule())

        job_id = bench.fire(next_in=None)

        stored = bench.schedule()
        assert (stored.tick, stored.ended_at) == (None, bench.now)
        assert bench.run(Ticks(queue=QUEUE)).due == ()
        assert ann.claim().next_tick is None
        bench.advance(MINUTE)
        assert (bench.get(job_id).state, bench.schedule().unfinished) == ("running", 1)

    def test_a_tick_without_a_job_moves_the_grid_on(self, bench: Bench) -> None:
        """B18: one that was missed and is to be skipped."""
        bench.put(a_schedule())
        bench.advance(MINUTE)

        assert bench.run(bench.firing(bench.now, job=False)) == "skipped"

        stored = bench.schedule()
        assert (stored.tick, stored.last_tick) == (bench.now + MINUTE, None)
        assert bench.count().queued == {}

    def test_a_tick_may_stand_for_those_that_were_missed_before_it(self, bench: Bench) -> None:
        """B18: the last of them is fired, the first is what the store expects."""
        bench.put(a_schedule())
        first = bench.now + MINUTE
        bench.advance(5 * MINUTE)
        last = bench.firing(bench.now)

        assert (
            bench.run(
                Fire(queue=QUEUE, name="s", expected=first, next=bench.now + MINUTE, job=last.job)
            )
            == "fired"
        )

        assert bench.schedule().last_tick == bench.now
        assert [job.run_at for job in bench.page(JobState.QUEUED)] == [bench.now]

    @pytest.mark.parametrize("end", ["succeed", "bury", "drop", "discard", "cancel", "delete"])
    def test_any_end_of_its_job_finishes_a_tick(self, bench: Bench, end: str) -> None:
        """B17, B20: only a success counts, and the outcome of the last run is kept."""
        ann = bench.worker()
        bench.put(a_schedule())
        job_id = bench.fire()

        match end:
            case "cancel":
                bench.run(Cancel(queue=QUEUE, id=job_id))
            case "delete":
                bench.run(Delete(queue=QUEUE, id=job_id))
            case _:
                job = ann.take_one()
                ends: dict[str, Settlement] = {
                    "succeed": succeed(job),
                    "bury": bury(job),
                    "drop": bury(job, keep=False),
                    "discard": discard(job),
                }
                ann.settle(ends[end])

        outcomes = {
            "succeed": "succeeded",
            "bury": "dead",
            "drop": "dead",
            "discard": "cancelled",
            "cancel": "cancelled",
            "delete": "deleted",
        }
        stored = bench.schedule()
        assert (stored.unfinished, stored.last_outcome) == (0, outcomes[end])
        assert stored.successes == (end == "succeed")
        assert stored.tick == bench.now + MINUTE

    def test_a_tick_whose_worker_died_too_often_is_finished(self, bench: Bench) -> None:
        """B17, B37: poison ends dead like any job."""
        served = lanes("A")
        bench.put(a_schedule())
        job_id = bench.fire()
        for name in ("ann", "bob", "cid"):
            worker = bench.worker(name, served)
            assert worker.take_one().id == job_id
            witness = bench.worker("witness", served)
            bench.live(LEASE + SECOND, witness)
        bench.worker("dan", served).claim()

        assert bench.get(job_id).state is JobState.DEAD
        assert (bench.schedule().unfinished, bench.schedule().last_outcome) == (0, "dead")

    @only_with(Capability.RESCHEDULES)
    def test_a_job_that_waits_again_has_not_finished_its_tick(self, bench: Bench) -> None:
        """B17: a retry, a snooze and a hand-back are no end."""
        ann = bench.worker()
        bench.put(a_schedule(limit=1))
        job_id = bench.fire()

        for settle in (retry, snooze, release):
            job = ann.take_one()
            assert (job.id, job.schedule) == (job_id, "s")
            ann.settle(settle(job))
            assert bench.schedule().unfinished == 1
            bench.advance(SECOND)
        bench.run(Reschedule(queue=QUEUE, id=job_id, of=frozenset({JobState.QUEUED})))

        ann.settle(succeed(ann.take_one()))
        assert (bench.schedule().successes, bench.schedule().ended_at) == (1, bench.now)

    @only_with(Capability.RESCHEDULES)
    @pytest.mark.parametrize("end", [succeed, bury])
    def test_a_tick_s_job_that_runs_again_is_no_tick_any_more(
        self, bench: Bench, end: type
    ) -> None:
        """B17: retried after its end, it keeps its schedule's name and touches it no more."""
        ann = bench.worker()
        bench.put(a_schedule(limit=3))
        job_id = bench.fire()
        ann.settle(end(ann.take_one()))
        before = bench.schedule()

        bench.run(Reschedule(queue=QUEUE, id=job_id, of=ENDED))
        again = ann.take_one()
        assert (again.id, again.schedule) == (job_id, "s")
        ann.settle(succeed(again))

        assert bench.get(job_id).schedule == "s"
        assert bench.schedule() == before

    @only_with(Capability.RETENTION)
    def test_trimming_and_replacing_records_leave_the_schedule_alone(self, bench: Bench) -> None:
        """B17, B49: its counts outlive the records of its jobs."""
        ann = bench.worker()
        bench.put(a_schedule())
        for _ in range(3):
            bench.fire()
            ann.settle(succeed(ann.take_one()), bounds=Bounds(finished_max=0))

        assert bench.page(JobState.SUCCEEDED) == []
        assert (bench.schedule().successes, bench.schedule().unfinished) == (3, 0)

    def test_a_limit_counts_successes_and_unfinished_ticks(self, bench: Bench) -> None:
        """B18: two that are under way and one that succeeded are three; a death gives one back."""
        ann = bench.worker()
        bench.put(a_schedule(limit=3))
        bench.fire()
        ann.settle(succeed(ann.take_one()))
        bench.fire()
        bench.fire()
        bench.advance(MINUTE)

        assert bench.run(bench.firing(bench.now)) == "skipped"
        assert bench.schedule().tick == bench.now + MINUTE
        ann.settle(bury(ann.take_one()))
        bench.fire()

        assert (bench.schedule().successes, bench.schedule().unfinished) == (1, 2)

    def test_the_last_success_of_a_limit_ends_the_schedule(self, bench: Bench) -> None:
        """B18: at once, in the step of that success."""
        ann = bench.worker()
        bench.put(a_schedule(limit=2))
        bench.fire()
        bench.fire()
        jobs = ann.take(2)
        ann.settle(succeed(jobs[0]))
        assert bench.schedule().ended_at is None
        bench.advance(SECOND)

        ann.settle(succeed(jobs[1]))

        stored = bench.schedule()
        assert (stored.ended_at, stored.tick, stored.successes) == (bench.now, None, 2)
        assert ann.claim().next_tick is None

    def test_a_success_sent_twice_counts_once(self, bench: Bench) -> None:
        """B18: a settlement may come again."""
        ann = bench.worker()
        bench.put(a_schedule(limit=2))
        bench.fire()
        success = succeed(ann.take_one())

        ann.settle(success, success)
        ann.settle(success)

        assert (bench.schedule().successes, bench.schedule().unfinished) == (1, 0)

    @pytest.mark.parametrize("skips", [True, False])
    def test_a_tick_is_skipped_while_the_last_one_s_job_has_not_ended(
        self, bench: Bench, *, skips: bool
    ) -> None:
        """B18: overlap="skip"; and also when the schedule began anew meanwhile."""
        ann = bench.worker()
        bench.put(a_schedule(skips_overlap=skips))
        bench.fire()
        job = ann.take_one()
        bench.put(a_schedule(skips_overlap=skips, grid="other"))
        bench.advance(MINUTE)

        assert bench.run(bench.firing(bench.now)) == ("skipped" if skips else "fired")
        ann.settle(succeed(job))
        bench.advance(MINUTE)
        assert bench.run(bench.firing(bench.now)) == "fired"

    def test_missed_ticks_are_caught_up_at_most_a_thousand_a_minute(self, bench: Bench) -> None:
        """B18: then the schedule is looked at again when the minute is over."""
        bench.put(a_schedule(), first=bench.now + 1)
        tick = bench.now + 1
        bench.advance(10 * MINUTE)
        began = bench.now
        for _ in range(CAUGHT_UP_PER_MINUTE):
            assert bench.run(bench.firing(tick, next_in=1, missed=True)) == "fired"
            tick += 1
        late = bench.firing(tick, next_in=1, missed=True)

        assert bench.run(late) == "waits"

        look = bench.run(Ticks(queue=QUEUE))
        assert (look.due, look.next) == ((), began + MINUTE)
        assert len(bench.page(JobState.QUEUED, limit=5000)) == CAUGHT_UP_PER_MINUTE
        bench.advance(MINUTE)
        assert [due.tick for due in bench.run(Ticks(queue=QUEUE)).due] == [tick]
        assert bench.run(late) == "fired"

    @only_with(Capability.PRIORITIES)
    def test_a_tick_s_job_stands_among_the_others_by_its_due_time(self, bench: Bench) -> None:
        """B9, B17: and lanes, limits and order are those of any job."""
        ann = bench.worker()
        bench.put(a_schedule())
        bench.advance(MINUTE)
        later = bench.push_one(a_job())
        early = bench.push_one(a_job(priority=-1))
        bench.advance(SECOND)

        assert bench.run(bench.firing(bench.now - SECOND)) == "fired"

        assert [job.id for job in ann.take(3)] == [early, later, bench.schedule().last_job]

    @only_with(Capability.PAUSES)
    def test_ticks_of_a_paused_queue_make_jobs_that_wait(self, bench: Bench) -> None:
        """B27: a pause holds back the runs, not the schedule."""
        ann = bench.worker()
        bench.put(a_schedule())
        bench.run(SetPause(queue=QUEUE, paused=True))

        assert ann.claim().next_tick == bench.now + MINUTE
        job_id = bench.fire()

        assert ann.claim().jobs == ()
        assert bench.get(job_id).state is JobState.QUEUED
