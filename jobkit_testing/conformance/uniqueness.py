"""Unique keys: who holds one, and everything that ends the span in which it is held."""

from __future__ import annotations

from typing import Literal

import pytest

from jobkit.record import ENDED, JobState
from jobkit.store import Cancel, Capability, Delete, Lane, LaneSet
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    a_job,
    bury,
    lanes,
    retry,
    succeed,
    unique,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.spans import DETOURS, ENDINGS, Happening, lose, lose_three_times

FRAGILE = lanes(A=Lane(group="A", on_lost_dead=True))
FRAGILE_AND_DROPPED = lanes(A=Lane(group="A", on_lost_dead=True, keep_dead=False))
DROPPED = lanes(A=Lane(group="A", keep_dead=False))
DONE = unique(until="done")
STARTED = unique(until="started")
Until = Literal["started", "done"]
each_ending = pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
each_detour = pytest.mark.parametrize("detour", DETOURS.values(), ids=DETOURS)
each_span = pytest.mark.parametrize("until", ["started", "done"])


@only_with(Capability.UNIQUE_KEYS)
class Uniqueness:
    """Tests of the unique keys that pushed jobs hold."""

    @only_with(Capability.DELETES)
    @each_span
    def test_a_held_key_answers_with_its_holder(self, bench: Bench, until: Until) -> None:
        """B21: a second job stores nothing, whatever its own payload and time are."""
        key = unique(until=until)
        first = bench.push_one(a_job(unique=key, payload=b"1"))
        before = bench.snapshot()

        second = bench.push(a_job(unique=key, payload=b"2", delay=SECOND), a_job("B"))

        assert second[0] == first
        assert bench.get(first).payload == b"1"
        bench.run(Delete(queue=QUEUE, id=second[1]))
        assert bench.snapshot() == before

    def test_keys_are_held_for_each_queue_and_each_text(self, bench: Bench) -> None:
        """B21: another key, or another queue, is another span."""
        jobs = bench.push(
            a_job(unique=unique("A|k")),
            a_job(unique=unique("A|l")),
            a_job("B", unique=unique("B|k")),
            a_job(queue="mail", unique=unique("A|k")),
            a_job(),
        )

        assert len({*jobs}) == 5

    @only_with(Capability.RETENTION)
    def test_a_record_tells_its_key_held_or_not(self, bench: Bench) -> None:
        """B43: also a key with spaces, and letters of any alphabet."""
        key = unique("A|grüße an: 7 q", until="started")
        job_id = bench.push_one(a_job(unique=key, retention=5))
        ann = bench.worker()

        waiting = bench.get(job_id)
        running = ann.take_one()
        ann.settle(succeed(running))

        told = [waiting.unique_key, running.unique_key, bench.get(job_id).unique_key]
        assert told == [key.key] * 3
        assert bench.get(bench.push_one(a_job())).unique_key is None

    @only_with(Capability.DELETES)
    @each_ending
    def test_an_end_frees_a_key_held_until_then(self, bench: Bench, ending: Happening) -> None:
        """B22: each path by which a job ends or goes; and then another one holds the key."""
        job_id = bench.push_one(a_job(unique=DONE))
        ann = bench.worker()
        running = ann.take_one()
        assert bench.holder(DONE) == job_id

        ending(ann, running)

        ended = bench.find(job_id)
        assert ended is None or ended.state in ENDED
        assert bench.holder(DONE) is None
        assert bench.push_one(a_job(unique=DONE)) != job_id

    @each_ending
    def test_an_end_leaves_a_key_that_another_job_holds_by_now(
        self, bench: Bench, ending: Happening
    ) -> None:
        """B22: only its owner frees it."""
        bench.push_one(a_job(unique=STARTED))
        ann = bench.worker()
        running = ann.take_one()
        other = bench.push_one(a_job(unique=STARTED, delay=1_000 * LEASE))

        ending(ann, running)

        assert bench.holder(STARTED) == other

    @only_with(Capability.DELETES)
    @each_span
    @pytest.mark.parametrize("delay", [0, SECOND])
    @pytest.mark.parametrize("operation", [Cancel, Delete])
    def test_the_end_of_a_job_that_never_ran_frees_its_key(
        self, bench: Bench, operation: type[Cancel | Delete], delay: int, until: Until
    ) -> None:
        """B22: cancel and delete."""
        key = unique(until=until)
        job_id = bench.push_one(a_job(unique=key, delay=delay))

        bench.run(operation(queue=QUEUE, id=job_id))

        assert bench.holder(key) is None

    @only_with(Capability.ON_LOST, Capability.DELETES)
    @pytest.mark.parametrize("served", [FRAGILE, FRAGILE_AND_DROPPED])
    def test_a_loss_that_ends_a_job_frees_its_key(self, bench: Bench, served: LaneSet) -> None:
        """B22, B37: at most once, with its record kept or not."""
        bench.push_one(a_job(unique=DONE))
        ann = bench.worker(served=served)
        running = ann.take_one()

        lose(ann, running)

        assert bench.holder(DONE) is None

    @only_with(Capability.RETENTION, Capability.DELETES)
    def test_the_third_loss_of_a_job_that_is_not_kept_frees_its_key(self, bench: Bench) -> None:
        """B22, B37: poison that leaves no record."""
        job_id = bench.push_one(a_job(unique=DONE))
        ann = bench.worker(served=DROPPED)
        running = ann.take_one()

        lose_three_times(ann, running)

        assert bench.find(job_id) is None
        assert bench.holder(DONE) is None

    @each_detour
    def test_a_job_that_is_not_done_keeps_its_key(self, bench: Bench, detour: Happening) -> None:
        """B22: whatever happens between two attempts, and also in the next one."""
        job_id = bench.push_one(a_job(unique=DONE))
        ann = bench.worker()
        running = ann.take_one()

        detour(ann, running)

        assert bench.holder(DONE) == job_id
        bench.live(SECOND, ann)
        ann.take_one()
        assert bench.holder(DONE) == job_id

    @only_with(Capability.DELETES)
    @each_detour
    def test_a_key_that_the_first_claim_freed_is_not_taken_back(
        self, bench: Bench, detour: Happening
    ) -> None:
        """B22: not by retry, snooze, loss, hand-back or promotion."""
        bench.push_one(a_job(unique=STARTED))
        ann = bench.worker()
        assert bench.holder(STARTED) is not None
        running = ann.take_one()
        assert bench.holder(STARTED) is None

        detour(ann, running)

        assert bench.holder(STARTED) is None

    @only_with(Capability.PREFETCH, Capability.DELETES)
    def test_a_prefetched_job_has_been_claimed(self, bench: Bench) -> None:
        """B22: claimed ahead, or by its id, is claimed."""
        ahead, by_id = unique("A|ahead"), unique("A|id")
        ann = bench.worker()
        bench.push_one(a_job(unique=ahead))
        ann.claim(0, prefetch=1)
        second = bench.push_one(a_job(unique=by_id))
        bench.run(ann.claiming(only=second))

        assert (bench.holder(ahead), bench.holder(by_id)) == (None, None)

    @only_with(Capability.DELETES)
    def test_a_claim_frees_the_keys_of_those_that_it_takes(self, bench: Bench) -> None:
        """B22: of a whole batch, and of no other job."""
        keys = [unique(f"A|{n}") for n in range(5)]
        ids = bench.push(*(a_job(unique=key) for key in keys))

        bench.worker().claim(3)

        assert [bench.holder(key) for key in keys] == [None, None, None, *ids[3:]]

    @only_with(Capability.DELETES)
    def test_a_settlement_frees_the_keys_of_a_whole_batch(self, bench: Bench) -> None:
        """B22: with jobs between them that hold none, or wait again."""
        keys = [unique(f"A|{n}", until="done") for n in range(4)]
        ids = bench.push(*(a_job(unique=key) for key in keys), a_job())
        ann = bench.worker()
        taken = ann.take(5)

        ann.settle(succeed(taken[0]), retry(taken[1]), bury(taken[2]), *map(succeed, taken[3:]))

        assert [bench.holder(key) for key in keys] == [None, ids[1], None, None]

    def test_a_lost_lease_cannot_free_a_key(self, bench: Bench) -> None:
        """B22, B38: its worker's settlement is refused, and the job keeps what it holds."""
        job_id = bench.push_one(a_job(unique=DONE))
        ann = bench.worker()
        running = ann.take_one()
        lose(ann, running)

        settled = ann.settle_one(succeed(running))

        assert settled.verdict == "lost"
        assert bench.holder(DONE) == job_id

    @only_with(Capability.DELETES)
    def test_a_deleted_holder_is_not_brought_back_by_a_late_settlement(self, bench: Bench) -> None:
        """B22, B46: nor does that touch the next holder."""
        job_id = bench.push_one(a_job(unique=DONE))
        ann = bench.worker()
        running = ann.take_one()
        bench.run(Delete(queue=QUEUE, id=job_id))
        other = bench.push_one(a_job(unique=DONE))

        settled = ann.settle_one(succeed(running))

        assert settled.verdict == "gone"
        assert bench.holder(DONE) == other
        assert bench.get(other).state is JobState.QUEUED
