"""The domain code: which jobs does a file of subscribers lead to? Nothing runs here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from examples.signup.__main__ import SUBSCRIBERS
from examples.signup.jobs import CallWebhook, SendWelcomeEmail, WriteCertificate
from examples.signup.signup import Rejected, SignUp
from examples.signup.subscribers import HEADER, Malformed
from jobkit import JobContext
from jobkit_testing import TestingJobs

ANN = "ann@mail.example,Ann,2026-01-31,acme"
BOB = "bob@mail.example,Bob,2026-02-01,"
BROKEN = "carol@mail.example,Carol,tomorrow,"


def test_a_subscriber_gets_a_mail_and_a_certificate_and_the_partner_is_told(
    jobs: TestingJobs,
) -> None:
    SignUp(jobs)([HEADER, ANN])

    jobs.assert_queued_exactly(
        SendWelcomeEmail(email="ann@mail.example", name="Ann"),
        WriteCertificate(number=1, name="Ann", signed_up_on=date(2026, 1, 31)),
        CallWebhook(partner="acme", email="ann@mail.example", signed_up_on=date(2026, 1, 31)),
    )


def test_without_a_partner_nobody_is_told(jobs: TestingJobs) -> None:
    SignUp(jobs)([HEADER, BOB])

    jobs.assert_not_queued(CallWebhook)
    jobs.assert_queued_total(2)


def test_each_type_of_job_waits_on_its_own_queue(jobs: TestingJobs) -> None:
    SignUp(jobs)([HEADER, ANN])

    jobs.assert_queued(SendWelcomeEmail, 1, queue="mail")
    jobs.assert_queued(CallWebhook, 1, queue="webhooks")
    jobs.assert_queued(WriteCertificate, 1, queue="certificates")


def test_a_broken_line_is_reported_and_stops_no_other(jobs: TestingJobs) -> None:
    signed_up = SignUp(jobs)([HEADER, BROKEN, BOB])

    reason = "'tomorrow' is not a date like 2026-01-31"
    assert signed_up.rejected == (Rejected(line=2, reason=reason),)
    assert jobs.get_first_of(SendWelcomeEmail).email == "bob@mail.example"
    jobs.assert_queued(SendWelcomeEmail, 1)


def test_an_address_is_signed_up_once_however_it_is_written(jobs: TestingJobs) -> None:
    signed_up = SignUp(jobs)([HEADER, ANN, BOB, ANN.replace("ann@", "ANN@")])

    reason = "'ANN@mail.example' is already in line 2"
    assert signed_up.rejected == (Rejected(line=4, reason=reason),)
    jobs.assert_queued(SendWelcomeEmail, 1, payload={"email": "ann@mail.example"})
    jobs.assert_queued(SendWelcomeEmail, 2)


def test_members_are_numbered_without_gaps(jobs: TestingJobs) -> None:
    SignUp(jobs)([HEADER, ANN, BROKEN, BOB])

    assert [job.number for job in jobs.queued(WriteCertificate).jobs] == [1, 2]


def test_the_handles_lead_to_the_jobs(jobs: TestingJobs) -> None:
    signed_up = SignUp(jobs)([HEADER, ANN, BOB])

    assert {handle.id for handle in signed_up.jobs} == set(jobs.queued().ids)


@pytest.mark.parametrize("lines", [[], ["name,email"], [ANN]])
def test_without_the_header_nobody_is_signed_up(jobs: TestingJobs, lines: list[str]) -> None:
    with pytest.raises(Malformed, match="not the header"):
        SignUp(jobs)(lines)

    jobs.assert_empty()


def test_of_the_shipped_file_fifteen_of_two_hundred_lines_are_rejected(jobs: TestingJobs) -> None:
    lines = SUBSCRIBERS.read_text(encoding="utf-8").splitlines()

    signed_up = SignUp(jobs)(lines)

    assert len(lines) == 1 + 200
    assert (signed_up.subscribers, len(signed_up.rejected)) == (185, 15)
    jobs.assert_queued(SendWelcomeEmail, 185)
    jobs.assert_queued(WriteCertificate, 185)
    jobs.assert_queued_total(len(signed_up.jobs))


@dataclass(frozen=True)
class ImportSubscribers:
    lines: list[str]


def test_in_a_handler_the_jobs_come_with_its_success_b41(jobs: TestingJobs) -> None:
    @jobs.register
    def import_subscribers(job: ImportSubscribers, ctx: JobContext) -> None:
        SignUp(ctx)(job.lines)
        assert not jobs.queued(SendWelcomeEmail)  # they wait for the end of this job

    jobs.perform(ImportSubscribers([HEADER, ANN]))

    jobs.assert_queued_total(3)


def test_in_a_handler_that_fails_nothing_is_enqueued_b41(jobs: TestingJobs) -> None:
    @jobs.register
    def import_subscribers(job: ImportSubscribers, ctx: JobContext) -> None:
        SignUp(ctx)(job.lines)
        raise ConnectionError("the file server went away")

    with pytest.raises(ConnectionError):
        jobs.perform(ImportSubscribers([HEADER, ANN]))

    jobs.assert_queued(ImportSubscribers, 1, state="retrying")
    jobs.assert_queued_total(1)
