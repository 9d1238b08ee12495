"""How attempts end: states, counters, the list of attempts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobkit.record import JobState
from jobkit.store import ATTEMPTS_KEPT, Capability, Failure, RetryLater, Settlement, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    SECOND,
    SETTLEMENTS,
    START,
    a_job,
    bury,
    discard,
    lease_of,
    release,
    retry,
    snooze,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

each_settlement = pytest.mark.parametrize(
    "settlement", [made for made, _ in SETTLEMENTS.values()], ids=SETTLEMENTS.keys()
)
each_settlement_and_state = pytest.mark.parametrize(
    ("settlement", "state"), SETTLEMENTS.values(), ids=SETTLEMENTS.keys()
)
KEPT_FOR_LIFE = (
    "id",
    "queue",
    "type",
    "payload",
    "options",
    "metadata",
    "priority",
    "arrival",
    "enqueued_at",
    "retention",
    "fence",
)


def counters(job: StoredJob) -> tuple[int, int, int, int]:
    """Return starts, failures, timeouts, losses."""
    return (job.starts, job.failures, job.timeouts, job.losses)


class Settling:
    """Tests of what each settlement does to its job."""

    @each_settlement_and_state
    def test_each_settlement_leads_to_its_state(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement], state: JobState
    ) -> None:
        """B42: and the answer says so, with the instant of the move."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(40)

        settled = ann.settle_one(settlement(job))

        assert (settled.verdict, settled.state, settled.at) == ("ok", state, START + 40)
        assert bench.get(job.id).state is state
        assert bench.ids(state) == {job.id}
        assert bench.ids(JobState.RUNNING) == set()

    @only_with(Capability.PRIORITIES)
    @each_settlement
    def test_a_settled_job_keeps_what_it_is(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement]
    ) -> None:
        """B3, B9: type, payload, priority and arrival are for life."""
        bench.push(a_job(payload=b"\x00[]", priority=-2, options=b"{}", metadata=b'{"a":"b"}'))
        ann = bench.worker()
        before = ann.take_one()

        ann.settle(settlement(before))

        after = bench.get(before.id)
        for name in KEPT_FOR_LIFE:
            assert getattr(after, name) == getattr(before, name), name

    @pytest.mark.parametrize(
        ("settlement", "state"),
        [
            pytest.param(made, state, id=name)
            for name, (made, state) in SETTLEMENTS.items()
            if name != "release"
        ],
    )
    def test_a_settlement_leaves_times_and_duration(
        self, bench: Bench, settlement: Callable[[StoredJob], Settlement], state: JobState
    ) -> None:
        """B43: when the attempt began, how long it took, and the end if it was the end."""
        bench.push(a_job())
        ann = bench.worker("ann", version="3")
        job = ann.take_one()
        bench.advance(40)

        ann.settle(settlement(job))

        after = bench.get(job.id)
        ended = state in (JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED)
        assert (after.started_at, after.duration) == (START, 7)
        assert after.finished_at == (START + 40 if ended else None)
        assert (after.worker, after.version) == ("ann", "3")

    def test_a_success_keeps_its_result(self, bench: Bench) -> None:
        """B31: and nothing has failed."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(succeed(job, result=b'{"sent":true}'))

        after = bench.get(job.id)
        assert after.result == b'{"sent":true}'
        assert counters(after) == (1, 0, 0, 0)
        assert settled.due is None

    def test_a_success_without_a_result_has_none(self, bench: Bench) -> None:
        """B31: None is not an empty result."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        ann.settle(succeed(job))

        assert bench.get(job.id).result is None

    def test_a_failure_counts_and_waits_for_its_delay(self, bench: Bench) -> None:
        """B34: the delay runs from the instant of the move."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(40)

        settled = ann.settle_one(retry(job, delay=SECOND))

        after = bench.get(job.id)
        assert settled.due == after.run_at == START + 40 + SECOND
        assert counters(after) == (1, 1, 0, 0)

    def test_a_timeout_counts_apart_from_failures(self, bench: Bench) -> None:
        """B33: by the outcome of its failure."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        ann.settle(retry(job, "timed_out", delay=SECOND))

        assert counters(bench.get(job.id)) == (1, 0, 1, 0)

    def test_a_retry_may_name_its_time(self, bench: Bench) -> None:
        """B35: `Retry(at=...)`."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(retry(job, at=START + 5 * SECOND))

        assert (settled.state, settled.due) == (JobState.RETRYING, START + 5 * SECOND)
        assert bench.get(job.id).run_at == START + 5 * SECOND

    @pytest.mark.parametrize("past", [0, 1, SECOND], ids=["now", "just past", "past"])
    def test_a_retry_at_a_time_that_has_come_is_ready_at_once(
        self, bench: Bench, past: int
    ) -> None:
        """B8: due now or in the past starts at once."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(retry(job, at=START - past))

        assert (settled.state, settled.due) == (JobState.QUEUED, START - past)
        assert bench.get(job.id).run_at == START - past
        assert ann.take_one().failures == 1

    def test_a_retry_without_a_delay_is_ready_at_once(self, bench: Bench) -> None:
        """B8: no claim has to promote it."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(retry(job, delay=0))

        assert (settled.state, settled.due) == (JobState.QUEUED, START)
        assert bench.count().queued == {"A": 1}

    def test_a_snoozed_job_keeps_its_attempts(self, bench: Bench) -> None:
        """B35: it spends nothing, and is scheduled."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(snooze(job, SECOND))

        after = bench.get(job.id)
        assert (settled.state, settled.due) == (JobState.SCHEDULED, START + SECOND)
        assert counters(after) == (1, 0, 0, 0)
        assert [(a.number, a.outcome) for a in after.attempts] == [(1, "snoozed")]

    def test_a_snooze_without_a_delay_is_ready_at_once(self, bench: Bench) -> None:
        """B8: like a retry."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(snooze(job, 0))

        assert (settled.state, settled.due) == (JobState.QUEUED, START)

    @pytest.mark.parametrize(
        ("outcome", "expected"),
        [("failed", (1, 1, 0, 0)), ("timed_out", (1, 0, 1, 0)), ("dead", (1, 0, 0, 0))],
    )
    def test_a_burial_counts_what_led_to_it(
        self, bench: Bench, outcome: str, expected: tuple[int, int, int, int]
    ) -> None:
        """B35, B36: a failure, a timeout, or the handler's own word."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(bury(job, outcome))  # type: ignore[arg-type]  # a parameter

        after = bench.get(job.id)
        assert settled.due is None
        assert counters(after) == expected
        assert [attempt.outcome for attempt in after.attempts] == [outcome]

    @only_with(Capability.RETENTION)
    def test_a_burial_that_keeps_nothing_drops_the_record(self, bench: Bench) -> None:
        """B36: `keep_dead=False`."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(bury(job, keep=False))

        assert (settled.verdict, settled.state) == ("ok", None)
        assert bench.find(job.id) is None
        assert bench.count().dead == 0
        assert bench.page(JobState.DEAD) == []

    def test_a_discarded_job_counts_no_failure(self, bench: Bench) -> None:
        """B35: it ends as cancelled, with its reason."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        ann.settle(discard(job))

        after = bench.get(job.id)
        assert counters(after) == (1, 0, 0, 0)
        assert [attempt.outcome for attempt in after.attempts] == ["discarded"]

    def test_a_released_job_has_spent_nothing(self, bench: Bench) -> None:
        """B52: but it did start."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        settled = ann.settle_one(release(job))

        after = bench.get(job.id)
        assert (settled.state, settled.due) == (JobState.QUEUED, START)
        assert counters(after) == (1, 0, 0, 0)
        assert after.attempts == ()

    def test_an_attempt_keeps_its_error_and_who_ran_it_when(self, bench: Bench) -> None:
        """B36, B43: text of any kind, line breaks and all."""
        bench.push(a_job(delay=5))
        ann = bench.worker("ann", version="4.2")
        bench.advance(10)
        job = ann.take_one()
        bench.advance(30)
        text = 'Zoë said "no"\n\tat line 1\r\n{}[]\\ \x00 🎉'
        told = Failure(outcome="failed", error_type="app.Err", message=text, traceback=text * 9)

        ann.settle(RetryLater(lease=lease_of(job), failure=told, delay=SECOND, duration=30))

        (attempt,) = bench.get(job.id).attempts
        assert (attempt.number, attempt.outcome) == (1, "failed")
        assert (attempt.error_type, attempt.message) == ("app.Err", text)
        assert attempt.traceback == text * 9
        assert (attempt.started_at, attempt.finished_at) == (START + 10, START + 40)
        assert (attempt.worker, attempt.version) == ("ann", "4.2")

    def test_attempts_are_numbered_by_what_was_spent(self, bench: Bench) -> None:
        """B33: a run that spent nothing repeats its number."""
        bench.push(a_job())
        ann = bench.worker()
        ways: list[Callable[[StoredJob], Settlement]] = [
            lambda job: retry(job, "failed"),
            lambda job: snooze(job, 0),
            lambda job: retry(job, "timed_out"),
            release,
            lambda job: retry(job, "failed"),
            bury,
        ]

        for way in ways:
            job = ann.take_one()
            ann.settle(way(job))

        (dead,) = bench.page(JobState.DEAD)
        assert counters(dead) == (6, 3, 1, 0)
        assert [(a.number, a.outcome) for a in dead.attempts] == [
            (1, "failed"),
            (2, "snoozed"),
            (2, "timed_out"),
            (3, "failed"),
            (4, "failed"),
        ]

    def test_the_last_ten_attempts_are_kept(self, bench: Bench) -> None:
        """B36: oldest first; the counters know of all."""
        bench.push(a_job())
        ann = bench.worker()

        for number in range(ATTEMPTS_KEPT + 3):
            bench.advance(1)
            ann.settle(retry(ann.take_one(), message=f"no {number + 1}"))

        (job,) = bench.page(JobState.QUEUED)
        assert job.failures == ATTEMPTS_KEPT + 3
        assert [a.number for a in job.attempts] == list(range(4, ATTEMPTS_KEPT + 4))
        assert [a.message for a in job.attempts] == [f"no {a.number}" for a in job.attempts]

    def test_a_new_attempt_forgets_the_times_of_the_last(self, bench: Bench) -> None:
        """B43: a record that runs shows this run."""
        bench.push(a_job())
        ann, bob = bench.worker("ann", version="1"), bench.worker("bob", version="2")
        ann.settle(retry(ann.take_one()))
        bench.advance(SECOND)

        again = bob.take_one()

        assert (again.started_at, again.duration) == (START + SECOND, None)
        assert (again.worker, again.version, again.finished_at) == ("bob", "2", None)
