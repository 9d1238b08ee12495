from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

import jobkit
from jobkit.engine.records import call_options, metadata_of, options_of, readable, record_of
from jobkit.errors import InvalidJob
from jobkit.jobtype import job_type
from jobkit.options import RunOptions
from jobkit.record import JobRecord, JobState
from jobkit.store import StoredAttempt, StoredJob


@jobkit.job(max_retries=3)
@dataclass(frozen=True)
class Greet:
    name: str


STORED = StoredJob(
    id="J1",
    queue="mail",
    type="Greet",
    state=JobState.QUEUED,
    payload=b'{"name":"Ann"}',
    options=b"",
    metadata=b"",
    priority=0,
    run_at=1000,
    arrival=1,
    enqueued_at=500,
)
FAILED = StoredAttempt(
    number=1,
    outcome="failed",
    error_type="ValueError",
    message="no",
    traceback="",
    started_at=600,
    finished_at=700,
    worker="ann",
    version="",
)


def a_record(options: RunOptions | None = None, **changes: Any) -> JobRecord[Any]:
    stored = replace(STORED, **changes)
    return record_of(stored, job_type(Greet), options or RunOptions())


def test_instants_are_aware_and_nothing_is_empty_text() -> None:
    """B43"""
    record = a_record(attempts=(FAILED,))

    assert record.run_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert record.payload == Greet("Ann")
    assert record.error is not None
    assert (record.error.traceback, record.error.version) == (None, None)


def test_a_success_is_the_last_attempt() -> None:
    record = a_record(
        state=JobState.SUCCEEDED, failures=1, attempts=(FAILED,), started_at=800, finished_at=900
    )

    assert [(a.number, a.outcome) for a in record.attempts] == [(1, "failed"), (2, "succeeded")]
    assert record.attempt == 2
    assert record.error is not None
    assert record.error.message == "no"


def test_ten_attempts_are_shown_with_the_success() -> None:
    """B36"""
    attempts = tuple(replace(FAILED, number=n) for n in range(1, 11))

    record = a_record(state=JobState.SUCCEEDED, failures=10, attempts=attempts, finished_at=900)

    assert [attempt.number for attempt in record.attempts] == list(range(2, 12))


@pytest.mark.parametrize(
    ("most", "failures", "left"), [(3, 0, 3), (3, 2, 1), (3, 9, 0), (None, 50, None)]
)
def test_retries_left(most: int | None, failures: int, left: int | None) -> None:
    """B33"""
    record = a_record(RunOptions(max_retries=most), failures=failures)

    assert record.retries_left == left


def test_a_payload_that_does_not_decode_is_left_raw() -> None:
    """B3"""
    record = a_record(payload=b"garbage")

    assert record.payload is None
    assert record.raw == b"garbage"


def test_a_type_that_is_not_known_here_is_left_raw() -> None:
    assert record_of(STORED, None, RunOptions()).payload is None


def test_the_call_wins_over_the_type_and_the_type_over_the_defaults() -> None:
    stored = replace(STORED, options=b'{"timeout":1500}')
    defaults: dict[str, Any] = {"max_retries": 9, "max_timeout_retries": 7}

    options = options_of(stored, job_type(Greet), defaults)

    assert options.timeout == timedelta(seconds=1.5)
    assert (options.max_retries, options.max_timeout_retries) == (3, 7)


def test_none_is_a_choice_of_the_call() -> None:
    assert call_options(b'{"max_retries":null,"timeout":null}') == {
        "max_retries": None,
        "timeout": None,
    }


@pytest.mark.parametrize("garbage", [b"\xff", b"[]", b'{"timeout":"x"}', b'{"timeout":1e300}'])
def test_options_that_do_not_decode_are_named(garbage: bytes) -> None:
    """B3"""
    with pytest.raises(InvalidJob, match="the stored options do not decode"):
        call_options(garbage)


@pytest.mark.parametrize("garbage", [b"\xff", b"[]", b'{"a":1}'])
def test_metadata_that_does_not_decode_is_named(garbage: bytes) -> None:
    """B3"""
    with pytest.raises(InvalidJob, match="the stored metadata does not decode"):
        metadata_of(replace(STORED, metadata=garbage))


def test_a_damaged_job_can_be_looked_at() -> None:
    """B43"""
    sound = replace(STORED, options=b'{"max_retries":1}', metadata=b'{"a":"b"}')

    assert readable(sound) is sound
    assert readable(replace(sound, metadata=b"\xff")) == replace(STORED, options=b"", metadata=b"")
    assert readable(replace(sound, options=b"\xff")) == STORED
