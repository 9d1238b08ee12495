"""Many ended jobs at once: retried, deleted or emptied, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import pytest

from jobkit.record import ENDED, JobState
from jobkit.store import (
    LOOKED_AT_ONCE,
    SWEPT_AT_ONCE,
    Action,
    Capability,
    PayloadGone,
    Place,
    Reschedule,
    Settlement,
    StoredJob,
    Sweep,
    UniqueKey,
)
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    HOUR,
    QUEUE,
    SECOND,
    a_job,
    bury,
    discard,
    lanes,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

ENDINGS: Mapping[JobState, Callable[[StoredJob], Settlement]] = {
    JobState.SUCCEEDED: succeed,
    JobState.DEAD: bury,
    JobState.CANCELLED: discard,
}
each_ended = pytest.mark.parametrize("state", sorted(ENDED))
each_action = pytest.mark.parametrize("action", ["retry", "delete", "empty"])
_requests = count(1)


def a_sweep(action: Action, state: JobState = JobState.DEAD, **changes: Any) -> Sweep:
    """Build a sweep that was not sent before."""
    asked: dict[str, Any] = {"channel": "sweeper", "request": next(_requests)} | changes
    return Sweep(queue=QUEUE, state=state, action=action, **asked)


def end(bench: Bench, state: JobState, types: str, **options: Any) -> list[str]:
    """Let a job of each of these types end in a state, the instants apart."""
    ids: list[str] = []
    for type_name in types:
        job_id = bench.push_one(a_job(type_name, priority=-1, payload=b'{"n":1}', **options))
        ann = bench.worker("ann", lanes(*types))
        ann.settle(ENDINGS[state](ann.take_one()))
        bench.advance(1)
        ids.append(job_id)
    return ids


def sweep_all(bench: Bench, action: Action, **changes: Any) -> list[int]:
    """Sweep to the end; return on how many jobs each sweep acted."""
    done: list[int] = []
    cursor: Place | None = None
    until = changes.pop("until", bench.now)
    while True:
        swept = bench.run(a_sweep(action, until=until, cursor=cursor, **changes))
        done.append(swept.done)
        cursor = swept.cursor
        if cursor is None:
            return done


@only_with(Capability.BULK)
class Sweeping:
    """Tests of `Sweep`."""

    @only_with(Capability.PRIORITIES, Capability.RETENTION)
    @each_ended
    def test_a_sweep_retries_what_has_ended(self, bench: Bench, state: JobState) -> None:
        """B45: as `Reschedule` does, one by one."""
        ids = end(bench, state, "ABA") + end(bench, state, "A", retention=HOUR)
        end(bench, next(other for other in ENDINGS if other is not state), "A")

        swept = bench.run(a_sweep("retry", state))

        jobs = [bench.get(job_id) for job_id in ids]
        assert (swept.done, swept.cursor) == (4, None)
        assert {job.state for job in jobs} == {JobState.QUEUED}
        assert {job.run_at for job in jobs} == {bench.now}
        assert {(job.failures, job.attempts, job.result) for job in jobs} == {(0, (), None)}
        ann = bench.worker("ann", lanes("A", "B"))
        assert {job.id for job in ann.take(9)} == set(ids)

    @only_with(Capability.PRIORITIES, Capability.RETENTION)
    @each_ended
    def test_a_sweep_deletes_what_has_ended(self, bench: Bench, state: JobState) -> None:
        """B45, B46: from every index."""
        ids = end(bench, state, "ABA") + end(bench, state, "A", retention=HOUR)

        swept = bench.run(a_sweep("delete", state))

        assert (swept.done, swept.cursor) == (4, None)
        assert [bench.find(job_id) for job_id in ids] == [None] * 4
        assert bench.count().by_type[state] == {}

    @only_with(Capability.PRIORITIES, Capability.RESCHEDULES)
    @each_ended
    def test_a_sweep_drops_payloads_and_keeps_records(self, bench: Bench, state: JobState) -> None:
        """B45: once; and such a job cannot run again, alone or with others."""
        (job_id,) = end(bench, state, "A", options=b"{}", metadata=b'{"user":"7"}')
        before = bench.get(job_id)

        done = [bench.run(a_sweep("empty", state)).done for _ in range(2)]
        again = bench.run(Reschedule(queue=QUEUE, id=job_id, of=ENDED))
        retried = bench.run(a_sweep("retry", state)).done

        after = bench.get(job_id)
        assert (done, again, retried) == ([1, 0], PayloadGone(), 0)
        assert (before.payload, after.payload, after.emptied) == (b'{"n":1}', b"", True)
        assert (after.state, after.metadata, after.options) == (
            before.state,
            before.metadata,
            before.options,
        )
        assert after.attempts == before.attempts

    @only_with(Capability.PRIORITIES)
    @each_action
    def test_a_sweep_is_of_the_types_asked_for(self, bench: Bench, action: Action) -> None:
        """B45"""
        end(bench, JobState.DEAD, "ABCABA")

        done = [bench.run(a_sweep(action, types=types)).done for types in (("A", "C"), ("D",))]

        assert done == [4, 0]

    @only_with(Capability.PRIORITIES)
    @each_action
    def test_a_sweep_sent_twice_is_one(self, bench: Bench, action: Action) -> None:
        """B6, B45: the copy of a sweep whose reply was lost answers the same."""
        end(bench, JobState.DEAD, "AAA")
        operation = a_sweep(action)

        first, second = bench.run(operation), bench.run(operation)

        assert (first.done, second) == (3, first)
        before = bench.snapshot()
        bench.run(a_sweep("delete", request=operation.request - 1))
        assert bench.snapshot() == before

    @only_with(Capability.RETENTION)
    @each_action
    def test_sweeps_go_in_batches_to_the_end(self, bench: Bench, action: Action) -> None:
        """B45: no batch acts on more than is fit for one step, and none is forgotten."""
        number = 2 * SWEPT_AT_ONCE + 7
        bench.push(*[a_job("AB"[n % 2], retention=(None, HOUR)[n % 3 == 0]) for n in range(number)])
        ann = bench.worker("ann", lanes("A", "B"))
        ann.settle(*[bury(job) for job in ann.take(number)])

        done = sweep_all(bench, action)

        assert (sum(done), max(done)) == (number, SWEPT_AT_ONCE)
        assert sum(sweep_all(bench, action)) == 0

    def test_a_sweep_looks_at_a_bounded_number(self, bench: Bench) -> None:
        """B45: also where most are of other types."""
        number = LOOKED_AT_ONCE + 7
        bench.push(*[a_job("B") for _ in range(number)], a_job())
        ann = bench.worker("ann", lanes("A", "B"))
        ann.settle(*[bury(job) for job in ann.take(number + 1)])

        first = bench.run(a_sweep("delete", types=("A",)))
        done = sweep_all(bench, "delete", types=("A",))

        assert (first.done, first.cursor is None) == (0, False)
        assert sum(done) == 1

    @only_with(Capability.PRIORITIES)
    @each_action
    @pytest.mark.parametrize("retention", [None, HOUR])
    def test_what_ends_after_the_beginning_is_left(
        self, bench: Bench, action: Action, retention: int | None
    ) -> None:
        """B45: so a bulk form ends although jobs die again meanwhile."""
        end(bench, JobState.DEAD, "AA", retention=retention)
        until = bench.now - 1
        (late,) = end(bench, JobState.DEAD, "A", retention=retention)

        done = sweep_all(bench, action, until=until)

        job = bench.get(late)
        assert done == [2]
        assert (job.state, job.payload) == (JobState.DEAD, b'{"n":1}')

    @only_with(Capability.PRIORITIES, Capability.RETENTION)
    @pytest.mark.parametrize(("keep", "left"), [(0, 0), (2, 2), (4, 4), (9, 4)])
    def test_the_newest_are_kept(self, bench: Bench, keep: int, left: int) -> None:
        """B36, B45: of those by the bounds of the queue; a retention of its own is by age alone."""
        ids = end(bench, JobState.SUCCEEDED, "ABAB")
        end(bench, JobState.SUCCEEDED, "A", retention=HOUR)

        done = sweep_all(bench, "delete", state=JobState.SUCCEEDED, keep=keep, with_retention=False)

        assert sum(done) == 4 - left
        assert [job.id for job in bench.page(JobState.SUCCEEDED)][:-1] == ids[4 - left :]

    @only_with(Capability.PRIORITIES, Capability.UNIQUE_KEYS)
    def test_a_job_whose_key_is_taken_is_left(self, bench: Bench) -> None:
        """B22: neither retried nor counted; of two with one key the older one runs again."""
        key = UniqueKey(key="k", until="done", ttl=None, on_conflict="return")
        first, second = end(bench, JobState.DEAD, "AA", unique=key)
        end(bench, JobState.DEAD, "A")

        done = sweep_all(bench, "retry")

        assert sum(done) == 2
        assert bench.holder(key) == first
        assert bench.get(second).state is JobState.DEAD

    @only_with(Capability.PRIORITIES, Capability.WAKING)
    def test_a_sweep_wakes_who_serves_what_runs_again(self, bench: Bench) -> None:
        """B13"""
        end(bench, JobState.DEAD, "AA")
        ann = bench.worker()
        assert ann.claim(idle=True).jobs == ()
        waiter = bench.store.waiter("ann")

        bench.run(a_sweep("retry"))

        try:
            assert waiter.wait([QUEUE], 5 * SECOND / 1000)
        finally:
            waiter.close()

    def test_a_sweep_makes_no_queue(self, bench: Bench) -> None:
        """B42: of a queue that nobody has used nothing is swept."""
        swept = bench.run(
            Sweep(queue="nowhere", state=JobState.DEAD, action="delete", channel="none", request=1)
        )

        assert (swept.done, swept.cursor) == (0, None)
