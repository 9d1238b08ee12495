"""Builds the reports: for `jobkit worker examples.fastapi_reports.handlers:handlers`."""

from __future__ import annotations

import asyncio

from examples.fastapi_reports.jobs import BuildReport
from jobkit import Handlers, JobContext

MONTHS = 12
SECONDS_A_MONTH = 2.0

handlers = Handlers()


@handlers.register
async def build(job: BuildReport, ctx: JobContext) -> str:
    """Look at one month after the other; what is returned becomes the job's result."""
    for month in range(1, MONTHS + 1):
        ctx.checkin(f"{job.year}-{month:02}", done=month - 1, total=MONTHS)
        await asyncio.sleep(SECONDS_A_MONTH)
    return f"sales-{job.year}.csv"
