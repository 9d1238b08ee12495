from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobkit.engine.batch import MAX_BYTES, MAX_JOBS, Batch, checked_chunk, iterate_jobs
from jobkit.errors import InvalidJob, InvalidOption
from jobkit.store import NewJob


def a_job(*, queue: str = "mail", payload: bytes = b"{}", metadata: bytes = b"") -> NewJob:
    return NewJob(id="J", queue=queue, type="A", payload=payload, metadata=metadata)


def test_a_batch_takes_ten_thousand_jobs_a_queue() -> None:
    """B4"""
    batch = Batch()
    for _ in range(MAX_JOBS):
        batch.add(a_job())

    with pytest.raises(InvalidJob, match="10,001 jobs"):
        batch.add(a_job())
    batch.add(a_job(queue="another"))

    assert len(batch) == MAX_JOBS + 1


@pytest.mark.parametrize("part", ["payload", "metadata"])
def test_a_batch_takes_eight_mebibytes_a_queue(part: str) -> None:
    """B4"""
    batch = Batch()
    half = b"x" * (MAX_BYTES // 2 - 10)
    for _ in range(2):
        batch.add(a_job(metadata=half) if part == "metadata" else a_job(payload=half))

    with pytest.raises(InvalidJob, match="bytes for queue 'mail'"):
        batch.add(a_job(payload=b"x" * 100))
    batch.add(a_job(queue="another", payload=half))

    assert len(batch) == 3


def test_what_was_refused_is_not_counted() -> None:
    """B4"""
    batch = Batch()
    with pytest.raises(InvalidJob):
        batch.add(a_job(payload=b"x" * (MAX_BYTES + 1)))

    batch.add(a_job(payload=b"x" * MAX_BYTES))

    assert len(batch) == 1


def test_what_is_cut_off_makes_room() -> None:
    """B40"""
    batch = Batch()
    batch.add(a_job())
    for _ in range(MAX_JOBS - 1):
        batch.add(a_job())

    batch.cut(1)
    for _ in range(MAX_JOBS - 1):
        batch.add(a_job())

    assert len(batch) == MAX_JOBS


@pytest.mark.parametrize("wrong", [None, 5, "text", b"bytes", {"a": 1}, list, object()])
def test_only_collections_are_gone_through(wrong: object) -> None:
    """B4"""
    with pytest.raises(InvalidJob, match="takes an iterable of jobs"):
        iterate_jobs(wrong)


def test_any_iterable_will_do() -> None:
    """B4"""

    def generate() -> Iterator[int]:
        yield from (1, 2)

    for jobs in ([1, 2], (1, 2), dict.fromkeys((1, 2)).keys(), generate(), iter([1, 2])):
        assert list(iterate_jobs(jobs)) == [1, 2]


@pytest.mark.parametrize("wrong", [0, -1, MAX_JOBS + 1, 2.0, True, "10"])
def test_a_chunk_is_a_number_of_jobs(wrong: int) -> None:
    """B4"""
    with pytest.raises(InvalidOption, match="chunk"):
        checked_chunk(wrong)


def test_a_chunk_may_be_left_out() -> None:
    assert checked_chunk(None) is None
    assert checked_chunk(MAX_JOBS) == MAX_JOBS
