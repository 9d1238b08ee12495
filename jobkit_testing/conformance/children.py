"""Jobs that are published by the success of another."""

from __future__ import annotations

from jobkit.record import JobState
from jobkit.store import Cancel, Capability, Delete, Queues
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    bury,
    lanes,
    retry,
    succeed,
)
from jobkit_testing.conformance.capable import only_with


@only_with(Capability.CHILDREN)
class Children:
    """Tests of `Succeed.children`."""

    @only_with(Capability.PRIORITIES, Capability.RETENTION)
    def test_children_are_stored_with_the_success_of_their_job(self, bench: Bench) -> None:
        """B41: in the same step."""
        bench.push(a_job())
        ann = bench.worker()
        child = bench.named(a_job("B", payload=b"[1]", priority=4, metadata=b"{}", retention=9))
        bench.advance(30)

        settled = ann.settle_one(succeed(ann.take_one(), children=(child,)))

        stored = bench.get(child.id)
        assert settled.state is JobState.SUCCEEDED
        assert (stored.state, stored.type, stored.payload) == (JobState.QUEUED, "B", b"[1]")
        assert (stored.priority, stored.metadata, stored.retention) == (4, b"{}", 9)
        assert (stored.enqueued_at, stored.run_at) == (START + 30, START + 30)

    def test_children_keep_their_order(self, bench: Bench) -> None:
        """B4, B41: among themselves, and over the settlements of a batch."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        first, second = ann.take(2)
        children = [bench.named(a_job()) for _ in range(6)]

        ann.settle(
            succeed(first, children=tuple(children[:3])),
            succeed(second, children=tuple(children[3:])),
        )

        assert [job.id for job in ann.take(9)] == [child.id for child in children]

    def test_children_may_be_for_later(self, bench: Bench) -> None:
        """B8, B41: a delay runs by the store's clock, from the success."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        delayed = bench.named(a_job(delay=SECOND))
        timed = bench.named(a_job(run_at=START + 2 * SECOND))
        bench.advance(30)

        ann.settle(succeed(job, children=(delayed, timed)))

        assert bench.get(delayed.id).run_at == START + 30 + SECOND
        assert bench.get(timed.id).state is JobState.SCHEDULED
        assert ann.claim().next_due == START + 30 + SECOND

    def test_the_delay_of_a_child_runs_from_the_end_of_its_parent(self, bench: Bench) -> None:
        """B8, B41: found by the differential machine, on a Cluster, after 9 steps.

        The clock was set back a little; the queue of the parent has heard of it, and stands
        still. That of the child has not.
        """
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(3 * SECOND)
        ann.beat(job)
        bench.advance(-2 * SECOND)
        child = bench.named(a_job("B", queue="mail", delay=SECOND))

        settled = ann.settle_one(succeed(job, children=(child,)))

        stored = bench.get(child.id, queue="mail")
        assert settled.at == START + 3 * SECOND
        assert (stored.enqueued_at, stored.run_at) == (START + SECOND, START + 4 * SECOND)

    def test_children_in_another_queue_are_stored_there(self, bench: Bench) -> None:
        """B41: a handler may enqueue anywhere."""
        bench.push(a_job())
        ann = bench.worker()
        here, there = bench.named(a_job()), bench.named(a_job("B", queue="mail"))

        ann.settle(succeed(ann.take_one(), children=(here, there)))

        assert bench.count().queued == {"A": 1}
        assert bench.count("mail").queued == {"B": 1}
        mail = bench.worker("mail-1", lanes("B"), queue="mail")
        assert [job.id for job in mail.take()] == [there.id]

    def test_a_success_seen_again_publishes_nothing_more(self, bench: Bench) -> None:
        """B41: in no queue."""
        bench.push(a_job())
        ann = bench.worker()
        children = (bench.named(a_job()), bench.named(a_job(queue="mail")))
        settle = ann.settling(succeed(ann.take_one(), children=children))
        bench.run(settle)
        before = bench.snapshot()

        bench.run(settle)

        assert bench.snapshot() == before

    @only_with(Capability.PRIORITIES, Capability.DELETES)
    def test_a_success_seen_again_brings_no_child_back(self, bench: Bench) -> None:
        """B41, B46: also when the child has run or was deleted."""
        bench.push(a_job())
        ann = bench.worker()
        ran, deleted = bench.named(a_job(priority=-1)), bench.named(a_job())
        settle = ann.settling(succeed(ann.take_one(), children=(ran, deleted)))
        bench.run(settle)
        ann.settle(succeed(ann.take_one()))
        bench.run(Delete(queue=QUEUE, id=deleted.id))

        bench.run(settle)

        assert bench.get(ran.id).state is JobState.SUCCEEDED
        assert bench.find(deleted.id) is None

    @only_with(Capability.RETENTION)
    def test_a_success_that_is_dropped_at_once_publishes_its_children(self, bench: Bench) -> None:
        """B36, B41: retention is about the record, not about what the job did."""
        bench.push(a_job(retention=0))
        ann = bench.worker()
        child = bench.named(a_job())
        settle = ann.settling(succeed(ann.take_one(), children=(child,)))

        bench.run(settle)
        bench.run(settle)

        assert bench.count().queued == {"A": 1}

    def test_a_lost_attempt_publishes_nothing(self, bench: Bench) -> None:
        """B38, B41: the store refuses."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.live(LEASE, bob)
        bob.take_one()
        children = (bench.named(a_job("B")), bench.named(a_job("B", queue="mail")))

        ann.settle(succeed(job, children=children))

        assert [bench.find(c.id, queue=c.queue) for c in children] == [None, None]

    @only_with(Capability.DELETES)
    def test_a_deleted_job_publishes_nothing(self, bench: Bench) -> None:
        """B41, B46: nobody can tell any more whether it held its lease."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(Delete(queue=QUEUE, id=job.id))
        child = bench.named(a_job("B"))

        ann.settle(succeed(job, children=(child,)))

        assert bench.find(child.id) is None

    @only_with(Capability.CANCELS)
    def test_a_cancelled_run_publishes_nothing(self, bench: Bench) -> None:
        """B41, B44: result and children are dropped."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(Cancel(queue=QUEUE, id=job.id))
        children = (bench.named(a_job("B")), bench.named(a_job("B", queue="mail")))

        ann.settle(succeed(job, result=b"1", children=children))

        assert [bench.find(c.id, queue=c.queue) for c in children] == [None, None]
        assert bench.get(job.id).result is None

    @only_with(Capability.CANCELS)
    def test_the_queues_of_dropped_children_are_known(self, bench: Bench) -> None:
        """B41, B47: found by the differential machine in 5 steps: a name comes before its jobs."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(Cancel(queue=QUEUE, id=job.id))

        ann.settle(succeed(job, children=(bench.named(a_job("B", queue="mail")),)))

        assert bench.run(Queues()) == ("mail", QUEUE)
        assert bench.count("mail").queued == {}

    def test_a_success_that_stands_twice_in_a_batch_publishes_once(self, bench: Bench) -> None:
        """B38, B41: the copy brings no child a second time."""
        bench.push(a_job())
        ann = bench.worker()
        success = succeed(ann.take_one(), children=(bench.named(a_job()),))

        settled = ann.settle(success, success)

        assert [v.verdict for v in settled] == ["ok", "ok"]
        assert bench.count().queued == {"A": 1}
        assert len(ann.take(5)) == 1

    def test_only_the_successes_of_a_batch_publish(self, bench: Bench) -> None:
        """B41: each settlement by itself."""
        bench.push(a_job(), a_job(), a_job())
        ann = bench.worker()
        a, b, c = ann.take(3)
        child = bench.named(a_job("B"))

        ann.settle(retry(a, delay=SECOND), succeed(b, children=(child,)), bury(c))

        assert bench.count().queued == {"B": 1}

    def test_many_children_are_stored_whole(self, bench: Bench) -> None:
        """B41: a handler may fan out."""
        bench.push(a_job())
        ann = bench.worker()
        children = tuple(
            bench.named(a_job("B", queue=(QUEUE, "mail")[i % 2])) for i in range(1_500)
        )

        ann.settle(succeed(ann.take_one(), children=children))

        assert bench.count().queued == {"B": 750}
        assert bench.count("mail").queued == {"B": 750}
