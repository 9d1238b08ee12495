"""Check-ins: how far a running attempt is, as its handler says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from jobkit.record import ENDED, JobState
from jobkit.store import Cancel, Capability, CheckIn, Lease, Reschedule, StoredJob
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    QUEUE,
    SECOND,
    SETTLEMENTS,
    START,
    a_job,
    lease_of,
    release,
    retry,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

HALF = b'["half",1,2]'


def checking_in(
    worker: BenchWorker, job: StoredJob, progress: bytes = HALF, *, lease: Lease | None = None
) -> CheckIn:
    """Build a check-in of the attempt that this worker runs."""
    return CheckIn(queue=QUEUE, worker=worker.name, lease=lease or lease_of(job), progress=progress)


@only_with(Capability.CHECK_INS)
class CheckingIn:
    """Tests of `CheckIn`."""

    def test_a_check_in_shows_on_the_running_job(self, bench: Bench) -> None:
        """B29: with its instant; nothing else changes."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.advance(SECOND)

        held = bench.run(checking_in(ann, job))

        assert held is True
        expected = replace(job, progress=HALF, checked_in_at=START + SECOND)
        assert bench.get(job.id) == expected
        assert bench.page(JobState.RUNNING) == [expected]

    @only_with(Capability.CANCELS)
    def test_the_last_check_in_counts(self, bench: Bench) -> None:
        """B29: a job keeps one, whatever came between."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(checking_in(ann, job))
        bench.run(Cancel(queue=QUEUE, id=job.id))
        bench.advance(SECOND)

        bench.run(checking_in(ann, job, b"g c k almost"))

        after = bench.get(job.id)
        assert (after.progress, after.checked_in_at) == (b"g c k almost", START + SECOND)
        assert after.cancel_requested_at == START
        assert ann.beat(job).cancelled == (job.id,)

    def test_only_the_holder_of_a_lease_checks_in(self, bench: Bench) -> None:
        """B29, B38: by worker and fence, of a job that is there."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()

        held = [
            bench.run(checking_in(bob, job)),
            bench.run(checking_in(ann, job, lease=Lease(id=job.id, fence=job.fence + 1))),
            bench.run(checking_in(ann, job, lease=Lease(id="0" * 26, fence=job.fence))),
        ]

        assert held == [False, False, False]
        assert bench.get(job.id) == job

    def test_a_lost_attempt_is_not_heard(self, bench: Bench) -> None:
        """B29, B38: while the job waits, and while another runs it."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.live(LEASE + SECOND, bob)
        bob.claim(0)

        waiting = bench.run(checking_in(ann, job))
        bob.take_one()
        running = bench.run(checking_in(ann, job))

        assert (waiting, running) == (False, False)
        assert bench.get(job.id).progress is None

    @pytest.mark.parametrize("how", SETTLEMENTS)
    def test_the_last_check_in_stays_after_the_end(self, bench: Bench, how: str) -> None:
        """B29: until the job is claimed again; none is heard after the end."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(checking_in(ann, job))
        settlement, state = SETTLEMENTS[how]
        ann.settle(settlement(job))

        late = bench.run(checking_in(ann, job, b"late"))

        after = bench.get(job.id)
        assert late is False
        assert (after.state, after.progress, after.checked_in_at) == (state, HALF, START)

    def test_a_new_claim_forgets_the_check_in_of_the_last_run(self, bench: Bench) -> None:
        """B29: it was another attempt's."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(checking_in(ann, job))
        ann.settle(retry(job))

        again = ann.take_one()

        assert (again.progress, again.checked_in_at) == (None, None)
        assert bench.get(job.id) == again

    def test_the_copy_of_a_claim_shows_the_check_in(self, bench: Bench) -> None:
        """B29: the job is as it is, whoever asks."""
        bench.push(a_job())
        ann = bench.worker()
        claim = ann.claiming()
        job = bench.run(claim).jobs[0]
        bench.run(checking_in(ann, job))

        copy = bench.run(claim).jobs[0]

        assert copy == replace(job, progress=HALF, checked_in_at=START)

    @only_with(Capability.RESCHEDULES)
    def test_a_job_that_begins_anew_has_said_nothing(self, bench: Bench) -> None:
        """B45: as if it had never run."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(checking_in(ann, job))
        ann.settle(succeed(job))

        bench.run(Reschedule(queue=QUEUE, id=job.id, of=ENDED))

        after = bench.get(job.id)
        assert (after.progress, after.checked_in_at) == (None, None)

    def test_a_lost_job_shows_what_its_last_run_said(self, bench: Bench) -> None:
        """B29, B37: until another claims it."""
        bench.push(a_job())
        ann, bob = bench.worker("ann"), bench.worker("bob")
        job = ann.take_one()
        bench.run(checking_in(ann, job))
        bench.live(LEASE + SECOND, bob)
        bob.claim(0)

        lost = bench.get(job.id)
        again = bob.take_one()

        assert (lost.state, lost.losses, lost.progress) == (JobState.QUEUED, 1, HALF)
        assert again.progress is None

    def test_a_handed_back_job_keeps_its_place_and_its_check_in(self, bench: Bench) -> None:
        """B29, B52"""
        first, second = bench.push(a_job(), a_job())
        ann = bench.worker()
        job = ann.take_one()
        bench.run(checking_in(ann, job))
        ann.settle(release(job))

        assert bench.get(first).progress == HALF
        assert [each.id for each in ann.take(2)] == [first, second]
