"""A job as Redis keeps it: the body, which never changes, and the state, which does.

The body is "type priority due arrival enqueued retention options-size metadata-size", a
newline, then options, metadata and payload without anything between them; enqueued is "=" if that
was the due time. The state is lines of a letter and a value, listed in `scripts/lib/jobs.lua`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from jobkit.record import ENDED, JobState
from jobkit.store import Claim, Failure, NewJob, StoredAttempt, StoredJob, UniqueKey

Reply = Sequence[bytes]

_attempts = msgspec.json.Decoder(list[StoredAttempt])
_text = msgspec.json.Decoder(str)
_RUNNING = JobState.RUNNING  # an enum's member takes its time to be looked up
_NOTHING_SAID = b"- 0 0"  # no retention, options or metadata, as of most jobs
_WHEN_DUE = b"="  # when most jobs are enqueued
STATES: Mapping[bytes, JobState | None] = {
    b"": None,
    **{state.encode(): state for state in JobState},
}
_WAITS_FOR_A_TIME = (JobState.SCHEDULED, JobState.RETRYING)


def body_tail(job: NewJob) -> bytes:
    """Return the part of a body that only clients read."""
    if job.retention is None and not job.options and not job.metadata:
        return _NOTHING_SAID + b"\n" + job.payload
    retention = "-" if job.retention is None else job.retention
    sizes = f"{retention} {len(job.options)} {len(job.metadata)}\n"
    return b"".join((sizes.encode(), job.options, job.metadata, job.payload))


_HELD_UNTIL = {"started": "s", "done": "d"}
_ON_CONFLICT = {"return": "k", "replace": "r", "raise": "f"}


def first_state(job: NewJob) -> str:
    """Return the lines that a job's state begins with, '' for most; a unique key comes first."""
    if job.unique is None and job.schedule is None:
        return "" if job.retention is None else f"R{job.retention}"
    retention = None if job.retention is None else f"R{job.retention}"
    schedule = None if job.schedule is None else f"S{job.schedule}"
    return "\n".join(filter(None, (_unique_line(job.unique), retention, schedule)))


def _unique_line(unique: UniqueKey | None) -> str | None:
    if unique is None:
        return None
    ttl = "-" if unique.ttl is None else unique.ttl
    letters = _HELD_UNTIL[unique.until] + _ON_CONFLICT[unique.on_conflict]
    return f"q{letters} {ttl} {unique.key}"


def failure_json(failure: Failure) -> bytes:
    """Return the inside of the JSON object of an attempt; the script adds the rest."""
    return msgspec.json.encode(failure)[1:-1]


def parse_job(queue: str, parts: Reply, *, state: JobState, now: int) -> StoredJob:
    """Put a job together from its id, body, state, attempts and result."""
    job_id, body, lines, attempts, result = parts
    header, _, blobs = body.partition(b"\n")
    type_name, priority, due, arrival, came, retention, options, metadata = header.split(b" ")
    fields = {line[:1]: line[1:] for line in lines.split(b"\n")}
    payload_at = int(options) + int(metadata)
    run_at = int(fields.get(b"d", due))
    worker, fence = _holder(fields)
    started_at = _number(fields.get(b"s"))
    checked_in_at, _, progress = fields.get(b"g", b"").partition(b" ")
    return StoredJob(
        id=job_id.decode(),
        queue=queue,
        type=type_name.decode(),
        state=state,
        payload=blobs[payload_at:],
        options=blobs[: int(options)],
        metadata=blobs[int(options) : payload_at],
        priority=int(fields.get(b"p", priority)),
        run_at=run_at,
        arrival=int(arrival),
        enqueued_at=int(due if came == _WHEN_DUE else came),
        retention=None if retention == b"-" else int(retention),
        schedule=_schedule(fields),
        due=is_due(state, run_at, now),
        fence=fence,
        starts=int(fields.get(b"n", 0 if started_at is None else 1)),
        failures=int(fields.get(b"x", 0)),
        timeouts=int(fields.get(b"o", 0)),
        losses=int(fields.get(b"l", 0)),
        suspect=b"l" in fields,
        started_at=started_at,
        finished_at=_number(fields.get(b"e")) if state in ENDED else None,
        duration=_number(fields.get(b"u")),
        worker=worker,
        version=_version(fields),
        attempts=_parse_attempts(attempts),
        result=result[1:] if result else None,
        cancel_requested_at=_number(fields.get(b"c")),
        timed_out_at=_number(fields.get(b"t")),
        emptied=b"z" in fields,
        progress=progress if checked_in_at else None,
        checked_in_at=int(checked_in_at) if checked_in_at else None,
        unique_key=_unique_key(fields.get(b"q") or fields.get(b"Q")),
    )


def parse_claimed_jobs(reply: Sequence[Any], claim: Claim, now: int) -> tuple[StoredJob, ...]:
    """Put the jobs of a claim's reply together; most have never run before."""
    started, fence, ids, bodies = reply[2], *reply[6:9]
    known: dict[int, list[bytes]] = {}
    if len(reply) > 9:
        known = {n: more for n, *more in zip(reply[9::3], reply[10::3], reply[11::3], strict=True)}
    jobs: list[StoredJob] = []
    for number, (job_id, body) in enumerate(zip(ids, bodies, strict=True), 1):
        started_at = now if number <= started else None
        before = known.get(number)
        if before is None:
            jobs.append(_claimed_first(job_id, body, claim, fence, started_at))
            continue
        stored = parse_job(claim.queue, (job_id, body, *before, b""), state=_RUNNING, now=now)
        # In the answer to the copy of a claim the state has everything.
        jobs.append(stored if fence < 0 else _claimed_again(stored, claim, fence, started_at))
    return tuple(jobs)


def _claimed_first(
    job_id: bytes, body: bytes, claim: Claim, fence: int, started_at: int | None
) -> StoredJob:
    header, _, blobs = body.partition(b"\n")
    type_name, priority, due, arrival, came, rest = header.split(b" ", 5)
    due_at = int(due)
    retention, options, metadata = None, b"", b""
    if rest != _NOTHING_SAID:
        kept_for, options_size, metadata_size = rest.split(b" ")
        retention = None if kept_for == b"-" else int(kept_for)
        options_end = int(options_size)
        payload_at = options_end + int(metadata_size)
        options, metadata = blobs[:options_end], blobs[options_end:payload_at]
        blobs = blobs[payload_at:]
    return StoredJob(  # in the order of its fields: their names take longer than all the rest
        job_id.decode(),
        claim.queue,
        type_name.decode(),
        _RUNNING,
        blobs,
        options,
        metadata,
        int(priority),
        due_at,
        int(arrival),
        due_at if came == _WHEN_DUE else int(came),
        retention,
        None,  # schedule
        False,  # due
        fence,
        0 if started_at is None else 1,
        0,  # failures
        0,  # timeouts
        0,  # losses
        False,  # suspect
        started_at,
        None,  # finished_at
        None,  # duration
        claim.worker,
        claim.version,
    )


def _claimed_again(
    stored: StoredJob, claim: Claim, fence: int, started_at: int | None
) -> StoredJob:
    return replace(
        stored,
        fence=fence,
        worker=claim.worker,
        version=claim.version,
        started_at=started_at,
        # Written from the second start on.
        starts=stored.starts or int(started_at is not None),
    )


def is_due(state: JobState, run_at: int, now: int) -> bool:
    """Tell whether a job could run now, promoted or not."""
    return state is JobState.QUEUED or (state in _WAITS_FOR_A_TIME and run_at <= now)


def _holder(fields: dict[bytes, bytes]) -> tuple[str | None, int]:
    token = fields.get(b"k") or fields.get(b"K") or fields.get(b"w")
    if token is None:
        return None, 0
    worker, _, fence = token.rpartition(b":")
    return worker.decode(), int(fence)


def _version(fields: dict[bytes, bytes]) -> str | None:
    """Read the version off what the last claim wrote: "flags group version"."""
    claim = fields.get(b"v")
    return None if claim is None else _text.decode(claim.split(b" ", 2)[2])


def _unique_key(line: bytes | None) -> str | None:
    return None if line is None else line.split(b" ", 2)[2].decode()


def _schedule(fields: dict[bytes, bytes]) -> str | None:
    name = fields.get(b"S") or fields.get(b"T")
    return None if name is None else name.decode()


def _number(value: bytes | None) -> int | None:
    return None if value is None else int(value)


def _parse_attempts(lines: bytes) -> tuple[StoredAttempt, ...]:
    if not lines:
        return ()
    return tuple(_attempts.decode(b"[" + lines.replace(b"\n", b",") + b"]"))
