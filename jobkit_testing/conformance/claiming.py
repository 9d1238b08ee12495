"""Who gets which jobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from jobkit.record import JobState
from jobkit.store import WORKER_FORGOTTEN, Capability, StoredJob
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    START,
    a_job,
    lanes,
    release,
    succeed,
)
from jobkit_testing.conformance.capable import only_with


class Claiming:
    """Tests of `Claim`: slots, served types, lane sets."""

    def test_a_claim_takes_exactly_its_slots(self, bench: Bench) -> None:
        """B23: no more, however much waits."""
        bench.push(*[a_job() for _ in range(20)])

        claimed = bench.worker().claim(7)

        assert (len(claimed.jobs), claimed.started) == (7, 7)
        assert bench.count().running == 7
        assert bench.count().queued == {"A": 13}

    def test_a_claim_takes_what_there_is(self, bench: Bench) -> None:
        """B23: fewer jobs than slots."""
        bench.push(a_job(), a_job())

        claimed = bench.worker().claim(7)

        assert (len(claimed.jobs), claimed.started, claimed.more) == (2, 2, False)

    def test_an_empty_queue_gives_nothing(self, bench: Bench) -> None:
        """B13: and no time to wait for."""
        claimed = bench.worker().claim(7)

        assert (claimed.jobs, claimed.started, claimed.more) == ((), 0, False)
        assert (claimed.next_due, claimed.ended, claimed.lanes_unknown) == (None, (), False)
        assert claimed.now == START

    def test_a_claimed_job_is_running(self, bench: Bench) -> None:
        """B23, B43: with its worker, that one's version and the instant of its start."""
        bench.push(a_job())
        ann = bench.worker("ann", version="2.1")
        bench.advance(5)

        claimed = ann.take_one()

        assert claimed.state is JobState.RUNNING
        assert (claimed.worker, claimed.version) == ("ann", "2.1")
        assert (claimed.starts, claimed.started_at) == (1, START + 5)
        assert bench.get(claimed.id) == claimed

    def test_fences_grow_with_each_claim(self, bench: Bench) -> None:
        """B38: of one job, and never below one that was given out before."""
        bench.push(a_job(), a_job())
        ann = bench.worker()

        fences: list[int] = []
        for _ in range(4):
            job = ann.take_one()
            fences.append(job.fence)
            ann.settle(release(job))

        assert fences == sorted(set(fences))
        assert fences[0] > 0

    def test_two_workers_never_hold_the_same_job(self, bench: Bench) -> None:
        """B23: taken is taken."""
        ids = bench.push(*[a_job() for _ in range(5)])
        ann, bob = bench.worker("ann"), bench.worker("bob")

        taken = [*ann.take(2), *bob.take(2), *ann.take(2), *bob.take(2)]

        assert sorted(job.id for job in taken) == sorted(ids)
        assert bob.take() == []

    def test_claims_from_many_threads_share_the_jobs_out(self, bench: Bench) -> None:
        """B23: claims are atomic."""
        ids = bench.push(*[a_job() for _ in range(200)])
        workers = [bench.worker(f"w{number}") for number in range(4)]

        def take_all(worker: BenchWorker) -> list[str]:
            return [job.id for _ in range(25) for job in worker.take(3)]

        with ThreadPoolExecutor(4) as pool:
            shares = list(pool.map(take_all, workers))

        taken = [job_id for share in shares for job_id in share]
        assert sorted(taken) == sorted(ids)

    @only_with(Capability.PRIORITIES)
    def test_types_that_a_worker_does_not_serve_wait_untouched(self, bench: Bench) -> None:
        """B24: others' jobs are not even looked at, and are no reason to come back."""
        other = bench.push_one(a_job("B", priority=-5))
        before = bench.get(other)
        bench.push(a_job("A"))
        ann = bench.worker("ann", lanes("A"))

        claimed = ann.claim(5)

        assert [job.type for job in claimed.jobs] == ["A"]
        assert not claimed.more
        assert bench.get(other) == before

    @only_with(Capability.PRIORITIES)
    def test_a_backlog_of_unserved_types_hides_nothing(self, bench: Bench) -> None:
        """B24: thousands of better jobs in hundreds of lanes that another worker serves."""
        bench.push(*[a_job(f"other{i % 300}", priority=-5) for i in range(2_000)])
        ids = bench.push(a_job("A", priority=5), a_job("B", priority=4))

        taken = bench.worker("ann", lanes("A", "B")).take(5)

        assert [job.id for job in taken] == [ids[1], ids[0]]

    def test_a_worker_that_serves_nothing_gets_nothing(self, bench: Bench) -> None:
        """B24: an empty lane set is one like any other."""
        bench.push(a_job())

        claimed = bench.worker("ann", lanes()).claim(5)

        assert (claimed.jobs, claimed.more, claimed.lanes_unknown) == ((), False, False)

    def test_types_that_begin_alike_are_different_types(self, bench: Bench) -> None:
        """B24: names are compared whole."""
        names = ["A", "AA", "A.A", "A-A", "A_A", "A<A>", "a", "0"]
        ids = bench.push(*[a_job(name) for name in names])

        taken = [bench.worker(f"w-{name}", lanes(name)).take(8) for name in names]

        assert [[job.id for job in share] for share in taken] == [[job_id] for job_id in ids]

    @only_with(Capability.TAKE_OVER)
    def test_other_queues_are_left_alone(self, bench: Bench) -> None:
        """B12: a claim names its queue and takes from no other."""
        bench.push(a_job(queue="mail", priority=-5), a_job(queue="reports"))
        before = bench.snapshot()["mail"]

        taken = bench.worker("ann", queue="reports").take(5)

        assert [job.queue for job in taken] == ["reports"]
        assert bench.snapshot()["mail"] == before

    def test_a_claim_with_an_unknown_lane_set_is_told_so(self, bench: Bench) -> None:
        """B24: it takes nothing and changes nothing until a heartbeat has made the set known."""
        bench.push(a_job(), a_job(delay=1))
        bench.advance(1)
        ann = bench.worker("ann", lanes("A"))
        ann.lanes = lanes("A", "B")
        before = bench.snapshot()

        refused = ann.claim(5)
        after = bench.snapshot()
        ann.beat()
        claimed = ann.claim(5)

        assert (refused.jobs, refused.lanes_unknown) == ((), True)
        assert after == before
        assert (len(claimed.jobs), claimed.lanes_unknown) == (2, False)

    def test_a_worker_that_has_left_is_unknown_until_it_beats_again(self, bench: Bench) -> None:
        """B24: a lane set goes with the last worker that serves it."""
        bench.push(a_job())
        ann = bench.worker()
        ann.leave()

        refused = ann.claim()
        ann.beat()
        claimed = ann.claim()

        assert refused.lanes_unknown
        assert len(claimed.jobs) == 1

    def test_leaving_twice_is_fine(self, bench: Bench) -> None:
        """B52: and so is leaving what one never joined."""
        ann = bench.worker()

        ann.leave()
        ann.leave()

        assert ann.claim().lanes_unknown

    def test_a_worker_that_leaves_takes_nobody_with_it(self, bench: Bench) -> None:
        """B24: the lane set stays while another worker serves it."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")

        ann.leave()

        assert len(bob.take()) == 1

    def test_a_worker_that_is_silent_for_long_is_forgotten(self, bench: Bench) -> None:
        """B48: ten minutes without a heartbeat, to the millisecond."""
        ann = bench.worker("ann", lanes("A"))
        bob = bench.worker("bob", lanes("B"))
        bench.advance(WORKER_FORGOTTEN - 1)
        bob.beat()

        still_known = ann.claim()
        bench.advance(1)
        bob.beat()
        forgotten = ann.claim()

        assert not still_known.lanes_unknown
        assert forgotten.lanes_unknown

    def test_a_new_lane_set_of_a_worker_takes_effect_with_its_heartbeat(self, bench: Bench) -> None:
        """B51: registering a type after the start."""
        bench.push(a_job("A"), a_job("B"))
        ann = bench.worker("ann", lanes("A"))

        first = ann.take(5)
        ann.lanes = lanes("A", "B")
        ann.beat(*first)
        second = ann.take(5)

        assert [job.type for job in first] == ["A"]
        assert [job.type for job in second] == ["B"]

    def test_a_claim_tells_that_more_could_be_taken(self, bench: Bench) -> None:
        """B13: then the worker comes back at once when it has room."""
        bench.push(*[a_job() for _ in range(3)])
        ann = bench.worker()

        answers = [ann.claim(count).more for count in (1, 1, 1)]

        assert answers == [True, True, False]

    def test_more_counts_jobs_of_a_type_that_the_claim_did_not_come_to(self, bench: Bench) -> None:
        """B13, B24: those that it took were all of theirs."""
        bench.push(a_job("A"), a_job("B"), a_job("C"))
        ann = bench.worker("ann", lanes("A", "B"))

        assert [ann.claim().more for _ in range(3)] == [True, False, False]

    def test_what_waits_for_its_time_is_not_more(self, bench: Bench) -> None:
        """B13: `next_due` is there for that."""
        bench.push(a_job(), a_job(delay=SECOND))

        claimed = bench.worker().claim()

        assert (len(claimed.jobs), claimed.more) == (1, False)
        assert claimed.next_due == START + SECOND

    def test_a_backlog_of_one_queue_does_not_show_in_another(self, bench: Bench) -> None:
        """B12: neither as `more` nor as `next_due`."""
        bench.push(*[a_job(queue="mail") for _ in range(50)], a_job(queue="mail", delay=5))

        claimed = bench.worker("ann", queue=QUEUE).claim()

        assert (claimed.jobs, claimed.more, claimed.next_due) == ((), False, None)

    def test_a_settle_and_a_claim_travel_together(self, bench: Bench) -> None:
        """B23: one round trip a cycle; the claim sees what the settle did."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        held: StoredJob = ann.take_one()

        settled, claimed = bench.store.run_many(
            [ann.settling(succeed(held)), ann.claiming(1)], now=bench.now
        )

        assert settled[0].verdict == "ok"
        assert [job.id for job in claimed.jobs] != [held.id]
        assert bench.count().running == 1
        assert bench.count().succeeded == 1

    def test_a_lease_may_be_of_any_length(self, bench: Bench) -> None:
        """B37: it is the worker's choice."""
        bench.push(a_job())
        ann = bench.worker("ann", lease=LEASE * 10)
        bob = bench.worker("bob")
        ann.take_one()

        bench.live(LEASE * 10 - 1, bob)
        early = bob.take()
        bench.advance(1)
        late = bob.take()

        assert (len(early), len(late)) == (0, 1)
