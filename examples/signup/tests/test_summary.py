"""What the table counts, and when the checks hold."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.signup.checks import Check, checks
from examples.signup.jobs import CallWebhook, SendWelcomeEmail, WriteCertificate
from examples.signup.servers import Call, Mail, MailServer, PartnerServer
from examples.signup.summary import summaries, total
from jobkit import JobHandle, JobRecord
from jobkit_testing import TestingJobs

DAY = date(2026, 1, 31)
Records = list[JobRecord[Any]]


@pytest.fixture
def records(working_jobs: TestingJobs) -> Records:
    """Give the records of a few jobs of all fates."""
    handles: list[JobHandle[Any]] = [
        working_jobs.enqueue(job)
        for job in (
            SendWelcomeEmail(email="ann@mail.example", name="Ann"),
            SendWelcomeEmail(email="bob@greylist.example", name="Bob"),
            SendWelcomeEmail(email="eve@closed.example", name="Eve"),
            CallWebhook(partner="acme", email="ann@mail.example", signed_up_on=DAY),
            WriteCertificate(number=1, name="Ann", signed_up_on=DAY),
        )
    ]
    working_jobs.run_for(timedelta(minutes=1))
    return [handle.record() for handle in handles]


def test_jobs_are_counted_by_type_and_fate(records: Records) -> None:
    mails, webhooks, certificates = summaries(records)

    assert (mails.type, mails.enqueued, mails.done) == ("SendWelcomeEmail", 3, 2)
    assert (mails.retried, mails.dead) == (1, 1)
    assert mails.reasons == {"SMTP 550 5.1.1 no such user here": 1}
    assert (webhooks.done, certificates.done) == (1, 1)
    assert total(records).ended == 5


def test_checks_hold_if_everything_arrived(
    records: Records, mail_server: MailServer, partners: PartnerServer, tmp_path: Path
) -> None:
    found = checks(records, mails=mail_server.mails, calls=partners.calls, folder=tmp_path)

    assert [str(check) for check in found] == [
        "ok  mails: 2 expected, 2 done, 2 arrived",
        "ok  webhooks: 1 expected, 1 done, 1 arrived",
        "ok  certificates: 1 expected, 1 done, 1 arrived",
    ]


def test_a_mail_that_arrived_twice_is_no_breach_of_at_least_once(
    records: Records, mail_server: MailServer, partners: PartnerServer, tmp_path: Path
) -> None:
    mails = [*mail_server.mails, mail_server.mails[0]]

    found = checks(records, mails=mails, calls=partners.calls, folder=tmp_path)

    assert all(check.holds for check in found)


def test_checks_fail_if_something_is_missing_or_too_much(
    records: Records, mail_server: MailServer, tmp_path: Path
) -> None:
    (tmp_path / "2.svg").touch()
    stranger = Mail(recipient="x@mail.example", message_id="<x>")
    mails = [*mail_server.mails[1:], stranger]
    refused = [Call(partner="acme", key=record.id, status=503) for record in records]

    found = checks(records, mails=mails, calls=refused, folder=tmp_path)

    assert [check.holds for check in found] == [False, False, False]


def test_what_arrived_without_the_queue_knowing_is_a_breach() -> None:
    one = frozenset({"1"})

    check = Check(what="mails", expected=one, done=frozenset(), arrived=one)

    assert str(check) == "BAD mails: 1 expected, 0 done, 1 arrived"
