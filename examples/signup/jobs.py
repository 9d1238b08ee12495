"""What is done for a subscriber after the sign-up: three types of job, each on its own queue.

The delays are short, so that the demo is too; a mail that may go out an hour late would take the
default backoff and `max_retries=20`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import jobkit


@jobkit.job(
    queue="mail",
    max_retries=4,
    backoff=jobkit.Exponential(first=timedelta(milliseconds=200), factor=2),
    timeout=timedelta(seconds=10),
)
@dataclass(frozen=True, slots=True)
class SendWelcomeEmail:
    """Greet a new subscriber by mail."""

    email: str
    name: str


@jobkit.job(
    queue="webhooks",
    max_retries=3,
    max_timeout_retries=1,
    backoff=timedelta(milliseconds=300),
    timeout=timedelta(seconds=1),
)
@dataclass(frozen=True, slots=True)
class CallWebhook:
    """Tell a partner who signed up by way of it."""

    partner: str
    email: str
    signed_up_on: date


@jobkit.job(queue="certificates", max_retries=2, timeout=timedelta(seconds=5))
@dataclass(frozen=True, slots=True)
class WriteCertificate:
    """Write the certificate of a membership."""

    number: int
    name: str
    signed_up_on: date
