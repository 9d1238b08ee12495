"""What the tests of faults share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jobkit
from tests.unit.testing.samples import (
    Audit,
    SendMail,
    jobs_of,
)

LEASE = timedelta(seconds=30)


@jobkit.job(on_lost="dead")
@dataclass(frozen=True)
class Once:
    """At most once."""


def keep(job: Audit) -> None:
    """Succeed."""


class Counting:
    """A backend whose handler of SendMail notes whom it was called for."""

    def __init__(self, **options: Any) -> None:
        self.calls: list[int] = []
        self.jobs = jobs_of(self.send, keep, **options)

    def send(self, job: SendMail, ctx: jobkit.JobContext) -> None:
        self.calls.append(job.user_id)
        ctx.enqueue(Audit(f"sent {job.user_id}"))
