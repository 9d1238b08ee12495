"""What `assert_idempotent` refuses, and what escapes from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import jobkit
from tests.unit.testing.faulty import Once
from tests.unit.testing.samples import SendMail, done, jobs_of, message_of, untyped

JOB = SendMail(7)


def _never() -> object:
    return 1


def test_a_first_run_that_fails_escapes() -> None:
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> None:
        raise ConnectionError("no mail server")

    with pytest.raises(ConnectionError, match="no mail server"):
        jobs.assert_idempotent(JOB, observe=_never)


def test_a_first_run_that_does_not_succeed_is_told() -> None:
    jobs = jobs_of()

    @jobs.register
    def send(job: SendMail) -> jobkit.Discard:
        return jobkit.Discard("not today")

    with pytest.raises(jobkit.WrongState, match="ended cancelled: let send-mail succeed first"):
        jobs.assert_idempotent(JOB, observe=_never)


def test_a_failed_assertion_in_a_later_run_escapes() -> None:
    jobs, runs = jobs_of(), list[int]()

    @jobs.register
    def send(job: SendMail) -> None:
        runs.append(1)
        assert len(runs) < 3, "the third run"

    with pytest.raises(AssertionError, match="the third run"):
        jobs.assert_idempotent(JOB, observe=lambda: bool(runs))


async def _observe() -> object:
    return 1


class _Uncopied:
    def __deepcopy__(self, _: object) -> Any:
        raise TypeError("a lock")


def _refused() -> Iterator[tuple[Callable[[], object], str]]:
    yield _observe, "observe is async"
    yield _Uncopied, "cannot be copied"
    yield object, "something else at each call"


@pytest.mark.parametrize(("observe", "words"), list(_refused()), ids=["async", "lock", "new"])
def test_what_cannot_be_compared_is_refused(observe: Callable[[], object], words: str) -> None:
    """B57"""
    jobs = jobs_of(done)

    with pytest.raises(jobkit.InvalidOption, match=words):
        jobs.assert_idempotent(JOB, observe=observe)


def test_a_job_that_runs_at_most_once_is_refused() -> None:
    """B37: nobody delivers it again."""
    jobs = jobs_of()

    @jobs.register
    def once(job: Once) -> None: ...

    with pytest.raises(jobkit.InvalidOption, match="at most once"):
        jobs.assert_idempotent(Once(), observe=_never)


def test_a_job_without_a_handler_is_refused() -> None:
    with pytest.raises(jobkit.InvalidHandler, match="assert_idempotent: send-mail has no handler"):
        jobs_of().assert_idempotent(JOB, observe=_never)


def test_a_first_run_that_changes_nothing_is_told() -> None:
    """Else any handler would pass."""
    jobs, mails, others = jobs_of(), list[int](), list[int]()

    @jobs.register
    def send(job: SendMail) -> None:
        mails.append(job.user_id)

    told = message_of(lambda: jobs.assert_idempotent(JOB, observe=lambda: others))

    assert told == (
        "assert_idempotent: the first run of SendMail(user_id=7, locale='en'), without any fault, "
        "changed nothing that observe() sees, which is [] before and after: return what the "
        "handler changes, and let there be something to do"
    )
    assert mails == [7]


@pytest.mark.parametrize("plan", ["crash", "duplicate", "lose_lease"])
def test_a_fault_that_would_befall_the_first_run_is_told(plan: str) -> None:
    """B57"""
    jobs = jobs_of(done)
    getattr(jobs.faults, plan)(SendMail)

    with pytest.raises(jobkit.WrongState, match=rf"jobs\.faults\.{plan}\(SendMail.*is pending"):
        jobs.assert_idempotent(JOB, observe=_never)

    assert len(jobs.faults.pending) == 1
    jobs.assert_empty()


def test_a_job_that_holds_the_unique_key_is_told_and_does_not_run() -> None:
    """B57"""
    jobs = jobs_of(defaults={"unique": True})
    jobs.register(done, job=SendMail)
    jobs.enqueue(JOB)

    words = "assert_idempotent: job #1 (send-mail) holds the unique key that this one would have"
    with pytest.raises(jobkit.WrongState, match=re.escape(words)):
        jobs.assert_idempotent(JOB, observe=_never)

    jobs.assert_queued(JOB, 1)


def test_an_observe_that_is_no_function_is_refused() -> None:
    """B57"""
    with pytest.raises(jobkit.InvalidOption, match=r"observe=\[\]: give a function that returns"):
        jobs_of(done).assert_idempotent(JOB, observe=untyped([]))
