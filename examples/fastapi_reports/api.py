"""The web side: orders reports and tells how they get on; knows nothing of Redis."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import FastAPI, HTTPException, status
from pydantic import BaseModel, Field

from examples.fastapi_reports.jobs import BuildReport
from jobkit import AsyncEnqueuer, JobNotFound, JobRecord


class Inspector(Protocol):
    """The part of `jobs.inspect` that is needed here."""

    async def get(self, job_id: str, /) -> JobRecord[Any]: ...
    async def cancel(self, job_id: str, /) -> bool: ...


class Jobs(AsyncEnqueuer, Protocol):
    """The part of a backend that is needed here: `RedisJobs(...).aio`, `TestingJobs().aio`."""

    @property
    def inspect(self) -> Inspector: ...


class Order(BaseModel):
    """What to report on."""

    year: int = Field(ge=2000, le=2100)


class Report(BaseModel):
    """How a report gets on."""

    id: str
    state: str
    month: str | None = None
    done: float = 0.0
    file: str | None = None


def create_api(jobs: Jobs) -> FastAPI:
    """Return the application on a backend."""
    api = FastAPI(title="Reports")

    async def find(report_id: str) -> JobRecord[Any]:
        try:
            return await jobs.inspect.get(report_id)
        except JobNotFound as error:
            raise HTTPException(status.HTTP_404_NOT_FOUND, str(error)) from error

    @api.post("/reports", status_code=status.HTTP_202_ACCEPTED)
    async def order(wanted: Order) -> Report:
        handle = await jobs.enqueue(BuildReport(wanted.year), unique=True)
        return report_of(await handle.record())

    @api.get("/reports/{report_id}")
    async def look(report_id: str) -> Report:
        return report_of(await find(report_id))

    @api.delete("/reports/{report_id}")
    async def cancel(report_id: str) -> Report:
        await find(report_id)
        await jobs.inspect.cancel(report_id)
        return report_of(await find(report_id))

    # FastAPI has them by their paths.
    _ = (order, look, cancel)
    return api


def report_of(record: JobRecord[Any]) -> Report:
    """Say what a job's record means to who ordered the report."""
    progress = record.progress
    done = 0.0 if progress is None else (progress.done or 0) / (progress.total or 1)
    file = record.result if isinstance(record.result, str) else None
    return Report(
        id=record.id,
        state=record.state,
        month=None if progress is None else progress.text,
        done=1.0 if file else done,
        file=file,
    )
