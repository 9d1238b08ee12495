"""Compares what arrived outside with what was enqueued, and with what the queue says is done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.signup.jobs import CallWebhook, SendWelcomeEmail, WriteCertificate
from examples.signup.servers import CLOSED, HANGING, Call, Mail
from jobkit import JobRecord, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Three sets of names that have to be the same."""

    what: str
    expected: frozenset[str]
    done: frozenset[str]
    arrived: frozenset[str]

    @property
    def holds(self) -> bool:
        """Whether everything that should arrive did, nothing else did, and the queue knows."""
        return self.expected == self.done == self.arrived

    def __str__(self) -> str:
        mark = "ok " if self.holds else "BAD"
        counts = (
            f"{len(self.expected)} expected, {len(self.done)} done, {len(self.arrived)} arrived"
        )
        return f"{mark} {self.what}: {counts}"


def checks(
    records: Iterable[JobRecord[Any]], *, mails: list[Mail], calls: list[Call], folder: Path
) -> list[Check]:
    """Check mails, webhooks and certificates.

    A job may run twice, so what counts is which ones arrived, and not how often.
    """
    mail, webhook, certificate = _Sets(), _Sets(), _Sets()
    for record in records:
        match record.payload:
            case SendWelcomeEmail(email=email):
                hopeless = email.endswith(f"@{CLOSED}")
                mail.add(record, f"<{record.id}@signup.example>", hopeless=hopeless)
            case CallWebhook(partner=partner):
                webhook.add(record, record.id, hopeless=partner == HANGING)
            case WriteCertificate(number=number):
                certificate.add(record, f"{number}.svg")
            case _:
                raise TypeError(f"{record.type} is none of the demo's jobs")
    return [
        mail.check("mails", (each.message_id for each in mails)),
        webhook.check("webhooks", (call.key for call in calls if call.status < 300)),
        certificate.check("certificates", (path.name for path in folder.iterdir())),
    ]


class _Sets:
    def __init__(self) -> None:
        self.expected: set[str] = set()
        self.done: set[str] = set()

    def add(self, record: JobRecord[Any], name: str, *, hopeless: bool = False) -> None:
        if not hopeless:
            self.expected.add(name)
        if record.state is JobState.SUCCEEDED:
            self.done.add(name)

    def check(self, what: str, arrived: Iterable[str]) -> Check:
        return Check(
            what=what,
            expected=frozenset(self.expected),
            done=frozenset(self.done),
            arrived=frozenset(arrived),
        )
