from __future__ import annotations

from jobkit.record import JobState
from jobkit.redis.stored import body_tail, failure_json, is_due, parse_claimed_jobs, parse_job
from jobkit.store import Claim, Failure, LaneSet, NewJob

CLAIM = Claim(
    queue="mail",
    worker="ann.1",
    version="2.0",
    request=1,
    lanes=LaneSet(key="k", lanes={}),
    slots=2,
    lease=30_000,
)
LINES = b"k" + b'bob.2:41\nv11 A "1.0"\ns500\nn3\nx1\no2\nl1\nd900\nu7\nc600\nt650'


def a_body(payload: bytes = b"{}", *, options: bytes = b"", metadata: bytes = b"") -> bytes:
    new = NewJob(
        id="J1", queue="mail", type="A", payload=payload, options=options, metadata=metadata
    )
    return b"A -5 100 12 90 " + body_tail(new)


def test_a_job_that_never_ran_is_its_body() -> None:
    stored = parse_job(
        "mail", (b"J1", a_body(b'{"n":1}'), b"", b"", b""), state=JobState.QUEUED, now=100
    )

    assert (stored.id, stored.queue, stored.type, stored.priority) == ("J1", "mail", "A", -5)
    assert (stored.run_at, stored.arrival, stored.enqueued_at) == (100, 12, 90)
    assert (stored.starts, stored.worker, stored.fence, stored.started_at) == (0, None, 0, None)
    assert stored.payload == b'{"n":1}'
    assert stored.due


def test_a_job_that_was_due_when_it_came_has_that_time_once() -> None:
    """B8"""
    body = b"A 0 100 12 = - 0 0\n{}"
    claimed = [b"200", 0, 1, b"", 0, [], 7, [b"J1"], [body]]

    stored = parse_job("mail", (b"J1", body, b"d900", b"", b""), state=JobState.RETRYING, now=200)
    [running] = parse_claimed_jobs(claimed, CLAIM, 200)

    assert (stored.run_at, stored.enqueued_at) == (900, 100)
    assert (running.run_at, running.enqueued_at) == (100, 100)


def test_the_three_parts_of_a_body_may_be_anything() -> None:
    """B3"""
    parts = {"payload": b"\n\x00 \xff", "options": b'{"a":"\n"}', "metadata": b" "}
    body = a_body(parts["payload"], options=parts["options"], metadata=parts["metadata"])

    stored = parse_job("mail", (b"J1", body, b"", b"", b""), state=JobState.QUEUED, now=0)

    assert stored.payload == parts["payload"]
    assert stored.options == parts["options"]
    assert stored.metadata == parts["metadata"]


def test_what_has_changed_stands_in_lines() -> None:
    stored = parse_job("mail", (b"J1", a_body(), LINES, b"", b""), state=JobState.RUNNING, now=0)

    assert (stored.worker, stored.fence, stored.version) == ("bob.2", 41, "1.0")
    assert (stored.started_at, stored.starts, stored.duration, stored.run_at) == (500, 3, 7, 900)
    assert (stored.failures, stored.timeouts, stored.losses, stored.suspect) == (1, 2, 1, True)
    assert (stored.cancel_requested_at, stored.timed_out_at) == (600, 650)


def test_attempts_stand_one_a_line_and_an_empty_result_is_one() -> None:
    inside = failure_json(Failure(outcome="failed", message='a "quoted"\nline'))
    attempt = (
        b'{"number":1,"started_at":1,"finished_at":2,"worker":"w","version":"",' + inside + b"}"
    )
    parts = (b"J1", a_body(), b"e5", attempt + b"\n" + attempt, b"=")

    stored = parse_job("mail", parts, state=JobState.DEAD, now=0)

    assert [each.message for each in stored.attempts] == ['a "quoted"\nline'] * 2
    assert stored.result == b""
    assert stored.finished_at == 5


def test_an_end_is_shown_of_a_job_that_has_ended_only() -> None:
    parts = (b"J1", a_body(), b"e5", b"", b"")

    assert parse_job("mail", parts, state=JobState.RUNNING, now=0).finished_at is None


def test_due_is_what_could_run_now() -> None:
    """B42"""
    assert is_due(JobState.QUEUED, 500, 100)
    assert is_due(JobState.SCHEDULED, 100, 100)
    assert not is_due(JobState.RETRYING, 101, 100)
    assert not is_due(JobState.RUNNING, 0, 100)


def test_a_claim_gives_its_jobs_their_lease() -> None:
    """B23"""
    again = (2, b"s1\nn1\nx1\nd50", b"")
    reply = [b"1000", 0, 1, b"", 0, [], 41, [b"J1", b"J2"], [a_body(), a_body()], *again]

    one, two = parse_claimed_jobs(reply, CLAIM, 1000)

    assert (one.id, one.fence, one.starts, one.started_at) == ("J1", 41, 1, 1000)
    assert (two.id, two.fence, two.starts, two.started_at) == ("J2", 41, 1, None)
    assert {(job.worker, job.version, job.state) for job in (one, two)} == {
        ("ann.1", "2.0", JobState.RUNNING)
    }
    assert (two.failures, two.run_at) == (1, 50)


def test_the_answer_to_the_copy_of_a_claim_has_everything() -> None:
    """B37"""
    reply = [b"1000", 0, 1, b"", 0, [], -1, [b"J1"], [a_body()], 1, LINES, b""]

    (job,) = parse_claimed_jobs(reply, CLAIM, 1000)

    assert (job.worker, job.fence, job.started_at) == ("bob.2", 41, 500)
