"""What handles do in a test: they never wait, because nothing runs meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jobkit.client.control import AsyncControl, Control, check_wait
from jobkit.errors import NotSupported
from jobkit.record import ENDED, JobRecord


class TestingControl(Control):
    """The actions of `JobHandle`."""

    __test__ = False

    def wait_for_job(self, queue: str, job_id: str, timeout: timedelta | None) -> JobRecord[Any]:
        """Return the record if the job has ended; else refuse."""
        check_wait(timeout)
        return _ended(self.record_of(queue, job_id), timeout)


class AsyncTestingControl(AsyncControl):
    """The actions of `AsyncJobHandle`."""

    __test__ = False

    async def wait_for_job(
        self, queue: str, job_id: str, timeout: timedelta | None
    ) -> JobRecord[Any]:
        """Return the record if the job has ended; else refuse."""
        check_wait(timeout)
        return _ended(await self.record_of(queue, job_id), timeout)


def _ended(record: JobRecord[Any], timeout: timedelta | None) -> JobRecord[Any]:
    if record.state in ENDED:
        return record
    raise NotSupported(
        f"wait({timeout}): job {record.id} ({record.type}) is {record.state}, and in a test "
        "nothing runs until told: call jobs.drain(), or jobs.run_for(...), before"
    )
