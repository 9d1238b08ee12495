"""Whom a slot of a limit wakes when it is free again."""

from __future__ import annotations

import pytest

from jobkit.store import Capability, Delete, Lane
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    QUEUE,
    a_job,
    lanes,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.waking import HEARD, UNHEARD, waiting

ONE_OF_L = lanes("A", L=Lane(group="L", limit=1))


@only_with(Capability.LIMITS, Capability.WAKING)
class SlotWaking:
    """Tests of hints for jobs that wait for a slot."""

    def test_a_freed_slot_of_a_limit_wakes_another_worker(self, bench: Bench) -> None:
        """B13, B26: who freed it may have none for the job that waits."""
        bench.push(a_job("L"), a_job("L"))
        ann, bob = (bench.worker(name, ONE_OF_L) for name in ("ann", "bob"))
        job = ann.take_one()
        with waiting(bench, bob) as (of_bob,):
            ann.settle(succeed(job))

            assert of_bob.wait([QUEUE], HEARD)
            assert [job.type for job in bob.take()] == ["L"]

    def test_a_freed_slot_does_not_wake_the_worker_that_freed_it(self, bench: Bench) -> None:
        """B13, B26: it is awake; it claims behind its settlement."""
        bench.push(a_job("L"), a_job("L"))
        ann = bench.worker("ann", ONE_OF_L)
        job = ann.take_one()
        with waiting(bench, ann) as (of_ann,):
            ann.settle(succeed(job))

            assert not of_ann.wait([QUEUE], UNHEARD)

    def test_a_freed_slot_that_nobody_waits_for_wakes_nobody(self, bench: Bench) -> None:
        """B13, B26: no job of the group, or no limit."""
        bench.push(a_job("L"), a_job("A"), a_job("B"))
        ann, bob = bench.worker("ann", ONE_OF_L), bench.worker("bob", ONE_OF_L)
        jobs = ann.take(2)
        with waiting(bench, bob) as (of_bob,):
            ann.settle(*map(succeed, jobs))

            assert not of_bob.wait([QUEUE], UNHEARD)

    def test_a_freed_slot_wakes_for_an_alias(self, bench: Bench) -> None:
        """B1, B13, B26: whose jobs share the limit."""
        both = lanes(New=Lane(group="New", limit=1), Old=Lane(group="New", limit=1))
        ann, bob = bench.worker("ann", both), bench.worker("bob", both)
        bench.push(a_job("New"), a_job("Old"))
        job = ann.take_one()
        with waiting(bench, bob) as (of_bob,):
            ann.settle(succeed(job))

            assert of_bob.wait([QUEUE], HEARD)

    @pytest.mark.parametrize("names", [("New", "Old"), ("Old", "New")])
    def test_a_freed_slot_wakes_for_the_name_that_somebody_waits_for(
        self, bench: Bench, names: tuple[str, str]
    ) -> None:
        """B1, B13, B26: a worker that knows one name only, while jobs of both are ready."""
        group = Lane(group="New", limit=1)
        ann = bench.worker("ann", lanes(**dict.fromkeys(names, group)))
        bob = bench.worker("bob", lanes(New=group))
        bench.push(a_job("New"), a_job("Old"), a_job("New"))
        job = ann.take_one()
        with waiting(bench, bob) as (of_bob,):
            ann.settle(succeed(job))

            assert of_bob.wait([QUEUE], HEARD)

    @only_with(Capability.DELETES)
    def test_deleting_a_running_job_wakes_for_its_slot(self, bench: Bench) -> None:
        """B13, B26, B46: also the worker that ran it, if that is idle."""
        bench.push(a_job("L"), a_job("L"))
        ann = bench.worker("ann", ONE_OF_L)
        job = ann.take_one()
        with waiting(bench, ann) as (of_ann,):
            bench.run(Delete(queue=QUEUE, id=job.id))

            assert of_ann.wait([QUEUE], HEARD)
