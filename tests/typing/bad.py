"""Uses that type checkers must reject.

Each line marked `# rejected` is an error to mypy and to pyright; `test_typing.py` compares the
marks with what the checkers say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import jobkit
import jobkit_testing
from jobkit_testing import TestingJobs, report


@dataclass(frozen=True)
class SendMail:
    user_id: int


def wrong_payloads(jobs: jobkit.Enqueuer) -> None:
    jobs.enqueue(SendMail("7"))  # rejected
    jobs.enqueue(SendMail())  # rejected
    jobs.enqueue("mail")  # rejected
    jobs.enqueue_many(["mail"])  # rejected


def misspelt_names() -> None:
    jobkit.TestingJob()  # rejected
    jobkit.Enqueur  # rejected
    jobkit_testing.TestingJob()  # rejected


def misspelt_options(jobs: jobkit.Queue) -> None:
    jobs.enqueue(SendMail(1), prioritty=1)  # rejected
    jobs.enqueue(SendMail(1), delay=5)  # rejected
    jobs.enqueue(SendMail(1), max_retries="3")  # rejected
    jobs.enqueue(SendMail(1), unique="yes")  # rejected
    jobs.enqueue(SendMail(1), unique=jobkit.Unique(until="start"))  # rejected
    jobs.start(concurency=4)  # rejected
    jobs.schedule("@daily", SendMail(1), time_zone="UTC")  # rejected


@jobkit.job(timeout=30)  # rejected
@dataclass(frozen=True)
class Slow:
    path: str


@jobkit.job(retries=3)  # rejected
@dataclass(frozen=True)
class Eager:
    path: str


handlers = jobkit.Handlers()


@handlers.register  # rejected
def no_parameters() -> None: ...


@handlers.register  # rejected
def three_parameters(job: SendMail, ctx: jobkit.JobContext, more: int) -> None: ...


handlers.register("send_mail")  # rejected


def wrong_protocols(jobs: jobkit.RedisJobs) -> None:
    narrow: jobkit.AsyncEnqueuer = jobs  # rejected
    wide: jobkit.Queue = jobs.aio  # rejected
    print(narrow, wide)


def wrong_assertions(jobs: TestingJobs) -> None:
    report(jobs, jobs)  # rejected
    jobs.assert_queued(SendMail, 1, quue="mail")  # rejected
    jobs.assert_queued(SendMail, where=lambda job: job.user == 7)  # rejected
    jobs.get_first_of(SendMail).user  # rejected
    jobs.run_for(60)  # rejected
    jobs.perform(SendMail(1), timeout=timedelta(1), queu="x")  # rejected


def wrong_faults(jobs: TestingJobs) -> None:
    jobs.faults.crash(SendMail, when="later")  # rejected
    jobs.faults.crash(SendMail, "before_run")  # rejected
    jobs.faults.duplicate("mail")  # rejected
    jobs.faults.enqueue("down", stored=False)  # rejected
    jobs.faults.enqueue(ConnectionError)  # rejected
    jobs.faults.skew(3)  # rejected
    jobs.assert_idempotent("mail", observe=dict)  # rejected
    jobs.assert_idempotent(SendMail(1))  # rejected
    jobs.explore(sign_up)  # rejected
    jobs.explore(wrong_faults, seeds=17)  # rejected


async def sign_up(jobs: TestingJobs) -> None: ...
