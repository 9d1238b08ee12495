"""Does the jobs. What a handler needs, it is given: tests give it something else.

A job may run twice (its worker may die between the work and the note that it is done), so each
run says the same: the mail has the same Message-ID, the webhook the same Idempotency-Key, the
certificate the same file name.
"""

from __future__ import annotations

import json
import os
import smtplib
from collections.abc import Awaitable, Callable, Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import TypeAlias

from examples.signup.jobs import CallWebhook, SendWelcomeEmail, WriteCertificate
from jobkit import Dead, JobContext

Post: TypeAlias = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]

CERTIFICATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 420 297" font-family="serif">
  <rect x="10" y="10" width="400" height="277" fill="none" stroke="#7a5" stroke-width="4"/>
  <text x="210" y="110" font-size="20" text-anchor="middle">Member no. {number}</text>
  <text x="210" y="160" font-size="32" text-anchor="middle">{name}</text>
  <text x="210" y="205" font-size="16" text-anchor="middle">since {day:%d.%m.%Y}</text>
</svg>
"""


class Mailer:
    """Sends mails by SMTP."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    def send_welcome(self, job: SendWelcomeEmail, ctx: JobContext) -> None:
        """Send it; raise `Dead` if the server will never take it, else what smtplib raises."""
        try:
            with smtplib.SMTP(self._host, self._port, timeout=5) as server:
                server.send_message(welcome_mail(job, message_id=f"<{ctx.id}@signup.example>"))
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = error.recipients[job.email]
            if code >= 500:  # for good; below that the server says: try again later
                raise Dead(f"SMTP {code} {answer.decode(errors='replace')}") from error
            raise


def welcome_mail(job: SendWelcomeEmail, *, message_id: str) -> EmailMessage:
    """Write the mail."""
    mail = EmailMessage()
    mail["From"] = Address("Sign-up", addr_spec="hello@signup.example")
    mail["To"] = Address(job.name, addr_spec=job.email)
    mail["Subject"] = f"Welcome, {job.name}"
    mail["Message-ID"] = message_id
    mail.set_content(f"Dear {job.name},\n\nit is good to have you with us.\n")
    return mail


class PartnerRefused(Exception):
    """A partner did not answer 2xx."""


class Webhooks:
    """Calls partners by HTTP, without a thread for each that is slow to answer."""

    def __init__(self, base_url: str, post: Post) -> None:
        self._base_url = base_url
        self._post = post

    async def call(self, job: CallWebhook, ctx: JobContext) -> None:
        """Post the sign-up; raise `PartnerRefused`, or what `post` raises."""
        url = f"{self._base_url}/{job.partner}"
        body = json.dumps({"email": job.email, "signed_up_on": job.signed_up_on.isoformat()})
        headers = {"Content-Type": "application/json", "Idempotency-Key": ctx.id}
        status = await self._post(url, body.encode(), headers)
        if not 200 <= status < 300:
            raise PartnerRefused(f"{job.partner} answered {status}")


class Certificates:
    """Writes certificates into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, job: WriteCertificate, ctx: JobContext) -> None:
        """Write `<number>.svg`: whole, or not at all."""
        text = CERTIFICATE.format(number=job.number, name=escape(job.name), day=job.signed_up_on)
        unfinished = self._folder / f"{job.number}.{ctx.fence}.part"  # a second run has another
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, self._folder / f"{job.number}.svg")
