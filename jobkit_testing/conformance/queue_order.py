"""The order of a queue: by priority first, or by due time first."""

from __future__ import annotations

import pytest

from jobkit.errors import InvalidOption
from jobkit.record import ENDED, WAITING, JobState
from jobkit.store import (
    Cancel,
    Capability,
    Delete,
    NewJob,
    Order,
    Push,
    Reschedule,
    SetPriority,
    UseOrder,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    bury,
    lanes,
    release,
    retry,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.ordering import HIGHEST, LOWEST, dice

BOTH: tuple[Order, Order] = ("priority", "run_at")
LATEST = 253_402_214_400_000  # the last day of 9999


def use(bench: Bench, order: Order, *, queue: str = QUEUE) -> bool:
    """Give a queue an order."""
    return bench.run(UseOrder(queue=queue, order=order))


def pushing(bench: Bench, order: Order, *jobs: NewJob) -> Push:
    """Build a push by somebody who names the order of the queue."""
    push = bench.pushing(*jobs)
    return Push(jobs=push.jobs, channel=push.channel, request=push.request, orders={QUEUE: order})


def push_in(bench: Bench, order: Order, *jobs: NewJob) -> tuple[str, ...]:
    """Push by somebody who names the order of the queue."""
    ids = bench.run(pushing(bench, order, *jobs))
    assert isinstance(ids, tuple)
    return ids


@only_with(Capability.QUEUE_ORDER)
class QueueOrder:
    """Tests of `UseOrder` and `Push.orders`."""

    @only_with(Capability.PRIORITIES)
    def test_due_times_are_first_then_priorities_then_arrival(self, bench: Bench) -> None:
        """B10: against an oracle, over several lanes and claims of all sizes."""
        use(bench, "run_at")
        jobs = [
            a_job(
                "ABC"[dice(3, i, "type")],
                priority=(LOWEST, -1, 0, 1, HIGHEST)[dice(5, i, "priority")],
                run_at=START - dice(20, i, "due"),
            )
            for i in range(400)
        ]
        ids = [job_id for at in range(0, 400, 80) for job_id in bench.push(*jobs[at : at + 80])]
        ann = bench.worker("ann", lanes("A", "B", "C"))

        taken: list[str] = []
        while batch := ann.take(1 + dice(50, len(taken))):
            taken += [job.id for job in batch]

        by_due = sorted(range(400), key=lambda i: (jobs[i].run_at or 0, jobs[i].priority, i))
        assert taken == [ids[i] for i in by_due]

    @only_with(Capability.PRIORITIES)
    def test_the_first_push_orders_a_queue(self, bench: Bench) -> None:
        """B10: for its own jobs already, and for those of others."""
        job = a_job(priority=LOWEST, run_at=2)
        first, second = push_in(bench, "run_at", job, a_job(priority=9, run_at=1))
        third = bench.push_one(a_job(priority=HIGHEST, run_at=0))

        taken = bench.worker().take(3)

        assert [job.id for job in taken] == [third, second, first]

    @only_with(Capability.PRIORITIES)
    def test_who_names_no_order_takes_what_there_is(self, bench: Bench) -> None:
        """B10: producers need not know of it."""
        use(bench, "run_at")

        bench.push(a_job(priority=1, run_at=1), a_job(priority=0, run_at=2))

        assert [job.priority for job in bench.worker().take(2)] == [1, 0]

    @pytest.mark.parametrize("order", BOTH)
    def test_another_order_is_refused_and_nothing_is_stored(
        self, bench: Bench, order: Order
    ) -> None:
        """B10: not even the jobs for other queues, where one push may be for several."""
        others = [a_job(queue="elsewhere")] if bench.store.atomic_over == "store" else []
        other: Order = "priority" if order == "run_at" else "run_at"
        kept = push_in(bench, order, a_job())
        refused = pushing(bench, other, a_job(), *others)

        with pytest.raises(InvalidOption, match=f"'q'.*{other}.*nothing was stored"):
            bench.run(refused)

        assert bench.ids(JobState.QUEUED) == set(kept)
        assert bench.count("elsewhere").queued == {}
        assert not use(bench, other)
        assert use(bench, order)

    @only_with(Capability.CANCELS)
    def test_the_order_may_change_while_nothing_waits_or_runs(self, bench: Bench) -> None:
        """B10: what has ended does not count, in whatever state."""
        ann = bench.worker()
        ids = bench.push(a_job(), a_job(), a_job(delay=SECOND))
        answers = [use(bench, "run_at")]  # two ready, one scheduled
        bench.run(Cancel(queue=QUEUE, id=ids[2]))
        first, second = ann.take(2)
        answers.append(use(bench, "run_at"))  # two running
        ann.settle(succeed(first), retry(second, delay=SECOND))
        answers.append(use(bench, "run_at"))  # one retrying
        bench.advance(SECOND)
        ann.settle(bury(ann.take_one()))
        answers.append(use(bench, "run_at"))

        assert answers == [False, False, False, True]
        assert bench.count().dead == bench.count().cancelled == bench.count().succeeded == 1

    @only_with(Capability.PRIORITIES)
    def test_a_queue_changes_its_order_and_back(self, bench: Bench) -> None:
        """B10: with the next push, once it is empty."""
        ann = bench.worker()
        found: list[list[int]] = []
        orders: tuple[Order, ...] = ("run_at", "priority", "run_at")
        for order in orders:
            jobs = (a_job(priority=1, run_at=1), a_job(priority=0, run_at=2))
            push_in(bench, order, *jobs)
            taken = ann.take(2)
            found.append([job.priority for job in taken])
            ann.settle(*map(succeed, taken))

        assert found == [[1, 0], [0, 1], [1, 0]]

    def test_a_copy_of_a_push_changes_no_order(self, bench: Bench) -> None:
        """B6, B10: it is recognised before its order is looked at."""
        push = pushing(bench, "run_at", a_job())
        ids = bench.run(push)
        ann = bench.worker()
        ann.settle(succeed(ann.take_one()))
        bench.run(pushing(bench, "priority", a_job()))

        again = bench.run(push)

        assert again == ids
        assert use(bench, "priority")

    @only_with(Capability.PRIORITIES, Capability.RESCHEDULES)
    def test_jobs_that_end_and_run_again_stand_in_the_new_order(self, bench: Bench) -> None:
        """B10, B45: a retry of what ended under the old one."""
        ann = bench.worker()
        ids = bench.push(a_job(priority=1), a_job(priority=0))
        ann.settle(*map(bury, ann.take(2)))
        assert use(bench, "run_at")

        for at, job_id in enumerate(ids):
            bench.run(Reschedule(queue=QUEUE, id=job_id, of=ENDED, run_at=START - 9 + at))

        assert [job.id for job in ann.take(2)] == list(ids)

    @only_with(Capability.PRIORITIES, Capability.DELETES, Capability.RESCHEDULES)
    def test_everything_that_moves_a_job_keeps_to_the_order(self, bench: Bench) -> None:
        """B10, B45: promotion, hand-back, loss, retry, and the changes that users make."""
        use(bench, "run_at")
        ann, bob = bench.worker("ann"), bench.worker("bob")
        ids = bench.push(*[a_job(priority=9 - i, run_at=START + i * SECOND) for i in range(8)])
        bench.advance(7 * SECOND)
        first, second, third = ann.take(3)
        ann.settle(release(first), retry(second, at=START + 3 * SECOND + 1))
        bench.run(SetPriority(queue=QUEUE, id=ids[7], priority=LOWEST))
        bench.run(Reschedule(queue=QUEUE, id=ids[6], of=WAITING, run_at=START + 1))
        bench.run(SetPriority(queue=QUEUE, id=ids[4], priority=HIGHEST))
        bench.run(Delete(queue=QUEUE, id=ids[5]))
        bench.live(LEASE, bob)

        taken = bob.take(9)

        lost = third.id
        assert [job.id for job in taken] == [
            *(ids[0], ids[6], lost, ids[3], second.id, ids[4], ids[7]),
        ]

    @only_with(Capability.PRIORITIES)
    def test_priorities_decide_among_equal_due_times(self, bench: Bench) -> None:
        """B10: also after they were changed, and at the ends of both ranges."""
        use(bench, "run_at")
        ids = bench.push(
            *[a_job(priority=n, run_at=5) for n in (HIGHEST, 0, LOWEST, -1)],
            a_job(priority=HIGHEST, run_at=0),
        )
        bench.run(SetPriority(queue=QUEUE, id=ids[0], priority=LOWEST + 1))

        taken = bench.worker().take(5)

        assert [job.id for job in taken] == [ids[at] for at in (4, 2, 0, 3, 1)]

    def test_the_latest_due_time_has_its_place(self, bench: Bench) -> None:
        """B10: scores are exact up to the year 9999."""
        use(bench, "run_at")
        ids = bench.push(*[a_job(run_at=LATEST - n) for n in (0, 1, 2)])
        bench.now = LATEST

        taken = bench.worker().take(3)

        assert [job.id for job in taken] == list(reversed(ids))

    @only_with(Capability.PRIORITIES)
    def test_a_page_shows_ready_jobs_in_their_order(self, bench: Bench) -> None:
        """B10, B47: in the order in which they will be taken, within a lane."""
        use(bench, "run_at")
        ids = bench.push(*[a_job(priority=n, run_at=9 - n) for n in range(5)])

        page = bench.page(JobState.QUEUED, limit=2)

        assert [job.id for job in page] == list(reversed(ids))

    @only_with(Capability.PRIORITIES, Capability.CANCELS, Capability.DELETES)
    def test_one_job_alone_is_found_in_its_place(self, bench: Bench) -> None:
        """B10: by a claim of this job, a cancel or a delete."""
        use(bench, "run_at")
        first, second, third = bench.push(*[a_job(priority=n) for n in (3, 2, 1)])
        ann = bench.worker()

        claimed = bench.run(ann.claiming(only=first))
        bench.run(Cancel(queue=QUEUE, id=second))

        assert [job.id for job in claimed.jobs] == [first]
        assert bench.run(Delete(queue=QUEUE, id=third))
        assert bench.count().queued == {}

    @only_with(Capability.PRIORITIES, Capability.CHILDREN)
    def test_children_take_the_order_of_their_queue(self, bench: Bench) -> None:
        """B10, B41: whoever publishes them."""
        use(bench, "run_at")
        bench.push(a_job(run_at=0))
        ann = bench.worker()
        children = tuple(bench.named(a_job(priority=n, run_at=9 - n)) for n in range(3))

        ann.settle(succeed(ann.take_one(), children=children))

        assert [job.priority for job in ann.take(3)] == [2, 1, 0]
