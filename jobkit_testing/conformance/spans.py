"""What ends a job, by each path that there is, and what does not end it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jobkit.store import Cancel, Delete, Settlement, StoredJob, TakeOver
from jobkit_testing.conformance.bench import BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    bury,
    discard,
    release,
    retry,
    retry_now,
    retry_soon,
    snooze,
    succeed,
    time_out,
)

Happening = Callable[[BenchWorker, StoredJob], object]


def settling(settlement: Callable[[StoredJob], Settlement]) -> Happening:
    """Let the worker that has the job settle it."""
    return lambda ann, job: ann.settle(settlement(job))


def bury_and_drop(job: StoredJob) -> Settlement:
    """Build a death of which no record stays."""
    return bury(job, keep=False)


def cancel(ann: BenchWorker, job: StoredJob) -> None:
    """Cancel the job, or mark it if it runs."""
    ann.bench.run(Cancel(queue=QUEUE, id=job.id))


def delete(ann: BenchWorker, job: StoredJob) -> None:
    """Delete the job."""
    ann.bench.run(Delete(queue=QUEUE, id=job.id))


def lose(ann: BenchWorker, _: StoredJob) -> None:
    """Let the lease run out while bob keeps the queue awake, and reclaim it."""
    bob = ann.bench.worker("bob", ann.lanes)
    ann.bench.live(LEASE + 1, bob)
    bob.claim(0)


def lose_three_times(ann: BenchWorker, job: StoredJob) -> None:
    """Lose the job until it is poison."""
    lose(ann, job)
    for _ in range(2):
        ann.beat()
        ann.take_one()
        lose(ann, job)


def take_over(ann: BenchWorker, _: StoredJob) -> None:
    """Take back what ann holds, as one who saw her die."""
    ann.bench.run(TakeOver(queue=QUEUE, worker=ann.name))
    ann.beat()


def promote(ann: BenchWorker, _: StoredJob) -> None:
    """Let a second pass, and make ready what is due by then."""
    ann.bench.advance(SECOND)
    ann.claim(0)


def then(*happenings: Happening) -> Happening:
    """Let one happen after the other."""

    def happen(ann: BenchWorker, job: StoredJob) -> None:
        for happening in happenings:
            happening(ann, job)

    return happen


# What may befall a job that ann runs, so that it ends.
ENDINGS: Mapping[str, Happening] = {
    "succeeds": settling(succeed),
    "dies": settling(bury),
    "dies and is dropped": settling(bury_and_drop),
    "is discarded": settling(discard),
    "is cancelled and succeeds": then(cancel, settling(succeed)),
    "is cancelled and fails": then(cancel, settling(retry)),
    "is cancelled and snoozes": then(cancel, settling(snooze)),
    "is cancelled and handed back": then(cancel, settling(release)),
    "is cancelled and lost": then(cancel, lose),
    "is cancelled while it waits": then(settling(retry_soon), cancel),
    "is deleted while it waits": then(settling(retry_soon), delete),
    "is deleted while it runs": delete,
    "is lost three times": lose_three_times,
    "is cancelled and taken over": then(cancel, take_over),
}

# What may befall it so that it goes on.
DETOURS: Mapping[str, Happening] = {
    "fails": settling(retry_now),
    "fails and waits": settling(retry_soon),
    "fails and is promoted": then(settling(retry_soon), promote),
    "times out": settling(time_out),
    "snoozes": settling(snooze),
    "is handed back": settling(release),
    "is lost": lose,
    "is taken over": take_over,
}
