"""Schedules: putting, changing, declaring, removing and listing them."""

from __future__ import annotations

from jobkit.store import (
    ENDED_LISTED,
    OWNER_SILENT,
    UNDECLARED_REMOVED,
    Capability,
    Declare,
    PutSchedule,
    Queues,
    RemoveSchedule,
    Ticks,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    HOUR,
    MINUTE,
    QUEUE,
    SECOND,
    a_job,
    a_schedule,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.waking import HEARD, waiting


@only_with(Capability.SCHEDULES)
class Scheduling:
    """Tests of `PutSchedule`, `RemoveSchedule`, `Declare` and `Schedules`."""

    def test_a_schedule_is_kept_as_it_was_put(self, bench: Bench) -> None:
        """B20: every field comes back; its queue is known from then on."""
        new = a_schedule(
            definition=b"\x00\n\xff 1 2",
            grid="0 9 * * * Europe/Berlin -",
            rule="moon",
            limit=7,
            skips_overlap=True,
            owner="default",
        )

        result = bench.put(new, first=bench.now + HOUR)

        stored = bench.schedule()
        assert (result.verdict, result.at) == ("created", bench.now)
        assert stored.schedule == new
        assert (stored.first, stored.tick) == (bench.now + HOUR, bench.now + HOUR)
        assert (stored.successes, stored.unfinished, stored.ended_at) == (0, 0, None)
        assert (stored.last_tick, stored.last_job, stored.last_outcome) == (None, None, None)
        assert bench.run(Queues()) == (QUEUE,)

    def test_putting_the_same_again_changes_nothing(self, bench: Bench) -> None:
        """B19: idempotent by name, whenever it is sent."""
        bench.put(a_schedule())
        bench.fire()
        before = bench.schedule()
        bench.advance(10 * SECOND)

        result = bench.put(a_schedule(), first=bench.now + HOUR)

        assert result.verdict == "same"
        assert bench.schedule() == before

    def test_another_definition_keeps_the_grid_and_the_counts(self, bench: Bench) -> None:
        """B19: a changed payload is for the ticks to come."""
        ann = bench.worker()
        bench.put(a_schedule(definition=b"old"))
        bench.fire()
        ann.settle(succeed(ann.take_one()))
        before = bench.schedule()

        result = bench.put(a_schedule(definition=b"new"), first=bench.now + HOUR)

        after = bench.schedule()
        assert result.verdict == "changed"
        assert after.schedule.definition == b"new"
        assert (after.first, after.tick, after.successes) == (before.first, before.tick, 1)
        assert after.last_job == before.last_job

    def test_another_grid_starts_the_schedule_anew(self, bench: Bench) -> None:
        """B19: with its first tick, and nothing counted."""
        ann = bench.worker()
        bench.put(a_schedule(limit=2))
        bench.fire()
        ann.settle(succeed(ann.take_one()))
        unfinished = bench.fire()

        result = bench.put(a_schedule(limit=2, grid="@every 1h UTC -"), first=bench.now + HOUR)

        stored = bench.schedule()
        assert result.verdict == "created"
        assert (stored.first, stored.tick) == (bench.now + HOUR, bench.now + HOUR)
        assert (stored.successes, stored.unfinished) == (0, 0)
        assert stored.last_job == unfinished
        ann.settle(succeed(ann.take_one()))
        assert bench.schedule().successes == 0
        assert bench.schedule().last_outcome == "succeeded"

    def test_a_schedule_without_a_first_tick_is_not_begun(self, bench: Bench) -> None:
        """B14: and one that is there stays, if its grid is the same."""
        assert bench.run(PutSchedule(schedule=a_schedule(), first=None)).verdict == "never"
        assert bench.names() == []
        bench.put(a_schedule())

        other = a_schedule(grid="rule:moon UTC -")

        assert bench.run(PutSchedule(schedule=other, first=None)).verdict == "never"
        assert bench.run(PutSchedule(schedule=a_schedule(), first=None)).verdict == "same"
        assert bench.schedule().schedule == a_schedule()

    def test_removing_a_schedule_leaves_all_jobs_alone(self, bench: Bench) -> None:
        """B20: those of its ticks as well; and then it does not tick."""
        ann = bench.worker()
        bench.put(a_schedule())
        bench.put(a_schedule("other"), first=bench.now + HOUR)
        own = bench.push_one(a_job())
        fired = bench.fire()

        assert bench.run(RemoveSchedule(queue=QUEUE, name="s")) is True
        assert bench.run(RemoveSchedule(queue=QUEUE, name="s")) is False

        assert bench.names() == ["other"]
        assert bench.get(own).schedule is None
        assert bench.get(fired).schedule == "s"
        claimed = ann.claim(2)
        assert [job.id for job in claimed.jobs] == [own, fired]
        assert claimed.next_tick == bench.schedule("other").tick
        assert [settled.verdict for settled in ann.settle(*map(succeed, claimed.jobs))] == [
            "ok",
            "ok",
        ]

    def test_only_an_older_schedule_is_removed_for_a_newer_one(self, bench: Bench) -> None:
        """B19: a schedule moves with its job's queue, and of two moves one stays."""
        old = bench.put(a_schedule())

        assert bench.run(RemoveSchedule(queue=QUEUE, name="s", before=old.at)) is False
        assert bench.run(RemoveSchedule(queue=QUEUE, name="s", before=old.at + 1)) is True

    def test_a_schedule_removed_and_put_again_is_a_new_one(self, bench: Bench) -> None:
        """B17: the end of an old tick's job does not count for it."""
        ann = bench.worker()
        bench.put(a_schedule(limit=1))
        bench.fire()
        bench.run(RemoveSchedule(queue=QUEUE, name="s"))
        bench.put(a_schedule(limit=1))

        ann.settle(succeed(ann.take_one()))

        stored = bench.schedule()
        assert (stored.successes, stored.last_job, stored.ended_at) == (0, None, None)

    def test_the_next_tick_is_told_with_each_claim_and_heartbeat(self, bench: Bench) -> None:
        """B16: so that a worker can sleep until then; without a schedule there is none."""
        ann = bench.worker()
        assert ann.claim().next_tick is None
        assert ann.beat().next_tick is None

        bench.put(a_schedule("b"), first=bench.now + HOUR)
        bench.put(a_schedule("a"), first=bench.now + MINUTE)

        assert ann.claim().next_tick == bench.now + MINUTE
        assert ann.beat().next_tick == bench.now + MINUTE

    @only_with(Capability.WAKING)
    def test_an_idle_worker_is_woken_by_a_schedule_that_ticks_first(self, bench: Bench) -> None:
        """B13, B16: it may have to sleep less long."""
        ann = bench.worker()
        with waiting(bench, ann) as (waiter,):
            bench.put(a_schedule())

            assert waiter.wait([QUEUE], HEARD)

    def test_a_declared_schedule_is_removed_when_nobody_declares_it(self, bench: Bench) -> None:
        """B19: ten minutes after the last declaration, while its owner is alive."""
        bench.put(a_schedule("kept", owner="default"))
        bench.put(a_schedule("left", owner="default"))
        bench.put(a_schedule("theirs", owner="billing"))
        bench.put(a_schedule("called"))
        declare = Declare(queue=QUEUE, owner="default", names=("kept",))
        end = bench.now + UNDECLARED_REMOVED
        while bench.now < end - MINUTE:
            bench.advance(MINUTE)
            assert bench.run(declare).removed == ()
        bench.advance(MINUTE - 1)
        assert bench.run(declare).removed == ()
        bench.advance(1)

        declared = bench.run(declare)

        assert (declared.known, declared.removed) == (True, ("left",))
        assert bench.names() == ["called", "kept", "theirs"]

    def test_nothing_is_removed_for_a_time_when_no_worker_was_alive(self, bench: Bench) -> None:
        """B19: after a night without workers, those that come later have time to declare."""
        bench.put(a_schedule(owner="default"))
        nothing = Declare(queue=QUEUE, owner="default", names=())
        bench.run(nothing)
        bench.advance(8 * HOUR)
        back = bench.now
        while bench.now < back + UNDECLARED_REMOVED:
            assert bench.run(nothing).removed == ()
            bench.advance(min(MINUTE, OWNER_SILENT))

        assert bench.run(nothing).removed == ("s",)

    def test_a_declaration_to_a_store_that_lost_everything_is_told(self, bench: Bench) -> None:
        """B19: so that the worker puts its schedules again."""
        declare = Declare(queue=QUEUE, owner="default", names=("s",))

        assert bench.run(declare).known is False
        assert bench.run(declare).known is False
        bench.put(a_schedule(owner="default"))
        assert bench.run(declare).known is True

    def test_a_schedule_that_ended_stays_listed_for_thirty_days(self, bench: Bench) -> None:
        """B18: whatever comes meanwhile, and does not begin again by being put again."""
        ann = bench.worker()
        bench.put(a_schedule(limit=1))
        bench.fire()
        ann.settle(succeed(ann.take_one()))
        ended = bench.now
        assert bench.put(a_schedule(limit=1)).verdict == "same"

        assert (bench.schedule().tick, bench.schedule().ended_at) == (None, ended)
        bench.advance(ENDED_LISTED - 1)
        bench.put(a_schedule("t"))
        assert bench.names() == ["s", "t"]
        bench.advance(1)
        assert bench.names() == ["t"]
        assert bench.put(a_schedule(limit=1)).verdict == "created"
        assert bench.schedule().tick == bench.now + MINUTE

    def test_another_limit_ends_a_schedule_or_lets_it_go_on(self, bench: Bench) -> None:
        """B18, B19: the grid stays, and so do the successes."""
        ann = bench.worker()
        bench.put(a_schedule())
        for _ in range(2):
            bench.fire()
            ann.settle(succeed(ann.take_one()))

        bench.put(a_schedule(limit=2, definition=b"2"))
        assert bench.schedule().ended_at == bench.now
        bench.put(a_schedule(limit=3, definition=b"3"))

        stored = bench.schedule()
        assert (stored.ended_at, stored.tick) == (None, bench.now + MINUTE)
        assert stored.successes == 2

    def test_only_those_who_know_its_rule_see_the_tick_of_a_schedule(self, bench: Bench) -> None:
        """B16: a worker that lacks the `Schedule` leaves it to others, and sees the rest."""
        bench.put(a_schedule("a", rule="moon"), first=bench.now + 1)
        bench.put(a_schedule("b"), first=bench.now + 2)
        bench.put(a_schedule("c", rule="sun"), first=bench.now + 3)
        bench.put(a_schedule("d"), first=bench.now + HOUR)
        bench.advance(SECOND)

        none = bench.run(Ticks(queue=QUEUE))
        moon = bench.run(Ticks(queue=QUEUE, rules=("moon", "mars")))
        skipped = bench.run(Ticks(queue=QUEUE, rules=("moon",), skip=("a", "b")))

        assert [due.name for due in none.due] == ["b"]
        assert none.next == bench.schedule("d").tick
        assert [due.name for due in moon.due] == ["a", "b"]
        assert skipped.due == ()
        assert moon.due[1].definition == b"definition"

    def test_due_ticks_come_in_their_order_up_to_a_limit(self, bench: Bench) -> None:
        """B16: many at once are read bit by bit."""
        for at in range(5):
            bench.put(a_schedule(f"s{at}"), first=bench.now + 5 - at)
        bench.advance(SECOND)

        look = bench.run(Ticks(queue=QUEUE, limit=3))

        assert [due.name for due in look.due] == ["s4", "s3", "s2"]
        assert [due.tick for due in look.due] == sorted(due.tick for due in look.due)
