"""The list of workers in a test: there is one while something runs."""

from __future__ import annotations

from datetime import timedelta

from jobkit import JobContext, SlotInfo, WorkerInfo
from tests.unit.testing.samples import START, SendMail, jobs_of

SECOND = timedelta(seconds=1)


def test_a_run_is_a_worker_with_one_slot() -> None:
    """B48, B56: the same in every run of the test, on every machine."""
    jobs = jobs_of(start=START, version="1.2")
    seen: list[tuple[WorkerInfo, ...]] = []

    @jobs.register
    def run(job: SendMail, ctx: JobContext) -> None:
        ctx.checkin("half")
        seen.append(jobs.inspect.workers())

    jobs.clock.advance(SECOND)
    record = jobs.perform(SendMail(7))

    assert record.progress is not None
    assert seen[0] == (
        WorkerInfo(
            name="testing",
            host="testing",
            pid=0,
            version="1.2",
            queues=("default",),
            types=("send-mail",),
            concurrency=1,
            started_at=START,
            heartbeat_at=START + SECOND,
            live=True,
            slots=(
                SlotInfo(
                    job_id=record.id,
                    type="send-mail",
                    queue="default",
                    since=START + SECOND,
                    progress=record.progress,
                ),
            ),
        ),
    )
    assert jobs.inspect.workers() == ()
