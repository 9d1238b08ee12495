"""Statistics in a test: exact, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

import jobkit
from jobkit import Dead, Discard, JobContext, Snooze, Stats
from jobkit.memory import MemoryStore
from jobkit.stats import rates
from jobkit_testing import VirtualClock
from tests.unit.testing.samples import START, Audit, SendMail, jobs_of

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def calling_nobody(job: object) -> None:
    """Succeed."""


def test_nothing_was_done_yet() -> None:
    """B49"""
    stats = jobs_of(start=START).inspect.stats()

    assert stats == Stats(queues={}, types={}, series=())
    assert stats.total.processed == 0


def test_every_end_is_counted_where_it_belongs() -> None:
    """B49"""
    jobs = jobs_of(start=START)
    ends = iter([ValueError("no"), Snooze(SECOND), None, Discard("old"), Dead("bad")])

    @jobs.register
    def run(job: SendMail) -> None:
        jobs.clock.advance(SECOND)
        if (end := next(ends)) is not None:
            raise end

    jobs.enqueue(SendMail(1))
    jobs.run_for(MINUTE)
    for number in (2, 3):
        jobs.perform(SendMail(number), raises=False)

    stats = jobs.inspect.stats()
    counts = stats.types["send-mail"]
    assert (counts.processed, counts.succeeded, counts.failed, counts.cancelled) == (4, 1, 2, 1)
    assert (counts.retried, counts.dead, counts.timed_out, counts.lost) == (1, 1, 0, 0)
    assert counts.busy == 4 * SECOND
    assert counts.durations.percentile(100) == SECOND
    assert stats.total == counts


def test_the_series_goes_by_the_minute_over_all_queues() -> None:
    """B49"""
    jobs = jobs_of(start=START)

    @jobs.register
    def mail(job: SendMail) -> None:
        jobs.clock.advance(timedelta(milliseconds=3))

    @jobs.register
    def audit(job: Audit) -> None:
        jobs.clock.advance(timedelta(milliseconds=30))

    for queue in ("one", "two"):
        jobs.enqueue(SendMail(1), queue=queue)
        jobs.enqueue(Audit(), queue=queue, delay=2 * MINUTE)
    jobs.run_for(3 * MINUTE)

    stats = jobs.inspect.stats()
    audits = [name for name in stats.types if name != "send-mail"]
    assert [*stats.queues] == ["one", "two"]
    assert [(each.at, [*each.types], each.total.processed) for each in stats.series] == [
        (START, ["send-mail"], 2),
        (START + 2 * MINUTE, audits, 2),
    ]
    one = stats.queues["one"]
    assert one.at == jobs.clock.now()
    assert [each.total.processed for each in one.series] == [1, 1]
    assert one.total.processed == 2
    assert stats.total.busy == timedelta(milliseconds=66)


@jobkit.job(name="tests.Renamed", aliases=["tests.Former"])
@dataclass(frozen=True)
class Renamed:
    n: int = 0


@jobkit.job(name="tests.Former")
@dataclass(frozen=True)
class Former:
    n: int = 0


def test_aliases_count_with_their_type() -> None:
    """B1, B49"""
    store = MemoryStore(VirtualClock(START))
    jobs_of(store=store, seed=1).enqueue(Former())
    jobs = jobs_of(store=store)
    jobs.register(calling_nobody, job=Renamed)
    jobs.enqueue(Renamed())

    jobs.drain()

    assert {name: counts.processed for name, counts in jobs.inspect.stats().types.items()} == {
        "tests.Renamed": 2
    }


def test_statistics_outlive_their_jobs() -> None:
    """B49"""
    jobs = jobs_of(start=START)
    handle = jobs.enqueue(SendMail(1))
    jobs.register(calling_nobody, job=SendMail)
    jobs.drain()
    before = jobs.inspect.stats()

    handle.delete()

    assert jobs.inspect.stats() == before
    assert before.total.processed == 1


def test_rates_are_what_the_test_made_them() -> None:
    """B47: for the throughput of a queue, in virtual time."""
    jobs = jobs_of(start=START)

    @jobs.register
    def run(job: SendMail, ctx: JobContext) -> None:
        jobs.clock.advance(SECOND)

    jobs.enqueue_many([SendMail(number) for number in range(240)])
    with pytest.raises(AssertionError, match="limit"):
        jobs.drain(limit=120)

    found = rates(jobs.inspect.stats().series, jobs.clock.now(), 120)

    assert 0.9 < found.throughput <= 1.1
    assert found.mean_duration == SECOND
    assert found.failure_rate == 0
    assert found.time_to_empty is not None
    assert timedelta(minutes=1.8) < found.time_to_empty < timedelta(minutes=2.2)
