"""What the application has done in the background."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import jobkit


@jobkit.job(
    name="reports.build",
    queue="reports",
    timeout=timedelta(minutes=10),
    retention=timedelta(days=1),
)
@dataclass(frozen=True)
class BuildReport:
    """Add up the sales of a year, month by month."""

    year: int
