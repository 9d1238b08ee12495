"""In which order ready jobs are taken: priority, due time, arrival; over all lanes."""

from __future__ import annotations

from jobkit.ids import jitter
from jobkit.store import Capability, NewJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import LEASE, SECOND, START, a_job, lanes
from jobkit_testing.conformance.capable import only_with

LOWEST, HIGHEST = -32_768, 32_767


def dice(sides: int, *parts: str | int) -> int:
    """Return a number below `sides` that looks random and depends on the parts alone."""
    return int(jitter("conformance", *parts) * sides)


class Ordering:
    """Tests of the order of claims."""

    @only_with(Capability.PRIORITIES)
    def test_lower_priorities_are_first(self, bench: Bench) -> None:
        """B9: whatever the order of arrival."""
        priorities = [0, 7, -3, HIGHEST, LOWEST, -1, 1, LOWEST + 1, HIGHEST - 1]
        bench.push(*[a_job(priority=priority) for priority in priorities])

        taken = bench.worker().take(len(priorities))

        assert [job.priority for job in taken] == sorted(priorities)

    @only_with(Capability.PRIORITIES)
    def test_a_better_priority_goes_before_an_earlier_due_time(self, bench: Bench) -> None:
        """B9: due times decide among equal priorities only."""
        late = bench.push_one(a_job(priority=1, run_at=0))
        early = bench.push_one(a_job(priority=0, run_at=START))

        taken = bench.worker().take(2)

        assert [job.id for job in taken] == [early, late]

    @only_with(Capability.PRIORITIES)
    def test_a_better_priority_does_not_start_before_its_time(self, bench: Bench) -> None:
        """B8, B9: only ready jobs are compared."""
        bench.push(a_job(priority=LOWEST, delay=1))
        ready = bench.push_one(a_job(priority=HIGHEST))

        taken = bench.worker().take(2)

        assert [job.id for job in taken] == [ready]

    def test_earlier_due_times_are_first_among_equal_priorities(self, bench: Bench) -> None:
        """B9: also when all of them are past."""
        due = [START - 5, START, START - 1, 0, START - 86_400_000, 1]
        bench.push(*[a_job(run_at=run_at) for run_at in due])

        taken = bench.worker().take(len(due))

        assert [job.run_at for job in taken] == sorted(due)

    def test_ties_go_by_arrival(self, bench: Bench) -> None:
        """B9: over pushes of one job and of many."""
        ids = [
            *bench.push(a_job(run_at=START)),
            *bench.push(*[a_job(run_at=START) for _ in range(120)]),
            *bench.push(a_job(run_at=START)),
        ]

        taken = bench.worker().take(len(ids))

        assert [job.id for job in taken] == ids

    def test_arrival_does_not_depend_on_ids(self, bench: Bench) -> None:
        """B9: ids sort by the time at which they were made, not by that of the push."""
        first, second = (bench.named(a_job(run_at=START)) for _ in range(2))
        bench.push(second)
        bench.push(first)

        taken = bench.worker().take(2)

        assert [job.id for job in taken] == [second.id, first.id]

    @only_with(Capability.PRIORITIES)
    def test_scheduled_jobs_that_become_due_line_up_by_priority(self, bench: Bench) -> None:
        """B9: promotion puts them into the same order as all others."""
        bench.push(a_job(priority=2, delay=1), a_job(priority=0, delay=3), a_job(priority=1))
        ann = bench.worker()
        bench.advance(SECOND)

        taken = ann.take(3)

        assert [job.priority for job in taken] == [0, 1, 2]

    @only_with(Capability.PRIORITIES)
    def test_types_are_taken_in_one_order_over_their_lanes(self, bench: Bench) -> None:
        """B9: a worker with several types alternates as the jobs demand."""
        ids = bench.push(*[a_job("ABC"[dice(3, i)], priority=i // 50) for i in range(150)])
        ann = bench.worker("ann", lanes("A", "B", "C"))

        taken = [job.id for _ in range(50) for job in ann.take(3)]

        assert taken == list(ids)

    def test_a_claim_goes_on_in_the_same_lane_while_that_is_best(self, bench: Bench) -> None:
        """B9: runs of one type between others."""
        types = "AAAABAAAACCCABBBBBBA"
        bench.push(*[a_job(type_name) for type_name in types])

        taken = bench.worker("ann", lanes("A", "B", "C")).take(len(types))

        assert "".join(job.type for job in taken) == types

    @only_with(Capability.PRIORITIES)
    def test_a_thousand_jobs_come_out_as_a_sort_would_have_them(self, bench: Bench) -> None:
        """B9: against an oracle, with claims of all sizes."""
        jobs = [
            a_job(
                "ABCDE"[dice(5, i, "type")],
                priority=dice(7, i, "priority") - 3,
                run_at=START - dice(40, i, "due"),
            )
            for i in range(1_000)
        ]
        ids: list[str] = []
        for start in range(0, 1_000, 50):
            ids += bench.push(*jobs[start : start + 50])
        ann = bench.worker("ann", lanes("A", "B", "C", "D", "E"))

        taken: list[str] = []
        while batch := ann.take(1 + dice(60, len(taken))):
            taken += [job.id for job in batch]

        assert taken == [ids[i] for i in sorted(range(1_000), key=lambda i: _rank(jobs[i], i))]

    @only_with(Capability.PRIORITIES)
    def test_a_reclaimed_job_keeps_its_place(self, bench: Bench) -> None:
        """B9, B37: priority, due time and arrival; so it is at the front."""
        bench.push(a_job(priority=3), a_job(priority=3))
        ann, bob = bench.worker("ann"), bench.worker("bob")
        lost = ann.take_one()
        bench.live(LEASE, bob)
        better = bench.push_one(a_job(priority=2))

        taken = bob.take(3)

        assert [job.id for job in taken[:2]] == [better, lost.id]
        again = taken[1]
        assert (again.priority, again.run_at, again.arrival) == (3, START, lost.arrival)


def _rank(job: NewJob, index: int) -> tuple[int, int, int]:
    return (job.priority, job.run_at or 0, index)
