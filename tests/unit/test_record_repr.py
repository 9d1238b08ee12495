"""API 1: what jobkit returns prints no secret, for it ends up in logs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import timedelta

from jobkit import JobRecord
from jobkit_testing import TestingJobs


@dataclass(frozen=True)
class Login:
    user: str
    password: str = field(metadata={"sensitive": True})


ANN = Login("ann", "hunter2")


def test_a_record_prints_no_secret(jobs: TestingJobs) -> None:
    record = jobs.enqueue(ANN).record()

    assert "payload=Login(user='ann', password=***)" in repr(record)
    assert "hunter2" not in repr(record) + str(record) + repr(jobs.inspect.jobs())
    assert b"hunter2" in record.raw


def test_a_record_of_a_payload_that_nobody_can_read_prints_none_of_it() -> None:
    told = dict.fromkeys(each.name for each in fields(JobRecord))
    record = JobRecord(**{**told, "raw": b'{"password":"hunter2"}'})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert "hunter2" not in repr(record)


def test_a_schedule_prints_no_secret(jobs: TestingJobs) -> None:
    jobs.schedule(timedelta(hours=1), ANN, name="log-in")
    (info,) = jobs.inspect.schedules()

    assert "password=***" in repr(info)
    assert "hunter2" not in repr(info)
