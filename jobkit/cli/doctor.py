"""`jobkit doctor`: what is wrong, or soon will be, and what mends it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.printing import counted, print_json, shown
from jobkit.queueinfo import QueueInfo
from jobkit.record import WAITING, JobState
from jobkit.roster import WorkerInfo, unserved
from jobkit.scheduleinfo import ScheduleInfo
from jobkit.worker import WorkingJobs


def doctor(jobs: WorkingJobs, given: argparse.Namespace) -> ExitCode:
    """Print a sentence for each finding; 1 if there are any."""
    queues, workers = jobs.inspect.queues(), jobs.inspect.workers()
    found = [
        *jobs.checkup(),
        *about_queues(queues, workers),
        *about_workers(workers),
        *about_schedules(jobs.inspect.schedules()),
        *(jobs.audit() if given.audit else ()),
    ]
    if given.json:
        print_json({"findings": found})
    else:
        for sentence in found:
            print(f"- {sentence}")
        live = sum(worker.live for worker in workers)
        print(
            f"{jobs!r}: {counted(len(found), 'finding')}; "
            f"{counted(len(queues), 'queue')}, {counted(live, 'live worker')}"
        )
    return ExitCode.REFUSED if found else ExitCode.OK


def about_queues(queues: Sequence[QueueInfo], workers: Sequence[WorkerInfo]) -> Iterator[str]:
    """Tell which jobs wait for nobody, which are held up by a pause, and which are dead."""
    for queue in queues:
        for kind, number in sorted(unserved(_waiting(queue), workers, queue.name).items()):
            yield (
                f"queue {queue.name}: no live worker handles {kind}, and {number:,} wait. "
                f"Start a worker that serves this queue and has a handler for it"
            )
        if queue.paused and queue.due:
            yield (
                f"queue {queue.name}: is paused, and {_jobs_are(queue.due)} due. "
                f"jobkit queues resume {queue.name}"
            )
        for kind in queue.paused_types:
            if ready := queue.by_type.get(JobState.QUEUED, {}).get(kind):
                yield (
                    f"queue {queue.name}: {kind} is paused, and {_jobs_are(ready)} due. "
                    f"jobkit queues resume --type {kind} (with {queue.name} before --type if it "
                    f"was paused in this queue alone)"
                )
        if dead := queue.counts[JobState.DEAD]:
            yield (
                f"queue {queue.name}: {_jobs_are(dead)} dead. Look at them: "
                f"jobkit jobs list --state dead --queue {queue.name}"
            )


def about_workers(workers: Sequence[WorkerInfo]) -> Iterator[str]:
    """Tell who has fallen silent."""
    for worker in workers:
        if not worker.live:
            yield (
                f"worker {worker.name}: not heard of since {shown(worker.heartbeat_at)}. "
                f"It died, or cannot reach the store; its jobs go to others"
            )


def about_schedules(schedules: Sequence[ScheduleInfo[Any]]) -> Iterator[str]:
    """Tell which cannot be told the next run of, or ended badly the last time."""
    for schedule in schedules:
        if _is_unknown(schedule):
            yield (
                f"schedule {schedule.name}: {schedule.spec} is not known here. Workers fire it "
                f"only if they have it by Handlers.rule; give --app to look with theirs"
            )
        if schedule.last_outcome == "dead":
            yield (
                f"schedule {schedule.name}: its last job ended dead. "
                f"jobkit jobs show {schedule.last_job}"
            )


def _is_unknown(schedule: ScheduleInfo[Any]) -> bool:
    """Tell whether this process lacks a schedule's rule: then it knows one run at most."""
    is_rule = schedule.spec.startswith("rule:")
    return is_rule and schedule.ended_at is None and len(schedule.next_runs) == 1


def _jobs_are(number: int) -> str:
    return f"{counted(number, 'job')} {'is' if number == 1 else 'are'}"


def _waiting(queue: QueueInfo) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in WAITING:
        for kind, number in queue.by_type.get(state, {}).items():
            found[kind] = found.get(kind, 0) + number
    return found
