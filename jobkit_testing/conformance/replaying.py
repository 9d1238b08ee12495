"""Claims whose reply was lost, and that are sent again."""

from __future__ import annotations

from msgspec.structs import replace

from jobkit.record import JobState
from jobkit.store import Capability, Delete
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import LEASE, QUEUE, SECOND, a_job, release, succeed
from jobkit_testing.conformance.capable import only_with


class Replaying:
    """Tests of a claim that arrives twice."""

    @only_with(Capability.PREFETCH)
    def test_a_claim_seen_again_returns_the_same_jobs(self, bench: Bench) -> None:
        """B23: the same leases, and nothing more is taken."""
        bench.push(*[a_job() for _ in range(6)])
        ann = bench.worker()
        claim = ann.claiming(2, prefetch=1)
        first = bench.run(claim)
        before = bench.snapshot()

        again = bench.run(claim)

        assert len(first.jobs) == 3
        assert (again.jobs, again.started, again.more) == (first.jobs, 2, True)
        assert bench.snapshot() == before

    def test_a_claim_seen_again_does_not_begin_its_jobs_anew(self, bench: Bench) -> None:
        """B23: starts, fences and times stay."""
        bench.push(a_job())
        ann = bench.worker()
        claim = ann.claiming(1)
        first = bench.run(claim)
        bench.advance(SECOND)

        again = bench.run(claim)

        assert again.jobs == first.jobs
        assert again.jobs[0].starts == 1

    @only_with(Capability.DELETES)
    def test_a_claim_seen_again_returns_what_is_still_held(self, bench: Bench) -> None:
        """B23: not what was settled or deleted since."""
        bench.push(*[a_job() for _ in range(4)])
        ann = bench.worker()
        claim = ann.claiming(4)
        settled, deleted, released, held = bench.run(claim).jobs
        ann.settle(succeed(settled), release(released))
        bench.run(Delete(queue=QUEUE, id=deleted.id))

        again = bench.run(claim)

        assert [job.id for job in again.jobs] == [held.id]
        assert again.started == 1
        assert bench.get(released.id).state is JobState.QUEUED

    def test_a_claim_seen_again_does_not_return_what_another_worker_holds(
        self, bench: Bench
    ) -> None:
        """B23: lost is lost."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        claim = ann.claiming(1)
        bench.run(claim)
        bench.live(LEASE, bob)
        bob.take_one()

        again = bench.run(claim)

        assert again.jobs == ()
        assert bench.count().running == 1

    def test_a_claim_that_took_nothing_takes_nothing_when_seen_again(self, bench: Bench) -> None:
        """B23: also if jobs have come meanwhile; the next request gets them."""
        ann = bench.worker()
        claim = ann.claiming(2)
        bench.run(claim)
        bench.push(a_job(), a_job())

        again = bench.run(claim)
        following = ann.claim(2)

        assert (again.jobs, again.more) == ((), True)
        assert len(following.jobs) == 2

    def test_the_copy_of_a_claim_is_known_as_one(self, bench: Bench) -> None:
        """B23: so whoever sent it knows that the leases began before."""
        bench.push(a_job())
        ann = bench.worker()
        claim = ann.claiming(2)

        said = [bench.run(claim).repeated for _ in range(3)]
        following = ann.claim(2)

        assert (said, following.repeated) == ([False, True, True], False)

    def test_a_claim_for_nothing_keeps_its_number_from_taking_more(self, bench: Bench) -> None:
        """B23, B52: how a worker that stops makes a claim void that has not arrived."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        late = ann.claiming(2)

        void = bench.run(replace(late, slots=0, suspects=0))
        too_late = bench.run(late)

        assert (void.jobs, void.repeated) == ((), False)
        assert (too_late.jobs, too_late.repeated) == ((), True)
        assert bench.count().running == 0

    def test_a_claim_for_nothing_tells_what_its_number_has_taken(self, bench: Bench) -> None:
        """B23, B52: and how it learns what there is to give back."""
        bench.push(*[a_job() for _ in range(5)])
        ann = bench.worker()
        claim = ann.claiming(2)
        taken = bench.run(claim)

        void = bench.run(replace(claim, slots=0, suspects=0))

        assert len(taken.jobs) == 2
        assert (void.jobs, void.started, void.repeated) == (taken.jobs, 2, True)

    def test_an_older_claim_that_arrives_late_takes_nothing(self, bench: Bench) -> None:
        """B23: a worker counts up, so a smaller number is a copy from the past."""
        bench.push(*[a_job() for _ in range(6)])
        ann = bench.worker()
        old, new = ann.claiming(2), ann.claiming(2)
        bench.run(old)
        bench.run(new)
        before = bench.snapshot()

        bench.run(old)

        assert bench.snapshot() == before

    def test_request_numbers_are_of_their_worker(self, bench: Bench) -> None:
        """B23: the same number of another worker is another claim."""
        bench.push(a_job(), a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")

        taken = [bench.run(w.claiming(1, request=1)).jobs[0].id for w in (ann, bob)]

        assert len(set(taken)) == 2

    def test_request_numbers_are_of_their_queue(self, bench: Bench) -> None:
        """B12, B23: a worker of two queues claims in each by itself."""
        bench.push(a_job(queue="mail"), a_job(queue="reports"))
        workers = [bench.worker("ann", queue=queue) for queue in ("mail", "reports")]

        taken = [bench.run(w.claiming(1, request=1)).jobs for w in workers]

        assert [len(jobs) for jobs in taken] == [1, 1]

    def test_request_numbers_may_skip(self, bench: Bench) -> None:
        """B23: a larger number is a new claim."""
        bench.push(a_job(), a_job())
        ann = bench.worker()

        taken = [bench.run(ann.claiming(1, request=number)).jobs for number in (5, 9)]

        assert [len(jobs) for jobs in taken] == [1, 1]

    @only_with(Capability.CHILDREN)
    def test_a_whole_cycle_seen_again_changes_nothing(self, bench: Bench) -> None:
        """B23, B38: settle and claim travel together, so they are repeated together."""
        bench.push(*[a_job() for _ in range(4)])
        ann = bench.worker()
        child = bench.named(a_job())
        first, second = ann.take(2)
        cycle = [ann.settling(succeed(first, children=(child,)), release(second)), ann.claiming(1)]
        settled, claimed = bench.store.run_many(cycle, now=bench.now)
        before = bench.snapshot()

        settled_again, claimed_again = bench.store.run_many(cycle, now=bench.now)

        assert [v.verdict for v in settled] == ["ok", "ok"]
        assert settled_again[0].verdict == "ok"
        assert claimed_again.jobs == claimed.jobs
        assert bench.snapshot() == before
