"""Lists by state and type: totals, order, and pages while jobs come and go."""

from __future__ import annotations

import pytest

from jobkit.record import JobState
from jobkit.store import Capability, Delete, Lane, Order, Page, Place, StoredJob, UseOrder
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    QUEUE,
    SECOND,
    a_job,
    bury,
    discard,
    lanes,
    retry,
    succeed,
)
from jobkit_testing.conformance.capable import only_with
from jobkit_testing.conformance.states import STATES, a_job_in

each_state = pytest.mark.parametrize("state", list(JobState))
each_place = pytest.mark.parametrize("where", STATES)
each_order = pytest.mark.parametrize("newest_first", [False, True])


def listed(
    bench: Bench, state: JobState, *types: str, limit: int = 2, newest_first: bool = False
) -> list[str]:
    """Read the ids of all jobs of a state and some types, page by page."""
    ids: list[str] = []
    cursor: Place | None = None
    while True:
        page = bench.run(
            Page(
                queue=QUEUE,
                state=state,
                types=types,
                limit=limit,
                cursor=cursor,
                newest_first=newest_first,
            )
        )
        ids += [job.id for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            return ids


def some(bench: Bench, state: JobState, types: str) -> list[StoredJob]:
    """Bring a job of each of these types into a state, the instants apart."""
    jobs: list[StoredJob] = []
    for type_name in types:
        jobs.append(a_job_in(bench, state.value, type_name=type_name))
        bench.advance(1)
    return jobs


class Listing:
    """Tests of `Page` and `Count` by type."""

    @each_place
    def test_counts_are_by_state_and_type(self, bench: Bench, where: str) -> None:
        """B47: each job is counted once, under the name that it was pushed with."""
        a_job_in(bench, "dead", type_name="C")
        for type_name in "ABA":
            a_job_in(bench, where, type_name=type_name)

        by_type = bench.count().by_type

        expected: dict[JobState, dict[str, int]] = {state: {} for state in JobState}
        expected[JobState.DEAD] = {"C": 1}
        here = {"A": 2, "B": 1}
        assert by_type == expected | {STATES[where]: expected[STATES[where]] | here}

    @only_with(Capability.LISTING)
    @each_state
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_a_page_shows_the_types_asked_for(
        self, bench: Bench, state: JobState, limit: int
    ) -> None:
        """B47: complete, without duplicates, and no others."""
        jobs = some(bench, state, "ABCABA")

        by_type = {
            types: set(listed(bench, state, *types, limit=limit)) for types in ("A", "AC", "D")
        }

        assert by_type == {
            types: {job.id for job in jobs if job.type in types} for types in ("A", "AC", "D")
        }
        assert len(listed(bench, state, "A", "C", limit=limit)) == 4

    @only_with(Capability.LISTING)
    @each_state
    def test_types_are_shown_in_the_order_of_all(self, bench: Bench, state: JobState) -> None:
        """B47: a filter leaves out, and moves nothing."""
        some(bench, state, "ABABAB")

        assert listed(bench, state, "A", "B") == listed(bench, state)

    @only_with(Capability.LISTING)
    @pytest.mark.parametrize("state", [s for s in JobState if s is not JobState.QUEUED])
    def test_the_newest_come_first_if_asked_for(self, bench: Bench, state: JobState) -> None:
        """B47: the other way round."""
        some(bench, state, "ABABA")

        forward, backward = listed(bench, state), listed(bench, state, newest_first=True)

        assert backward == forward[::-1]
        assert listed(bench, state, "A", newest_first=True) == listed(bench, state, "A")[::-1]

    @only_with(Capability.DELETES)
    @each_state
    @each_order
    @pytest.mark.parametrize("types", ["", "A"])
    def test_pages_go_on_when_the_job_of_the_cursor_has_gone(
        self, bench: Bench, state: JobState, types: str, *, newest_first: bool
    ) -> None:
        """B47: what stays is shown once, whatever comes and goes."""
        some(bench, state, "AAAAAA")
        order = listed(bench, state, limit=100, newest_first=newest_first)
        request = Page(
            queue=QUEUE, state=state, types=tuple(types), limit=2, newest_first=newest_first
        )
        first = bench.run(request)
        for gone in (order[0], order[1], order[3]):
            bench.run(Delete(queue=QUEUE, id=gone))
        some(bench, state, "A")

        rest: list[str] = []
        cursor = first.cursor
        while cursor is not None:
            page = bench.run(
                Page(
                    queue=QUEUE,
                    state=state,
                    types=tuple(types),
                    limit=2,
                    cursor=cursor,
                    newest_first=newest_first,
                )
            )
            rest += [job.id for job in page.jobs]
            cursor = page.cursor

        assert [job.id for job in first.jobs] == order[:2]
        assert [job_id for job_id in rest if job_id in order] == [order[2], *order[4:]]

    @only_with(Capability.DELETES)
    @each_order
    def test_pages_go_on_between_jobs_of_one_instant(
        self, bench: Bench, *, newest_first: bool
    ) -> None:
        """B47: also when the last one shown is gone, and many others share its instant."""
        bench.push(*[a_job("AB"[n % 2]) for n in range(60)])
        ann = bench.worker("ann", lanes("A", "B"))
        ann.settle(*[bury(job) for job in ann.take(60)])
        order = listed(bench, JobState.DEAD, limit=100, newest_first=newest_first)
        shown: list[str] = []
        cursor: Place | None = None

        for _ in range(6):
            page = bench.run(
                Page(
                    queue=QUEUE,
                    state=JobState.DEAD,
                    limit=10,
                    cursor=cursor,
                    newest_first=newest_first,
                )
            )
            shown += [job.id for job in page.jobs]
            bench.run(Delete(queue=QUEUE, id=shown[-1]))
            cursor = page.cursor

        assert shown == order

    @only_with(Capability.LIMITS, Capability.LISTING)
    def test_running_jobs_count_under_their_stored_name(self, bench: Bench) -> None:
        """B1, B47: not under that of their group, whose limit they share."""
        group = Lane(group="New", limit=5)
        ann = bench.worker("ann", lanes(Old=group, New=group))
        bench.push(*[a_job(name) for name in ("Old", "New", "Old", "New", "Old")])
        jobs = ann.take(5)

        before = bench.count().by_type[JobState.RUNNING]
        pages = {name: set(listed(bench, JobState.RUNNING, name)) for name in ("Old", "New")}
        everything = listed(bench, JobState.RUNNING)
        both = listed(bench, JobState.RUNNING, "Old", "New")
        ann.settle(*[succeed(job) for job in jobs if job.type == "Old"])
        after = bench.count().by_type

        assert before == {"Old": 3, "New": 2}
        assert pages == {
            name: {job.id for job in jobs if job.type == name} for name in ("Old", "New")
        }
        assert everything == both == sorted(job.id for job in jobs)
        assert after[JobState.RUNNING] == {"New": 2}
        assert after[JobState.SUCCEEDED] == {"Old": 3}

    @only_with(Capability.RETENTION)
    def test_totals_by_type_follow_a_trim(self, bench: Bench) -> None:
        """B36, B47: what retention drops is no longer counted, with one of its own or without."""
        bench.push(*[a_job("AB"[n % 2], retention=(None, SECOND)[n % 4 // 2]) for n in range(16)])
        ann = bench.worker("ann", lanes("A", "B"))
        jobs = ann.take(16)
        moves = (succeed, bury, discard, succeed)
        ann.settle(*[moves[n // 4](job) for n, job in enumerate(jobs)])
        before = bench.count()
        bench.advance(40 * 86_400 * SECOND)

        ann.beat()
        ann.take()
        ann.take()

        after = bench.count().by_type
        ended = (JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED)
        assert [before.by_type[state] for state in ended] == [
            {"A": 4, "B": 4},
            {"A": 2, "B": 2},
            {"A": 2, "B": 2},
        ]
        assert [after[state] for state in ended] == [{}, {}, {}]

    @only_with(Capability.PRIORITIES, Capability.QUEUE_ORDER)
    @pytest.mark.parametrize("order", ["priority", "run_at"])
    def test_the_job_that_is_due_longest_is_told(self, bench: Bench, order: Order) -> None:
        """B10, B47: of all that could run, ready or not yet promoted, whatever their priority."""
        assert bench.run(UseOrder(queue=QUEUE, order=order))
        start = bench.now
        none_yet = bench.count().oldest_due
        bench.push(a_job(priority=-5))
        bench.advance(10)
        first = bench.count().oldest_due
        bench.push(a_job(priority=5, run_at=start - 7), a_job("B", run_at=start - 3))
        second = bench.count().oldest_due
        ann = bench.worker("ann", lanes("A", "B"))
        ann.settle(*[retry(job, delay=SECOND) for job in ann.take(3)])
        bench.push(a_job(delay=SECOND + 1))
        waiting = bench.count().oldest_due
        bench.advance(SECOND)

        assert (none_yet, first, second) == (None, start, start - 7)
        assert waiting is None
        assert bench.count().oldest_due == start + 10 + SECOND
