"""Hints: an idle worker is woken by what concerns it, and by nothing else.

`HEARD` bounds a wait that is expected to be woken, `UNHEARD` one that is not.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from threading import Thread

import pytest

from jobkit.clock import SystemClock
from jobkit.store import Capability, Waiter
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    QUEUE,
    SECOND,
    a_job,
    lanes,
    release,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.suspects import suspects

HEARD = 5.0
UNHEARD = 0.05


@contextmanager
def waiting(bench: Bench, *workers: BenchWorker) -> Generator[list[Waiter]]:
    """Give a waiter for each worker, after it has claimed and found nothing to do."""
    waiters = [bench.store.waiter(worker.name) for worker in workers]
    try:
        for worker in workers:
            assert worker.claim(idle=True).jobs == ()
        yield waiters
    finally:
        for waiter in waiters:
            waiter.close()


def who_heard(waiters: Sequence[Waiter]) -> list[bool]:
    """Give each waiter its turn until one has heard, for as long as that may take; then the rest.

    At the end every waiter has had the time in which it must not hear.
    """
    heard = [False] * len(waiters)
    for _ in range(round(HEARD / UNHEARD)):
        for place, waiter in enumerate(waiters):
            heard[place] |= waiter.wait([QUEUE], UNHEARD)
        if any(heard):
            break
    return heard


@only_with(Capability.WAKING)
class Waking:
    """Tests of `Claim.idle` and `Waiter`."""

    def test_a_push_wakes_an_idle_worker(self, bench: Bench) -> None:
        """B13: no polling."""
        with waiting(bench, bench.worker("ann")) as (ann,):
            bench.push(a_job())

            assert ann.wait([QUEUE], HEARD)

    def test_a_wait_without_a_hint_ends_with_its_time(self, bench: Bench) -> None:
        """B13: and says that nothing came."""
        with waiting(bench, bench.worker("ann")) as (ann,):
            assert not ann.wait([QUEUE], UNHEARD)

    def test_a_hint_is_for_one_wait(self, bench: Bench) -> None:
        """B13: heard once."""
        with waiting(bench, bench.worker("ann")) as (ann,):
            bench.push(a_job())

            assert ann.wait([QUEUE], HEARD)
            assert not ann.wait([QUEUE], UNHEARD)

    def test_a_push_wakes_a_worker_whose_wait_is_under_way(self, bench: Bench) -> None:
        """B13: that is the usual case."""
        heard: list[bool] = []
        with waiting(bench, bench.worker("ann")) as (ann,):
            thread = Thread(target=lambda: heard.append(ann.wait([QUEUE], HEARD)))
            thread.start()

            bench.push(a_job())

            thread.join(2 * HEARD)
            assert heard == [True]

    def test_a_push_wakes_one_of_two_idle_workers(self, bench: Bench) -> None:
        """B13: one job, one worker."""
        with waiting(bench, bench.worker("ann"), bench.worker("bob")) as waiters:
            bench.push(a_job())

            heard = who_heard(waiters)

        assert sorted(heard) == [False, True]

    def test_two_pushes_wake_two_idle_workers(self, bench: Bench) -> None:
        """B13: each its own."""
        with waiting(bench, bench.worker("ann"), bench.worker("bob")) as waiters:
            bench.push(a_job())
            bench.push(a_job())

            assert [waiter.wait([QUEUE], HEARD) for waiter in waiters] == [True, True]

    def test_a_worker_that_does_not_serve_the_type_is_not_woken(self, bench: Bench) -> None:
        """B13, B24: the one that does is."""
        ann, bob = bench.worker("ann", lanes("B")), bench.worker("bob", lanes("A", "C"))
        with waiting(bench, ann, bob) as (of_ann, of_bob):
            bench.push(a_job("A"))

            assert of_bob.wait([QUEUE], HEARD)
            assert not of_ann.wait([QUEUE], UNHEARD)

    def test_a_batch_of_one_type_wakes_one_worker(self, bench: Bench) -> None:
        """B13: who wakes the next one if its claim leaves work."""
        with waiting(bench, bench.worker("ann"), bench.worker("bob")) as waiters:
            bench.push(*[a_job() for _ in range(50)])

            heard = who_heard(waiters)

        assert sorted(heard) == [False, True]

    def test_a_batch_of_two_types_wakes_a_worker_of_each(self, bench: Bench) -> None:
        """B13: if no one serves both."""
        ann, bob = bench.worker("ann", lanes("A")), bench.worker("bob", lanes("B"))
        with waiting(bench, ann, bob) as waiters:
            bench.push(a_job("A"), a_job("B"))

            assert [waiter.wait([QUEUE], HEARD) for waiter in waiters] == [True, True]

    def test_a_busy_worker_is_not_woken(self, bench: Bench) -> None:
        """B13: who has claimed without `idle` comes back by itself."""
        ann = bench.worker("ann")
        waiter = bench.store.waiter("ann")
        ann.claim()

        bench.push(a_job())

        assert not waiter.wait([QUEUE], UNHEARD)
        waiter.close()

    def test_a_worker_that_got_something_is_not_idle(self, bench: Bench) -> None:
        """B13: `idle` counts for a claim that takes nothing."""
        bench.push(a_job())
        ann = bench.worker("ann")
        waiter = bench.store.waiter("ann")
        ann.claim(idle=True)

        bench.push(a_job())

        assert not waiter.wait([QUEUE], UNHEARD)
        waiter.close()

    def test_a_claim_ends_idleness(self, bench: Bench) -> None:
        """B13: the worker has looked again, and does not wait."""
        ann = bench.worker("ann")
        with waiting(bench, ann) as (waiter,):
            ann.claim()

            bench.push(a_job())

            assert not waiter.wait([QUEUE], UNHEARD)

    def test_a_claim_that_leaves_work_passes_the_hint_on(self, bench: Bench) -> None:
        """B13: so that a batch wakes as many workers as it needs, one after the other."""
        ann, bob = bench.worker("ann"), bench.worker("bob")
        with waiting(bench, ann, bob) as waiters:
            bench.push(a_job(), a_job())
            first = who_heard(waiters)
            (ann if first[0] else bob).take_one()

            second = who_heard(waiters)

        assert sorted(first) == [False, True]
        assert second == first[::-1]

    def test_a_claim_that_leaves_nothing_passes_no_hint_on(self, bench: Bench) -> None:
        """B13: one enqueue wakes one worker, not all."""
        ann, bob = bench.worker("ann"), bench.worker("bob")
        with waiting(bench, ann, bob) as waiters:
            bench.push(a_job())
            first = who_heard(waiters)
            (ann if first[0] else bob).take_one()

            second = [waiter.wait([QUEUE], UNHEARD) for waiter in waiters]

        assert sorted(first) == [False, True]
        assert second == [False, False]

    def test_a_worker_that_left_a_job_hears_of_the_next_one(self, bench: Bench) -> None:
        """B13, B37: nobody waited for what it left when it took one of two suspects."""
        ann, bob = bench.worker("ann"), bench.worker("bob")
        suspects(bench, bob, 2)
        with closing(bench.store.waiter("ann")) as of_ann:
            ann.claim(suspects=0, idle=True)
            ann.claim(suspects=0)
            assert len(ann.claim(5, idle=True).jobs) == 1
            bench.push(a_job())

            assert of_ann.wait([QUEUE], HEARD)

    def test_a_job_that_is_due_sooner_wakes_an_idle_worker(self, bench: Bench) -> None:
        """B13: it would sleep too long; there is no mover process."""
        bench.push(a_job(delay=60 * SECOND))
        with waiting(bench, bench.worker("ann")) as (ann,):
            bench.push(a_job(delay=SECOND))

            assert ann.wait([QUEUE], HEARD)

    def test_a_job_handed_back_wakes_an_idle_worker(self, bench: Bench) -> None:
        """B13, B52: somebody else is to run it."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        with waiting(bench, bob) as (of_bob,):
            ann.settle(release(job))

            assert of_bob.wait([QUEUE], HEARD)

    @only_with(Capability.CHILDREN)
    def test_a_child_wakes_an_idle_worker(self, bench: Bench) -> None:
        """B13, B41: also one of another queue."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob", queue="mail")
        job = ann.take_one()
        with waiting(bench, bob) as (of_bob,):
            ann.settle(succeed(job, children=(bench.named(a_job(queue="mail")),)))

            assert of_bob.wait(["mail"], HEARD)

    def test_a_hint_is_heard_by_those_who_wait_for_its_queue(self, bench: Bench) -> None:
        """B12: a push elsewhere wakes nobody here."""
        ann, bob = bench.worker("ann", queue="mail"), bench.worker("bob", queue="reports")
        with waiting(bench, ann, bob) as (of_ann, of_bob):
            bench.push(a_job(queue="reports"))

            assert of_bob.wait(["reports"], HEARD)
            assert not of_ann.wait(["mail"], UNHEARD)

    def test_a_worker_of_several_queues_waits_for_all_of_them(self, bench: Bench) -> None:
        """B13: with one waiter."""
        mail, reports = (bench.worker("ann", queue=queue) for queue in ("mail", "reports"))
        with waiting(bench, mail) as (waiter,):
            reports.claim(idle=True)
            bench.push(a_job(queue="reports"))

            assert waiter.wait(["mail", "reports"], HEARD)

    def test_a_wait_does_not_hear_queues_that_it_does_not_name(self, bench: Bench) -> None:
        """B13: a worker may have stopped to serve one of its queues."""
        mail, reports = (bench.worker("ann", queue=queue) for queue in ("mail", "reports"))
        with waiting(bench, mail) as (waiter,):
            reports.claim(idle=True)
            bench.push(a_job(queue="reports"))

            assert not waiter.wait(["mail"], UNHEARD)

    def test_a_worker_that_has_left_takes_no_hint(self, bench: Bench) -> None:
        """B13: the other one gets it."""
        ann, bob = bench.worker("ann"), bench.worker("bob")
        with waiting(bench, ann, bob) as (_, of_bob):
            ann.leave()

            bench.push(a_job())

            assert of_bob.wait([QUEUE], HEARD)

    @pytest.mark.parametrize("changed", [0, 1])
    def test_a_worker_that_serves_other_types_now_takes_no_hint(
        self, bench: Bench, changed: int
    ) -> None:
        """B13, B51: it claims anew; its old lanes are left to the others who serve them."""
        workers = bench.worker("ann"), bench.worker("bob")
        with waiting(bench, *workers) as waiters:
            workers[changed].lanes = lanes("C")
            workers[changed].beat()
            bench.push(a_job())

            assert waiters[1 - changed].wait([QUEUE], HEARD)
            assert not waiters[changed].wait([QUEUE], UNHEARD)

    def test_wake_ends_a_wait_that_is_under_way(self, bench: Bench) -> None:
        """B52: a shutdown does not wait for the next job."""
        clock = SystemClock()
        with waiting(bench, bench.worker("ann")) as (ann,):
            thread = Thread(target=ann.wait, args=([QUEUE], 4 * HEARD))
            before = clock.monotonic()
            thread.start()

            ann.wake()

            thread.join(4 * HEARD)
            assert clock.monotonic() - before < HEARD

    def test_wake_ends_the_next_wait(self, bench: Bench) -> None:
        """B52: if none is under way."""
        clock = SystemClock()
        with waiting(bench, bench.worker("ann")) as (ann,):
            before = clock.monotonic()
            ann.wake()

            ann.wait([QUEUE], 4 * HEARD)

            assert clock.monotonic() - before < HEARD

    def test_waking_one_worker_does_not_wake_another(self, bench: Bench) -> None:
        """B52: each has its own waiter."""
        with waiting(bench, bench.worker("ann"), bench.worker("bob")) as (ann, bob):
            ann.wake()

            assert not bob.wait([QUEUE], UNHEARD)
