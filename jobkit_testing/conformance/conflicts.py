"""What becomes of a job whose unique key another one holds: in pushes and children."""

from __future__ import annotations

from typing import Literal

import pytest

from jobkit.record import JobState
from jobkit.store import REPLAY_WINDOW, Cancel, Capability, Delete, KeyTaken, Queues, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    HOUR,
    QUEUE,
    SECOND,
    a_job,
    release,
    succeed,
    unique,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.spans import DETOURS, Happening

KEY = unique(until="done")
REPLACE = unique(until="done", on_conflict="replace")
REFUSE = unique(until="done", on_conflict="raise")
each_conflict = pytest.mark.parametrize("on_conflict", ["return", "raise", "replace"])
OnConflict = Literal["return", "raise", "replace"]


@only_with(Capability.UNIQUE_KEYS)
class Conflicts:
    """Tests of pushes and children that meet a held key."""

    # A push that is to be refused

    def test_the_queues_of_a_refused_push_are_known(self, bench: Bench) -> None:
        """B21, B47: found by the differential machine, in 2 steps, after some 125,000."""
        if bench.store.atomic_over == "queue":
            pytest.skip("there is no such push: see test_a_push_reaches_as_far_as_the_store_says")
        bench.push(a_job(queue="mail", unique=KEY))

        answer = bench.run(bench.pushing(a_job(queue="mail", unique=REFUSE), a_job()))

        assert isinstance(answer, KeyTaken)
        assert bench.run(Queues()) == tuple(sorted(("mail", QUEUE)))
        assert bench.count().queued == {}

    @only_with(Capability.DELETES)
    def test_a_refused_job_stores_nothing_of_its_push(self, bench: Bench) -> None:
        """B21: all or none, over all queues; the answer names the first that is refused."""
        holder = bench.push_one(a_job(unique=KEY))
        before = bench.snapshot()

        answer = bench.run(
            bench.pushing(
                a_job(),
                a_job(unique=unique("A|free")),
                a_job(unique=KEY),
                a_job(unique=REFUSE),
                a_job(unique=REPLACE, payload=b"[]"),
                a_job(unique=REFUSE),
            )
        )

        assert answer == KeyTaken(holder=holder, index=3)
        assert bench.snapshot() == before
        assert bench.holder(unique("A|free")) is None

    def test_a_job_that_would_be_refused_is_stored_while_the_key_is_free(
        self, bench: Bench
    ) -> None:
        """B21: and then it holds the key like any other."""
        job_id = bench.push_one(a_job(unique=REFUSE))

        assert bench.push_one(a_job(unique=KEY)) == job_id

    # A push that replaces

    @only_with(Capability.PRIORITIES, Capability.RETENTION)
    @pytest.mark.parametrize("delay", [0, SECOND])
    def test_a_waiting_holder_gets_the_new_content(self, bench: Bench, delay: int) -> None:
        """B21: payload and metadata; due time, priority, options and all else stay its own."""
        holder = bench.push_one(
            a_job(
                unique=KEY,
                payload=b'{"n":1}',
                options=b'{"max_retries":3}',
                metadata=b'{"a":"1"}',
                priority=-2,
                delay=delay,
                retention=5,
            )
        )
        before = bench.get(holder)
        bench.advance(1)

        ids = bench.push(
            a_job(
                unique=REPLACE,
                payload=b'{"n":"\\n2"}',
                options=b"{}",
                metadata=b'{"bb":"22"}',
                priority=7,
                delay=HOUR,
            )
        )

        assert ids == (holder,)
        after = bench.get(holder)
        assert (after.payload, after.metadata) == (b'{"n":"\\n2"}', b'{"bb":"22"}')
        assert contents(after) == contents(before)
        bench.advance(delay)
        assert bench.worker().take_one().payload == b'{"n":"\\n2"}'

    @pytest.mark.parametrize("detour", DETOURS.values(), ids=DETOURS)
    def test_a_holder_that_waits_again_gets_the_new_content(
        self, bench: Bench, detour: Happening
    ) -> None:
        """B21: after a retry, a snooze, a loss or a hand-back; its attempts stay."""
        holder = bench.push_one(a_job(unique=KEY, payload=b"1"))
        ann = bench.worker()
        detour(ann, ann.take_one())
        before = bench.get(holder)

        bench.push(a_job(unique=REPLACE, payload=b"2", metadata=b"{}"))

        after = bench.get(holder)
        assert (after.payload, after.metadata) == (b"2", b"{}")
        assert contents(after) == contents(before)

    @only_with(Capability.PREFETCH)
    def test_a_running_holder_is_left_alone(self, bench: Bench) -> None:
        """B21: its handler has read the payload already, or is about to; also a prefetched one."""
        keys = [unique(f"A|{n}", until="done", on_conflict="replace") for n in range(2)]
        bench.push(*(a_job(unique=key, payload=b"1") for key in keys))
        running = bench.worker().claim(1, prefetch=1).jobs

        ids = bench.push(*(a_job(unique=key, payload=b"2") for key in keys))

        assert ids == tuple(job.id for job in running)
        assert [bench.get(job_id).payload for job_id in ids] == [b"1", b"1"]

    def test_the_last_of_several_replacements_stays(self, bench: Bench) -> None:
        """B21: of one push, and of one after the other; empty content too."""
        holder = bench.push_one(a_job(unique=KEY, metadata=b"m", options=b"o"))

        bench.push(a_job(unique=REPLACE, payload=b"1"), a_job(unique=REPLACE, payload=b"2"))
        first = bench.get(holder)
        bench.push(a_job(unique=REPLACE, payload=b"", metadata=b""))

        assert (first.payload, first.metadata, first.options) == (b"2", b"", b"o")
        last = bench.get(holder)
        assert (last.payload, last.metadata, last.options) == (b"", b"", b"o")

    # One batch

    @each_conflict
    def test_the_second_of_one_batch_is_the_first(
        self, bench: Bench, on_conflict: OnConflict
    ) -> None:
        """B40: whatever it asks for, the first one's handle is its answer; order stays."""
        key = unique(on_conflict=on_conflict)
        jobs = [a_job(payload=b"0"), a_job(unique=key, payload=b"1"), a_job(payload=b"2")]

        ids = bench.push(*jobs, a_job(unique=key, payload=b"3"), a_job(payload=b"4"))

        assert ids[3] == ids[1]
        assert bench.count().queued == {"A": 4}
        taken = bench.worker().take(9)
        content = b"3" if on_conflict == "replace" else b"1"
        assert [job.payload for job in taken] == [b"0", content, b"2", b"4"]
        assert [job.arrival for job in taken] == [1, 2, 3, 4]

    def test_one_batch_over_several_queues_and_keys(self, bench: Bench) -> None:
        """B40: a key counts in its queue alone."""
        one, two = unique("A|1"), unique("A|2")

        ids = bench.push(
            a_job(unique=one),
            a_job(queue="mail", unique=one),
            a_job(unique=two),
            a_job(queue="mail", unique=one),
            a_job(unique=one),
        )

        assert (ids[3], ids[4]) == (ids[1], ids[0])
        assert len({*ids}) == 3

    def test_a_batch_of_nothing_but_duplicates(self, bench: Bench) -> None:
        """B21: stores nothing, and hints at nothing."""
        holder = bench.push_one(a_job(unique=KEY))
        before = bench.snapshot()

        ids = bench.push(*[a_job(unique=KEY)] * 1_001)

        assert ids == (holder,) * 1_001
        assert bench.snapshot() == before

    # Copies of a push

    @only_with(Capability.DELETES)
    def test_the_copy_of_a_push_answers_as_the_first_did(self, bench: Bench) -> None:
        """B6, B21: with the holders of then, though they are gone by now."""
        holder = bench.push_one(a_job(unique=KEY))
        push = bench.pushing(
            a_job(), a_job(unique=KEY), a_job(unique=unique("A|own")), a_job(unique=unique("A|own"))
        )
        first = bench.run(push)
        bench.run(Delete(queue=QUEUE, id=holder))
        bench.advance(REPLAY_WINDOW)
        before = bench.snapshot()

        second = bench.run(push)

        assert first == (push.jobs[0].id, holder, push.jobs[2].id, push.jobs[2].id)
        assert second == first
        assert bench.snapshot() == before

    @only_with(Capability.DELETES)
    def test_the_copy_of_a_refused_push_is_refused(self, bench: Bench) -> None:
        """B6, B21: though the key is free by now; the next push is a new one."""
        holder = bench.push_one(a_job(unique=KEY))
        push = bench.pushing(a_job(), a_job(unique=REFUSE))
        first = bench.run(push)
        bench.run(Delete(queue=QUEUE, id=holder))

        second = bench.run(push)

        assert first == second == KeyTaken(holder=holder, index=1)
        assert bench.count().queued == {}
        assert bench.push_one(a_job(unique=REFUSE)) != holder

    def test_the_copy_of_a_replacing_push_replaces_no_more(self, bench: Bench) -> None:
        """B6, B21: what came after it stays."""
        holder = bench.push_one(a_job(unique=KEY, payload=b"1"))
        push = bench.pushing(a_job(unique=REPLACE, payload=b"2"), channel="a")
        bench.run(push)
        bench.push(a_job(unique=REPLACE, payload=b"3"))

        assert bench.run(push) == (holder,)

        assert bench.get(holder).payload == b"3"

    # Children

    @only_with(Capability.CHILDREN)
    @each_conflict
    def test_a_child_whose_key_is_held_is_not_stored(
        self, bench: Bench, on_conflict: OnConflict
    ) -> None:
        """B41: its parent succeeds all the same; a replacing one replaces."""
        holder = bench.push_one(a_job("B", unique=unique("B|k"), payload=b"1"))
        child = bench.named(a_job("B", unique=unique("B|k", on_conflict=on_conflict), payload=b"2"))
        plain = bench.named(a_job("B"))
        bench.push_one(a_job())
        ann = bench.worker()

        settled = ann.settle_one(succeed(ann.take_one(), children=(child, plain)))

        assert (settled.verdict, settled.state) == ("ok", JobState.SUCCEEDED)
        assert bench.ids(JobState.QUEUED) == {holder, plain.id}
        assert bench.get(holder).payload == (b"2" if on_conflict == "replace" else b"1")

    @only_with(Capability.CHILDREN)
    def test_a_child_may_hold_the_key_that_its_parent_held(self, bench: Bench) -> None:
        """B22, B41: the span of the parent ends in the step that publishes the child."""
        bench.push_one(a_job(unique=KEY))
        ann = bench.worker()
        child = bench.named(a_job(unique=KEY))

        ann.settle(succeed(ann.take_one(), children=(child,)))

        assert bench.holder(KEY) == child.id

    @only_with(Capability.CHILDREN)
    def test_children_of_one_settlement_share_a_key(self, bench: Bench) -> None:
        """B40, B41: the first of them holds it, over queues and parents."""
        bench.push(a_job(), a_job())
        ann = bench.worker()
        one, two = ann.take(2)
        children = [bench.named(a_job("B", queue="mail", unique=KEY)) for _ in range(3)]

        ann.settle(
            succeed(one, children=(children[0], children[1])), succeed(two, children=(children[2],))
        )

        assert bench.ids(JobState.QUEUED, queue="mail") == {children[0].id}

    @only_with(Capability.CHILDREN, Capability.CANCELS, Capability.DELETES)
    def test_a_child_that_is_dropped_takes_no_key(self, bench: Bench) -> None:
        """B41: its parent was cancelled, or had lost its lease."""
        key = unique("B|k")
        bench.push(a_job(), a_job())
        ann = bench.worker()
        one, two = ann.take(2)
        bench.run(Cancel(queue=QUEUE, id=one.id))
        ann.settle(release(two))

        ann.settle(
            succeed(one, children=(bench.named(a_job("B", unique=key)),)),
            succeed(two, children=(bench.named(a_job("B", unique=key)),)),
        )

        assert bench.ids(JobState.QUEUED) == {two.id}
        assert bench.holder(key) is None


def contents(job: StoredJob) -> dict[str, object]:
    """Return what of a waiting job stays as it is when its content is replaced."""
    fields = {name: getattr(job, name) for name in job.__struct_fields__}
    return {name: item for name, item in fields.items() if name not in ("payload", "metadata")}
