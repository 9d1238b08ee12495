"""How to bring a job into each state."""

from __future__ import annotations

from collections.abc import Mapping

from jobkit.record import JobState
from jobkit.store import Cancel, Capability, StoredJob
from jobkit_testing.conformance.bench import Bench
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    a_job,
    bury,
    discard,
    lanes,
    retry,
    succeed,
)

# Where a job can be, and the state that it shows there. Two places are worth a test of their
# own: "due" is scheduled with its time past, "suspect" is queued after a loss.
STATES: Mapping[str, JobState] = {
    "scheduled": JobState.SCHEDULED,
    "queued": JobState.QUEUED,
    "running": JobState.RUNNING,
    "retrying": JobState.RETRYING,
    "succeeded": JobState.SUCCEEDED,
    "dead": JobState.DEAD,
    "cancelled": JobState.CANCELLED,
    "due": JobState.SCHEDULED,
    "suspect": JobState.QUEUED,
}


def a_job_in(bench: Bench, where: str, *, type_name: str = "A") -> StoredJob:
    """Store a job and bring it there; it is the best of the worker ann, who holds it if it runs.

    Moves the time for "due" and "suspect" only.
    """
    waits = where in ("scheduled", "due")
    best = -1 if bench.has(Capability.PRIORITIES) else 0
    job_id = bench.push_one(a_job(type_name, priority=best, delay=SECOND if waits else 0))
    ann = bench.worker("ann", lanes(type_name))
    match where:
        case "scheduled" | "queued":
            pass
        case "due":
            bench.advance(SECOND)
        case "cancelled" if bench.has(Capability.CANCELS):
            bench.run(Cancel(queue=QUEUE, id=job_id))
        case "suspect":
            ann.take_one()
            bench.live(LEASE, ann)
            ann.claim(0)
        case _:
            job = ann.take_one()
            if where == "retrying":
                ann.settle(retry(job, delay=SECOND))
            elif where == "succeeded":
                ann.settle(succeed(job, result=b"1"))
            elif where == "dead":
                ann.settle(bury(job))
            elif where == "cancelled":
                ann.settle(discard(job))
    job = bench.get(job_id)
    assert job.state is STATES[where]
    return job
