"""What is stored under a job's name and cannot be run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

import jobkit
from jobkit import Hooks, InvalidJob, InvalidOption, JobRecord, JobState
from jobkit.ids import seeded_ids
from jobkit.record import ENDED, Attempt
from jobkit.store import NewJob, Push
from jobkit.worker import WorkingJobs
from tests.e2e.backends import MakeJobs, store_of
from tests.e2e.handling import calling, do_nothing
from tests.e2e.jobtypes import Ping, Pong, Text
from tests.e2e.waiting import Gate, eventually

MINUTE = timedelta(minutes=1)
_numbers = count(1)
_ids = seeded_ids(lambda: 1_700_000_000_000, seed=5)


def put(
    jobs: WorkingJobs,
    payload: bytes,
    *,
    type: str = "e2e.Ping",
    options: bytes = b"",
    metadata: bytes = b"",
) -> str:
    """Store bytes as a job, as another program could."""
    new = NewJob(
        id=_ids.new("default"),
        queue="default",
        type=type,
        payload=payload,
        options=options,
        metadata=metadata,
    )
    store_of(jobs).run(Push(jobs=(new,), channel="another-program", request=next(_numbers)))
    return new.id


def ended(jobs: WorkingJobs, job_id: str) -> JobRecord[Any]:
    """Wait for the end of a job."""
    eventually(lambda: jobs.inspect.get(job_id).state in ENDED)
    return jobs.inspect.get(job_id)


GARBAGE = {
    "nothing": b"",
    "bytes": b"\x00\xff\xfe{",
    "not an object": b"[1,2,3]",
    "a wrong type": b'{"n":"seven"}',
    "a half": b'{"n":',
    "deep": b"[" * 100_000,
    "a huge number": b'{"n":1' + b"0" * 5000 + b"}",
    "a surrogate": b'{"n":"\\ud800"}',
    "with lines": b'{"n":\n"x\n"}',
}


@pytest.mark.parametrize("payload", GARBAGE.values(), ids=GARBAGE.keys())
def test_what_does_not_decode_is_dead_with_its_bytes(jobs: WorkingJobs, payload: bytes) -> None:
    """B3"""
    ran: list[object] = []
    jobs.register(ran.append, job=Ping)
    jobs.start()

    job_id = put(jobs, payload)
    record = ended(jobs, job_id)

    assert record.state == "dead"
    assert record.payload is None
    assert record.raw == payload
    assert record.error is not None
    assert record.error.error_type == "jobkit.InvalidJob"
    assert ran == []
    assert jobs.enqueue(Ping()).wait(MINUTE).state == "succeeded"


def test_a_missing_field_is_dead_and_named(jobs: WorkingJobs) -> None:
    """B3"""
    jobs.register(do_nothing, job=Text)
    jobs.start()

    record = ended(jobs, put(jobs, b"{}", type="e2e.Text"))

    assert record.state == "dead"
    assert record.error is not None
    assert "text" in str(record.error.message)


def test_an_unknown_field_is_ignored(jobs: WorkingJobs) -> None:
    """B3"""
    seen: list[Ping] = []
    jobs.register(seen.append, job=Ping)
    jobs.start()

    record = ended(jobs, put(jobs, b'{"n":3,"of_a_later_version":[1]}'))

    assert record.state == "succeeded"
    assert seen == [Ping(3)]


@pytest.mark.parametrize("part", ["options", "metadata"])
@pytest.mark.parametrize("how", ["sync", "async"])
def test_options_or_metadata_that_do_not_decode_hurt_nobody_else(
    jobs: WorkingJobs, part: str, how: str
) -> None:
    """B3: such a job is dead like one whose payload does not decode."""

    async def run_async(job: Ping) -> None:
        pass

    jobs.register((do_nothing) if how == "sync" else run_async, job=Ping)
    garbage = {part: b"\xffgarbage"}
    before = jobs.enqueue(Ping())
    bad = put(jobs, b'{"n":1}', **garbage)  # type: ignore[arg-type]  # its keys are two of put's
    after = jobs.enqueue_many([Ping(n) for n in range(30)])

    jobs.start(concurrency=2)

    for handle in (before, *after):
        assert handle.wait(MINUTE).state == "succeeded"
    assert ended(jobs, bad).state == "dead"


def test_a_record_whose_metadata_does_not_decode_can_be_looked_at(jobs: WorkingJobs) -> None:
    """B43"""
    job_id = put(jobs, b'{"n":1}', options=b"garbage", metadata=b"garbage")

    record = jobs.inspect.get(job_id)

    assert record.state == "queued"
    assert record.raw == b'{"n":1}'
    assert jobs.inspect.cancel(job_id)


def test_the_hook_of_an_undecodable_job_is_told(jobs: WorkingJobs) -> None:
    """B30"""
    told: list[tuple[JobState, bytes, str]] = []

    def on_dead(record: JobRecord[object], attempt: Attempt | None) -> None:
        assert attempt is not None
        told.append((record.state, record.raw, attempt.outcome))

    jobs.hooks(Hooks(on_dead=on_dead))
    jobs.register(do_nothing, job=Ping)
    jobs.start()

    put(jobs, b"garbage")

    eventually(lambda: told)
    assert told == [(JobState.DEAD, b"garbage", "dead")]


def test_an_unknown_type_waits_untouched(jobs: WorkingJobs) -> None:
    """B24"""
    jobs.register(do_nothing, job=Ping)
    unknown = put(jobs, b"{}", type="somebody.elses.Type")
    known = jobs.enqueue(Ping())

    jobs.start()
    assert known.wait(MINUTE).state == "succeeded"
    report = jobs.drain(timeout=MINUTE)
    record = jobs.inspect.get(unknown)

    assert report.left["no handler"] == 1
    assert record.state == "queued"
    assert record.starts == 0
    assert record.attempts == ()


def test_many_of_an_unknown_type_delay_nobody(jobs: WorkingJobs) -> None:
    """B24"""
    jobs.register(do_nothing, job=Ping)
    jobs.enqueue_many([Pong(n) for n in range(3000)])
    jobs.start()

    for n in range(20):
        assert jobs.enqueue(Ping(n)).wait(MINUTE).state == "succeeded"


def test_a_payload_that_is_too_big_is_refused_and_stored_nowhere(make_jobs: MakeJobs) -> None:
    """B3"""
    jobs = make_jobs(max_payload=100)
    jobs.register(do_nothing, job=Text)

    fits = jobs.enqueue(Text("x" * 80))
    with pytest.raises(InvalidJob, match="the payload has"):
        jobs.enqueue(Text("x" * 100))
    with pytest.raises(InvalidJob, match="the payload has"):
        jobs.enqueue_many([Text("small"), Text("x" * 100)])
    report = jobs.drain(timeout=MINUTE)

    assert fits.record().state == "succeeded"
    assert report.succeeded == 1


def test_the_default_limit_is_256_kib(jobs: WorkingJobs) -> None:
    """B3"""
    seen: list[int] = []
    jobs.register(calling(lambda job: seen.append(len(job.text))), job=Text)
    frame = len(b'{"text":""}')

    jobs.enqueue(Text("x" * (256 * 1024 - frame)))
    with pytest.raises(InvalidJob):
        jobs.enqueue(Text("x" * (256 * 1024 - frame + 1)))
    jobs.drain(timeout=MINUTE)

    assert seen == [256 * 1024 - frame]


@pytest.mark.parametrize("wrong", [{"a": "\udc80"}, {"\ud800": "b"}])
def test_metadata_that_is_no_text_is_refused(jobs: WorkingJobs, wrong: dict[str, str]) -> None:
    """B3"""
    with pytest.raises(InvalidOption, match="metadata"):
        jobs.enqueue(Ping(), metadata=wrong)

    assert not jobs.drain(timeout=MINUTE)


@pytest.mark.parametrize("wrong", [None, 7, "text", Ping, [], {}, Ping(1)])
def test_what_is_no_collection_of_jobs_is_refused(jobs: WorkingJobs, wrong: object) -> None:
    """B4"""
    jobs.register(do_nothing, job=Ping)

    with pytest.raises(InvalidJob):
        jobs.enqueue_many(wrong)  # type: ignore[arg-type]

    assert not jobs.drain(timeout=MINUTE)


def test_one_wrong_job_keeps_all_others_out(jobs: WorkingJobs) -> None:
    """B4"""
    jobs.register(do_nothing, job=Ping)

    with pytest.raises(InvalidJob):
        jobs.enqueue_many([*(Ping(n) for n in range(100)), "no job"])  # type: ignore[list-item]

    assert not jobs.drain(timeout=MINUTE)


def test_a_handler_may_spoil_its_job_and_the_caller_too(jobs: WorkingJobs) -> None:
    """B7"""

    @jobkit.job(backoff=timedelta(0))
    @dataclass
    class Basket:
        items: list[str]

    seen: list[list[str]] = []

    @jobs.register
    def spoil(job: Basket) -> None:
        seen.append(list(job.items))
        job.items.append("rotten")
        if len(seen) < 3:
            raise ValueError

    basket = Basket(["apple"])
    handle = jobs.enqueue(basket)
    basket.items.clear()
    jobs.start()

    assert handle.wait(MINUTE).payload == Basket(["apple"])
    assert seen == [["apple"]] * 3


def test_a_batch_as_large_as_allowed_goes_in_at_once(jobs: WorkingJobs) -> None:
    """B4"""
    gate = Gate()
    gate.open()
    jobs.register(gate.handle, job=Ping)

    with pytest.raises(InvalidJob, match="at most 10,000 jobs"):
        jobs.enqueue_many(Ping(n) for n in range(10_001))
    handles = jobs.enqueue_many(Ping(n) for n in range(10_000))
    more = jobs.enqueue_many((Ping(n) for n in range(250)), chunk=100)

    assert len({h.id for h in (*handles, *more)}) == 10_250
    assert handles[0].record().state == "queued"
    assert sorted(h.id for h in handles) == [h.id for h in handles]
