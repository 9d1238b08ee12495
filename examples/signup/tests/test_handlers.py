"""The handlers, run by the double: their servers are real, the time between retries is not."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from examples.signup.handlers import Mailer, Webhooks
from examples.signup.jobs import CallWebhook, SendWelcomeEmail, WriteCertificate
from examples.signup.servers import HOST, Call, Mail, MailServer, PartnerServer
from jobkit import JobState
from jobkit_testing import TestingJobs

DAY = date(2026, 1, 31)
MINUTE = timedelta(minutes=1)


def test_a_mail_arrives_and_names_its_job(
    working_jobs: TestingJobs, mail_server: MailServer
) -> None:
    record = working_jobs.perform(SendWelcomeEmail(email="ann@mail.example", name="Ann Łę, Jr."))

    message_id = f"<{record.id}@signup.example>"
    assert mail_server.mails == [Mail(recipient="ann@mail.example", message_id=message_id)]


def test_a_greylisted_mail_arrives_at_the_third_run(
    working_jobs: TestingJobs, mail_server: MailServer
) -> None:
    handle = working_jobs.enqueue(SendWelcomeEmail(email="bob@greylist.example", name="Bob"))

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        working_jobs.drain()
    working_jobs.run_for(MINUTE)

    outcomes = [attempt.outcome for attempt in handle.record().attempts]
    assert outcomes == ["failed", "failed", "succeeded"]
    assert [mail.recipient for mail in mail_server.mails] == ["bob@greylist.example"]


def test_a_mail_that_is_refused_for_good_is_dead_without_a_retry(
    working_jobs: TestingJobs, mail_server: MailServer
) -> None:
    record = working_jobs.perform(SendWelcomeEmail(email="eve@closed.example", name="Eve"))

    assert record.state is JobState.DEAD
    assert record.error is not None
    assert record.error.message == "SMTP 550 5.1.1 no such user here"
    assert record.starts == 1
    assert mail_server.mails == []


def test_without_a_mail_server_the_mail_is_tried_five_times_b33(jobs: TestingJobs) -> None:
    with MailServer() as gone:
        pass
    jobs.register(Mailer(HOST, gone.port).send_welcome)
    handle = jobs.enqueue(SendWelcomeEmail(email="ann@mail.example", name="Ann"))

    jobs.run_for(MINUTE)

    jobs.assert_dead(SendWelcomeEmail, 1)
    assert [each.error_type for each in handle.record().attempts] == ["ConnectionRefusedError"] * 5


def test_a_partner_is_told_with_the_same_key_at_each_run(
    working_jobs: TestingJobs, partners: PartnerServer
) -> None:
    handle = working_jobs.enqueue(
        CallWebhook(partner="flaky", email="ann@mail.example", signed_up_on=DAY)
    )

    working_jobs.run_for(MINUTE)

    assert partners.calls == [
        Call(partner="flaky", key=handle.id, status=503),
        Call(partner="flaky", key=handle.id, status=204),
    ]
    assert handle.record().state is JobState.SUCCEEDED


def test_a_partner_that_never_answers_is_given_up_after_two_timeouts_b28(
    jobs: TestingJobs,
) -> None:
    async def never(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        await asyncio.sleep(3600)
        return 204

    jobs.register(Webhooks("http://partners.example", never).call)
    call = CallWebhook(partner="molasses", email="ann@mail.example", signed_up_on=DAY)
    handle = jobs.enqueue(call)

    jobs.run_for(MINUTE)

    attempts = handle.record().attempts
    assert [attempt.outcome for attempt in attempts] == ["timed_out", "timed_out"]
    second_start = attempts[0].finished_at + timedelta(milliseconds=300)
    assert attempts[1].started_at == second_start
    assert attempts[1].finished_at == second_start + timedelta(seconds=1)
    jobs.assert_dead(CallWebhook, 1)


def test_an_async_test_runs_them_on_its_own_loop(
    working_jobs: TestingJobs, partners: PartnerServer
) -> None:
    async def scenario() -> None:
        call = CallWebhook(partner="acme", email="ann@mail.example", signed_up_on=DAY)
        await working_jobs.aio.enqueue(call)
        report = await working_jobs.aio.drain()
        assert report.succeeded == 1

    asyncio.run(scenario())

    assert [call.partner for call in partners.calls] == ["acme"]


def test_a_certificate_shows_the_member(working_jobs: TestingJobs, tmp_path: Path) -> None:
    working_jobs.perform(WriteCertificate(number=7, name="Ann <& Łę>", signed_up_on=DAY))

    (written,) = tmp_path.iterdir()
    texts = [element.text for element in ElementTree.parse(written).getroot() if element.text]
    assert written.name == "7.svg"
    assert [text for text in texts if text.strip()] == [
        "Member no. 7",
        "Ann <& Łę>",
        "since 31.01.2026",
    ]


def test_a_certificate_that_is_written_twice_is_there_once(
    working_jobs: TestingJobs, tmp_path: Path
) -> None:
    job = WriteCertificate(number=7, name="Ann", signed_up_on=DAY)

    working_jobs.perform(job)
    working_jobs.perform(job)

    assert [path.name for path in tmp_path.iterdir()] == ["7.svg"]
