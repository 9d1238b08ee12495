"""What is to go wrong: what of it is pending, what has happened, what makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import jobkit
from jobkit_testing import TestingJobs
from tests.unit.testing.faulty import LEASE, Counting
from tests.unit.testing.samples import (
    HOUR,
    SECOND,
    START,
    Audit,
    Flaky,
    SendMail,
    done,
    jobs_of,
    untyped,
)


def test_what_has_not_happened_yet_is_pending() -> None:
    jobs = jobs_of(done)
    jobs.faults.crash(SendMail(1), when="before_ack")
    jobs.faults.crash(Flaky, attempt=2)
    jobs.faults.duplicate(Audit, copies=3)
    jobs.faults.lose_lease(Audit("x"))
    jobs.faults.enqueue(jobkit.BackendUnavailable, stored=False)
    jobs.faults.skew(SECOND)

    assert jobs.faults.pending[:-1] == (
        "crash(SendMail(user_id=1, locale='en'), when='before_ack')",
        "crash(Flaky, when='before_run', attempt=2)",
        "duplicate(Audit, copies=3)",
        "lose_lease(Audit(what='x'))",
    )
    assert jobs.faults.pending[-1].startswith("enqueue(BackendUnavailable(")
    assert "skew(datetime.timedelta(seconds=1))" in repr(jobs.faults)
    assert jobs.aio.faults is jobs.faults

    jobs.reset()

    assert repr(jobs.faults) == "<Faults pending: none>"
    jobs.enqueue(SendMail(1))
    assert jobs.drain().succeeded == 1
    assert jobs.assert_performed(SendMail).one.started_at == START


def test_a_reset_forgets_the_jobs_of_dead_workers() -> None:
    counting = Counting()
    counting.jobs.faults.crash(SendMail)
    counting.jobs.perform(SendMail(1))

    counting.jobs.reset()
    report = counting.jobs.run_for(HOUR)

    assert not report
    assert report.left["future"] == 0
    assert counting.jobs.inspect.workers() == ()
    assert counting.jobs.clock.until_alarm() is None


def test_the_timeline_shows_what_was_made_to_happen() -> None:
    counting = Counting()
    jobs = counting.jobs
    jobs.faults.crash(SendMail, when="before_ack")
    jobs.faults.lose_lease(SendMail)
    jobs.enqueue(SendMail(1))
    jobs.run_for(LEASE)
    jobs.faults.enqueue(jobkit.BackendUnavailable, stored=True)
    with pytest.raises(jobkit.BackendUnavailable):
        jobs.enqueue(Audit())

    assert str(jobs.timeline).splitlines() == [
        "      +0s  #1 enqueued SendMail(user_id=1, locale='en') on 'default'",
        "      +0s  #1 started SendMail(user_id=1, locale='en'), attempt 1",
        "      +0s  #1 fault: crashed before the settlement",
        "     +30s  #1 lost",
        "     +30s  #1 started SendMail(user_id=1, locale='en'), attempt 1, by testing-2",
        "     +30s  #1 fault: lost its lease while the handler runs",
        "     +30s  #1 lost",
        "     +30s  #1 started SendMail(user_id=1, locale='en'), attempt 1, by testing-2",
        "     +30s  #1 succeeded",
        "     +30s  #2 enqueued Audit(what='sent 1') on 'default'",
        "     +30s  #2 started Audit(what='sent 1'), attempt 1, by testing-2",
        "     +30s  #2 succeeded",
        "     +30s  fault: the enqueue of Audit(what='x') raises BackendUnavailable, stored",
        "     +30s  #3 enqueued Audit(what='x') on 'default'",
    ]


def _refused(call: Callable[[TestingJobs], object], error: type[Exception], words: str) -> Any:
    return pytest.param(call, error, words, id=words)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        _refused(
            lambda jobs: jobs.faults.crash(SendMail, when=untyped("later")),
            jobkit.InvalidOption,
            "when='later': give one of 'before_run', 'before_ack', 'after_ack'",
        ),
        _refused(
            lambda jobs: jobs.faults.crash(SendMail, attempt=0),
            jobkit.InvalidOption,
            "attempt=0: give an int of at least 1",
        ),
        _refused(
            lambda jobs: jobs.faults.crash(SendMail, attempt=True),
            jobkit.InvalidOption,
            "attempt=True",
        ),
        _refused(
            lambda jobs: jobs.faults.duplicate(SendMail, copies=1),
            jobkit.InvalidOption,
            "copies=1: give 2 or 3",
        ),
        _refused(
            lambda jobs: jobs.faults.duplicate(SendMail, copies=4),
            jobkit.InvalidOption,
            "lost 3 times is dead",
        ),
        _refused(lambda jobs: jobs.faults.crash(untyped("mail")), jobkit.InvalidJob, "an instance"),
        _refused(lambda jobs: jobs.faults.lose_lease(untyped(int)), jobkit.InvalidJob, "dataclass"),
        _refused(
            lambda jobs: jobs.faults.enqueue(untyped("down"), stored=False),
            jobkit.InvalidOption,
            "error='down': give an exception, or a class of one",
        ),
        _refused(
            lambda jobs: jobs.faults.enqueue(UnicodeDecodeError, stored=False),
            jobkit.InvalidOption,
            "UnicodeDecodeError cannot be made without arguments",
        ),
        _refused(
            lambda jobs: jobs.faults.enqueue(
                jobkit.BackendUnavailable("down", stored="no"), stored=True
            ),
            jobkit.InvalidOption,
            "stored='unknown'",
        ),
        _refused(
            lambda jobs: jobs.faults.enqueue(KeyError(), stored=untyped("yes")),
            jobkit.InvalidOption,
            "give True or False",
        ),
        _refused(
            lambda jobs: jobs.faults.skew(untyped(5)), jobkit.InvalidOption, "datetime.timedelta"
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    call: Callable[[TestingJobs], object], error: type[Exception], words: str
) -> None:
    """B57"""
    jobs = jobs_of()

    with pytest.raises(error, match=words):
        call(jobs)

    assert jobs.faults.pending == ()
